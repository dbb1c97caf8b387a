package raw

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// received is what a client makes of these bytes of a server, and of its end.
func received(t *testing.T, p []byte) (Reply, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		theirs.Write(p)
		theirs.Close()
	}()
	c := &Conn{c: ours, r: bufio.NewReader(ours)}
	return c.Read()
}

func TestMessagesInFragmentsAreJoined(t *testing.T) {
	var p []byte
	p = frame.AppendFrame(p, frame.Header{Fin: true, Opcode: frame.Ping}, []byte("are you there"))
	p = frame.AppendFrame(p, frame.Header{RSV1: true, Opcode: frame.Text}, []byte(strings.Repeat("a", 200)))
	p = frame.AppendFrame(p, frame.Header{Fin: true, Opcode: frame.Pong}, nil)
	p = frame.AppendFrame(p, frame.Header{Fin: true, Opcode: frame.Continuation}, []byte("b"))
	reply, err := received(t, p)
	if err != nil {
		t.Fatal(err)
	}
	if string(reply.Payload) != strings.Repeat("a", 200)+"b" || !reply.Compressed || !reply.Text || reply.Wire != 4+200+2+1 {
		t.Errorf("%q, compressed %t, text %t, %d bytes on the wire", reply.Payload, reply.Compressed, reply.Text, reply.Wire)
	}
}

func TestWhatNoServerMaySend(t *testing.T) {
	for name, p := range map[string][]byte{
		"a close frame":   frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Close}, []byte{3, 232}),
		"a masked frame":  frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Text, Masked: true}, []byte("a")),
		"half a frame":    {0x81, 5, 'a'},
		"4 GiB":           {0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0},
		"a reserved code": {0x83, 0},
		"nothing":         nil,
	} {
		if reply, err := received(t, p); err == nil {
			t.Errorf("%s: %+v", name, reply)
		}
	}
}
