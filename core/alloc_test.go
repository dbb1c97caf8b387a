package core

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// An idle open connection is no more than its Conn, and the pieces if it ever needed them.
func TestSizeOfConn(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 128 {
		t.Errorf("a Conn takes %d bytes, more than 128", n)
	}
	if n := unsafe.Sizeof(pieces{}); n > 144 {
		t.Errorf("what comes in pieces takes %d bytes, more than 144", n)
	}
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.recv("\x81\x01a\x89\x00\x8a\x01p")
		if e.hs != nil || e.pieces != nil {
			t.Error("an open connection keeps its handshake, or memory for what comes in pieces")
		}
	})
}

// allocs returns the allocations of one f, which is given a conn in steady
// state, an input buffer to fill and an output buffer to append to.
func allocs(t *testing.T, role Role, in string, f func(c *Conn, in, out []byte)) float64 {
	t.Helper()
	c := openedWith(t, role, Config{Pings: PingAnswer, MaxControlRate: -1}).Conn
	wire := from(role.peer(), in)
	buf := make([]byte, len(wire))
	out := make([]byte, 0, 1<<17)
	return testing.AllocsPerRun(100, func() {
		copy(buf, wire)
		f(c, buf, out)
	})
}

// echo is the steady state of a server: receive, answer, send, be told.
func echo(c *Conn, in, out []byte) {
	var scratch [ScratchSize]byte
	for {
		n, ev := c.Recv(1, in, scratch[:])
		in = in[n:]
		switch ev.Kind {
		case EventNone:
			c.Wrote(1, len(out))
			return
		case EventMessage:
			out, _ = c.AppendFragment(out, ev.Op, ev.Data, ev.Last)
		}
		out = c.AppendOutput(out)
	}
}

func TestNoAllocations(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, tt := range []struct {
			name, in string
			f        func(c *Conn, in, out []byte)
		}{
			{"echo of 16 bytes of text", "\x81\x10" + pattern(16), echo},
			{"echo of 1 KiB of text", "\x81\x7e\x04\x00" + pattern(1024), echo},
			{"echo of 64 KiB", "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + pattern(65536), echo},
			{"echo of fragments", "\x01\x02ab\x00\x02cd\x80\x00", echo},
			{"ping", "\x89\x7d" + pattern(125), echo},
			{"pong", "\x8a\x7d" + pattern(125), echo},
			{"ping in pieces", "\x89\x7d" + pattern(125), func(c *Conn, in, out []byte) {
				var scratch [ScratchSize]byte
				for i := range in {
					c.Recv(1, in[i:i+1], scratch[:])
					out = c.AppendOutput(out)
				}
				c.Wrote(1, len(out))
			}},
			{"our ping", "\x8a\x00", func(c *Conn, in, out []byte) {
				out, _ = c.AppendPing(out, nil)
				c.Wrote(1, len(out))
				c.Recv(1, in, nil)
			}},
			{"header", "", func(c *Conn, in, out []byte) {
				c.AppendHeader(out, frame.Binary, HeaderOptions{}, 100)
				c.Wrote(1, 114)
			}},
			{"time", "", func(c *Conn, in, out []byte) {
				at, _ := c.Deadline()
				c.Tick(at)
				c.Tick(at + 1)
				c.SetReading(at, false)
				c.SetReading(at, true)
				c.Transport()
				c.AppendOutput(out)
			}},
			{"misuse", "", func(c *Conn, in, out []byte) {
				c.AppendMessage(out, frame.Ping, nil)
				c.AppendMessage(out, frame.Text, []byte{0xFF})
				c.AppendClose(1, out, 1006, "")
				c.AppendFragment(out, frame.Continuation, nil, true)
			}},
		} {
			if n := allocs(t, role, tt.in, tt.f); n != 0 {
				t.Errorf("%s: %v allocations", tt.name, n)
			}
		}
	})
}

// Nothing is allocated because of what a peer declares, and the end of a
// connection is free as well.
func TestNoAllocationsForADeclaredLength(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, in := range []string{
			"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", // 2^63 - 1
			"\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00", // 1 GiB
			"\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x01", // 1 MiB and 1 byte
			"\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00", // 1 MiB, which is fine
			"\x89\x7f\x00\x00\x00\x00\x40\x00\x00\x00", // a ping of 1 GiB
			"\x83\x00",
			"\x81\x01\xff",
			"\x88\x02\x03\xe8",
		} {
			fresh := opened(t, role).Snapshot()
			c := *fresh
			wire := []byte(from(role.peer(), in))
			out := make([]byte, 0, 512)
			buf := make([]byte, len(wire))
			var scratch [ScratchSize]byte
			if n := testing.AllocsPerRun(100, func() {
				c = *fresh
				copy(buf, wire)
				c.Recv(1, buf, scratch[:])
				_ = c.Err()
				c.AppendOutput(out)
				c.Tick(clock.Time(5e9))
			}); n != 0 {
				t.Errorf("%q: %v allocations", in, n)
			}
		}
	})
}

// The pong that waits costs no memory, however many pings come.
func TestPingFloodKeepsNothing(t *testing.T) {
	e := openedWith(t, Server, Config{Pings: PingAnswer, MaxControlRate: -1})
	e.blocked = true
	e.recvPieces(strings.Repeat("\x89\x04ping", 10000), 6)
	if n := e.Pending(); n == 0 || n > 2+4+frame.MaxControlPayload {
		t.Errorf("%d bytes pending", n)
	}
	if out := e.AppendOutput(nil); string(out) != "\x8a\x04ping" {
		t.Errorf("output %q", out)
	}
}
