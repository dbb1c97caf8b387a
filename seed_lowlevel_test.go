package websockets_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

const (
	rfcMask  = "\x37\xfa\x21\x3d"
	rfcHello = "\x81\x85" + rfcMask + "\x7f\x9f\x4d\x51\x58" // section 5.7
)

var rfcHeader = frame.Header{Fin: true, Opcode: frame.Text, Masked: true, Mask: frame.Mask([]byte(rfcMask)), Length: 5}

func seedUpgrade(t *testing.T) {
	set, _ := core.NewSettings(core.Config{})
	c := core.NewServer(set, 0)
	if _, ev := c.Recv(0, []byte(validRequest+"\r\n"), nil); ev.Kind != core.EventRequest || c.Request().Path() != "/" {
		t.Fatalf("%+v", ev)
	}
	if err := c.Accept(0, core.AcceptOptions{}); err != nil || !c.Open() {
		t.Fatal(err)
	}
	out := string(c.AppendOutput(nil))
	if !strings.HasPrefix(out, "HTTP/1.1 101 ") || !strings.Contains(out, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		t.Errorf("%q", out)
	}
}

func seedSendFrame(t *testing.T) {
	if got := frame.AppendFrame(nil, rfcHeader, []byte("Hello")); string(got) != rfcHello {
		t.Errorf("%q", got)
	}
	c := openCore(t)
	if got, err := c.AppendFragment(nil, frame.Text, []byte("Hel"), false); string(got) != "\x01\x03Hel" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := c.AppendFragment(nil, frame.Binary, nil, true); got != nil || err != core.ErrMessageInProgress {
		t.Errorf("%q, %v", got, err)
	}
}

func seedReadFrame(t *testing.T) {
	for n := range 6 {
		if h, used, err := frame.ParseHeader([]byte(rfcHello[:n])); used != 0 || err != nil {
			t.Errorf("%d bytes: %+v, %v", n, h, err)
		}
	}
	h, n, err := frame.ParseHeader([]byte(rfcHello))
	if n != 6 || h != rfcHeader || err != nil {
		t.Errorf("%+v, %d, %v", h, n, err)
	}
	if client, server := h.Check(true, false), h.Check(false, false); client != nil || server != frame.ErrMaskForbidden {
		t.Error(client, server)
	}
}

func seedReadFramePayload(t *testing.T) {
	payload := []byte(rfcHello[6:])
	var got []byte
	for piece := range slices.Chunk(payload, 2) {
		rfcHeader.Mask.XOR(piece, len(got))
		got = append(got, piece...)
	}
	if string(got) != "Hello" {
		t.Errorf("%q", got)
	}
}

// openCore returns a server's end, open.
func openCore(t *testing.T) *core.Conn {
	set, err := core.NewSettings(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := core.NewOpen(set, 0, core.Server)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// events passes all of wire to c.
func events(c *core.Conn, wire string) (list []core.Event) {
	in, scratch := []byte(wire), make([]byte, core.ScratchSize)
	for {
		n, ev := c.Recv(0, in, scratch)
		if ev.Kind == core.EventNone {
			return list
		}
		in, list = in[n:], append(list, ev)
	}
}

func seedReceiveFragments(t *testing.T) {
	var got []string
	for _, ev := range events(openCore(t), masked(0x01, "Hel")+masked(0x89, "p")+masked(0x80, "lo")) {
		got = append(got, fmt.Sprintf("%v %v %v %s", ev.Kind == core.EventPing, ev.First, ev.Last, ev.Data))
	}
	if want := []string{"false true false Hel", "true true true p", "false false true lo"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func seedProcessFragments(t *testing.T) {
	process := func(wire string) (got core.Message, code frame.CloseCode) {
		var a core.Assembler
		for _, ev := range events(openCore(t), wire) {
			if m, done := a.Add(ev); done {
				got = m
			}
			code = ev.Code
		}
		return got, code
	}
	if m, _ := process(masked(0x01, "H\xc3") + masked(0x00, "") + masked(0x80, "\xa9")); m.Op != frame.Text || string(m.Data) != "Hé" {
		t.Errorf("%v %q", m.Op, m.Data)
	}
	if m, code := process(masked(0x01, "H\xc3") + masked(0x80, "A")); m.Data != nil || code != frame.InvalidData {
		t.Errorf("%q, %v", m.Data, code)
	}
}

func seedUnmask(t *testing.T) {
	p := []byte(rfcHello[6:])
	rfcHeader.Mask.XOR(p, 0)
	if string(p) != "Hello" {
		t.Errorf("%q", p)
	}
	frame.Mask{}.XOR(p, 0) // what is not masked has the zero mask
	if string(p) != "Hello" {
		t.Errorf("%q", p)
	}
}

func seedValidUTF8(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "κόσμε": true, "\U0010ffff": true,
		"\x81": false, "\xc0\xaf": false, "\xed\xa0\x80": false, "\xf4\x90\x80\x80": false, "\xe2\x82": false,
	} {
		var piecewise frame.UTF8
		ok := true
		for i := range len(s) {
			_, ok = piecewise.Write([]byte{s[i]})
		}
		if frame.ValidUTF8([]byte(s)) != want || (ok && piecewise.Complete()) != want {
			t.Errorf("%q: want %v", s, want)
		}
	}
}

func seedControlFrame(t *testing.T) {
	for op := range frame.Opcode(16) {
		if op.IsControl() != (op >= 8) {
			t.Error(op)
		}
	}
}

func seedFragment(t *testing.T) {
	h, n, err := frame.ParseHeader([]byte("\x02\xfe\x01\x00" + rfcMask))
	want := frame.Header{Opcode: frame.Binary, Masked: true, Mask: rfcHeader.Mask, Length: 256}
	if h != want || n != 8 || n != h.Len() || err != nil {
		t.Errorf("%+v, %d, %v", h, n, err)
	}
}

func seedStates(t *testing.T) {
	c := openCore(t)
	state := func(want string) {
		t.Helper()
		if got := fmt.Sprint(c.Open(), c.Err() != nil, c.Transport() == core.TransportClose); got != want {
			t.Errorf("open, failed, closed: %s, want %s", got, want)
		}
	}
	state("true false false")
	c.AppendClose(0, nil, frame.NormalClosure, "")
	state("false false false")
	events(c, masked(0x88, "\x03\xe8"))
	c.RecvEOF(0)
	state("false false true")

	c = openCore(t)
	events(c, masked(0xc1, ""))
	state("false true false")
}
