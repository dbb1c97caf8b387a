package frame_test

import (
	"fmt"

	"github.com/fb1e3c20/websockets/core/frame"
)

// A server takes a frame of a client apart.
func ExampleParseHeader() {
	received := []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")

	h, n, err := frame.ParseHeader(received)
	switch {
	case err != nil:
		fmt.Println("refused:", err)
		return
	case n == 0:
		fmt.Println("the header goes on in the next read")
		return
	}
	if err := h.Check(true, false); err != nil {
		fmt.Println("refused:", err)
		return
	}
	payload := received[n:]
	h.Mask.XOR(payload, 0)
	fmt.Printf("%v, %d bytes: %s\n", h.Opcode, h.Length, payload)
	// Output: text, 5 bytes: Hello
}

// A server sends a message as one frame.
func ExampleAppendFrame() {
	h := frame.Header{Fin: true, Opcode: frame.Text}
	fmt.Printf("%q\n", frame.AppendFrame(nil, h, []byte("Hello")))
	// Output: "\x81\x05Hello"
}

// A client that may change its payload masks it in place and writes it after
// the header, without copying it.
func ExampleAppendHeader() {
	payload := []byte("Hello")
	mask := frame.Mask{0x37, 0xfa, 0x21, 0x3d} // from crypto/rand, new for each frame

	header := frame.AppendHeader(nil, frame.Header{
		Fin:    true,
		Opcode: frame.Text,
		Masked: true,
		Mask:   mask,
		Length: int64(len(payload)),
	})
	mask.XOR(payload, 0)
	fmt.Printf("% x\n", header)
	fmt.Printf("% x\n", payload)
	// Output:
	// 81 85 37 fa 21 3d
	// 7f 9f 4d 51 58
}

func ExampleHeader_Check() {
	ping := frame.Header{Fin: true, Opcode: frame.Ping, Length: 126, Masked: true}

	err := ping.Check(true, false)
	fmt.Println(err)
	fmt.Println(err == frame.ErrControlLength)
	if err, ok := err.(frame.Error); ok {
		fmt.Println("close with", err.CloseCode())
	}
	// Output:
	// websocket: control frame payload is longer than 125 bytes
	// true
	// close with 1002 protocol error
}

// A payload that arrives in pieces is unmasked piece by piece.
func ExampleMask_XOR() {
	mask := frame.Mask{0x37, 0xfa, 0x21, 0x3d}
	pos := 0
	for _, piece := range []string{"\x7f", "\x9f\x4d\x51", "\x58"} {
		p := []byte(piece)
		mask.XOR(p, pos)
		pos += len(p)
		fmt.Printf("%s ", p)
	}
	// Output: H ell o
}

// Copy masks a payload that must not change.
func ExampleMask_Copy() {
	payload := []byte("Hello")
	masked := make([]byte, len(payload))

	frame.Mask{0x37, 0xfa, 0x21, 0x3d}.Copy(masked, payload, 0)
	fmt.Printf("% x from %s\n", masked, payload)
	// Output: 7f 9f 4d 51 58 from Hello
}

// A character may be cut anywhere; a byte that no character can have at its
// place is found at once.
func ExampleUTF8() {
	var u frame.UTF8
	for _, piece := range []string{"10 \xe2", "\x82", "\xac", " \xed\xa0\x80"} {
		n, ok := u.Write([]byte(piece))
		fmt.Printf("%q: %d bytes, valid so far: %v, complete: %v\n", piece, n, ok, u.Complete())
	}
	// Output:
	// "10 \xe2": 4 bytes, valid so far: true, complete: false
	// "\x82": 1 bytes, valid so far: true, complete: false
	// "\xac": 1 bytes, valid so far: true, complete: true
	// " \xed\xa0\x80": 2 bytes, valid so far: false, complete: false
}

func ExampleParseClose() {
	code, reason, err := frame.ParseClose([]byte("\x03\xe9see you"))
	fmt.Printf("%v, %q, %v\n", code, reason, err)

	code, reason, err = frame.ParseClose(nil)
	fmt.Printf("%v, %q, %v\n", code, reason, err)

	_, _, err = frame.ParseClose([]byte("\x03\xee"))
	fmt.Println(err)
	// Output:
	// 1001 going away, "see you", <nil>
	// 1005 no status received, "", <nil>
	// websocket: close code is not allowed in a close frame
}

func ExampleAppendClosePayload() {
	payload, err := frame.AppendClosePayload(nil, frame.PolicyViolation, "too many requests")
	fmt.Printf("%q, %v\n", payload, err)

	h := frame.Header{Fin: true, Opcode: frame.Close}
	fmt.Printf("%q\n", frame.AppendFrame(nil, h, payload))
	// Output:
	// "\x03\xf0too many requests", <nil>
	// "\x88\x13\x03\xf0too many requests"
}
