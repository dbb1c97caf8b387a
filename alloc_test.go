package websockets_test

import (
	"context"
	"io"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// Nothing is allocated for a message: by ReceiveInto and Send, by a Reader and a
// Writer; Receive allocates its result alone.
func TestMessagesAllocateNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server, client := piped(t, strict())
	msg, buf := make([]byte, 1000), make([]byte, 4096)
	prepared, err := websockets.NewPrepared(websockets.Binary, msg)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	receiveInto := func(c *websockets.Conn) {
		_, _, err := c.ReceiveInto(ctx, buf[:0])
		check(err)
	}
	for _, test := range []struct {
		name    string
		most    float64
		send    func(c *websockets.Conn)
		receive func(c *websockets.Conn)
	}{
		{"SendReceiveInto", 0, func(c *websockets.Conn) { check(c.Send(ctx, websockets.Binary, msg)) }, receiveInto},
		{"SendPreparedReceiveInto", 0, func(c *websockets.Conn) { check(c.SendPrepared(ctx, prepared)) }, receiveInto},
		{"SendReceive", 1, func(c *websockets.Conn) { check(c.Send(ctx, websockets.Binary, msg)) }, func(c *websockets.Conn) {
			_, _, err := c.Receive(ctx)
			check(err)
		}},
		{"WriterReader", 0, func(c *websockets.Conn) {
			w, err := c.Writer(ctx, websockets.Binary)
			check(err)
			w.Write(msg)
			w.Write(msg)
			check(w.Close())
		}, func(c *websockets.Conn) {
			_, r, err := c.Reader(ctx)
			check(err)
			for err == nil {
				_, err = r.Read(buf)
			}
			if err != io.EOF {
				t.Fatal(err)
			}
		}},
	} {
		for _, ends := range [][2]*websockets.Conn{{server, client}, {client, server}} {
			allocs := testing.AllocsPerRun(500, func() {
				test.send(ends[0])
				test.receive(ends[1])
			})
			if allocs > test.most && !raceEnabled {
				t.Errorf("%s: %v allocations a message, want at most %v", test.name, allocs, test.most)
			}
		}
	}
}
