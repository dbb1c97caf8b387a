package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// conversation is one of each frame that a peer sends, with messages in bunches.
func conversation(role core.Role) []byte {
	var in []byte
	add := func(op frame.Opcode, fin bool, p string) { in = append(in, wire(role, op, fin, p)...) }
	for i := range 5 {
		add(frame.Text, true, fmt.Sprint("text ", i))
	}
	add(frame.Ping, true, "ping")
	add(frame.Binary, true, strings.Repeat("b", 300))
	add(frame.Text, false, "\xe2\x82")
	add(frame.Pong, true, "pong")
	add(frame.Continuation, true, "\xac")
	add(frame.Binary, true, "")
	add(frame.Close, true, "\x03\xe8bye")
	return in
}

// replay passes input in pieces of size bytes, for so many events a call, and returns
// what came of it, with chunks joined.
func (h *host) replay(conn uint64, in []byte, size int, events, flags uint32) (seen string, output []byte) {
	h.t.Helper()
	var b strings.Builder
	chunks := make(map[core.EventKind]string)
	for len(in) > 0 {
		piece := in[:min(size, len(in))]
		in = in[len(piece):]
		for more := true; more; {
			n := h.recv(conn, piece, events, flags)
			if n < 0 || uint32(n) != page.status.records || uint32(n) > events {
				h.t.Fatalf("%d events of %d, %d records", n, events, page.status.records)
			}
			more = page.status.flags&abi.FlagMore != 0
			for i := range n {
				r := &page.records[i]
				chunks[r.Kind] += data(r)
				if r.Flags&core.RecordLast != 0 {
					fmt.Fprintf(&b, "%v %v %d %s\n", r.Kind, r.Op, r.Code, chunks[r.Kind])
					delete(chunks, r.Kind)
				}
			}
			piece = piece[page.status.taken:]
			output = append(output, it.out...)
			if flags == 0 {
				h.seed(abi.Words)
				if wsOutput(conn) < 0 {
					h.t.Fatal("no output")
				}
				output = append(output, it.out...)
			}
		}
		if len(piece) > 0 {
			h.t.Fatalf("%d bytes were left without more", len(piece))
		}
	}
	return b.String(), output
}

// However input is cut, however many events are wanted at once, and whether the output
// is taken on the way or behind: the same comes of it.
func TestRecvInAnyPieces(t *testing.T) {
	bothRoles(t, core.Config{Pings: core.PingAnswer}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		in := conversation(role)
		h.seed(abi.Words)
		want, output := h.replay(conn, in, len(in), 1, 0)
		state := h.state(conn)
		if strings.Count(want, "\n") != 11 || !bytes.Contains(output, []byte{0x88}) {
			t.Fatalf("%s%q", want, output)
		}
		for _, size := range []int{1, 2, 7, 100, len(in)} {
			for _, events := range []uint32{1, 2, 3, 64} {
				for flags := range uint32(2) {
					h = newHost(t, core.Config{Pings: core.PingAnswer})
					conn := h.open(role)
					h.seed(abi.Words)
					seen, out := h.replay(conn, in, size, events, flags)
					if seen != want || len(out) != len(output) || h.state(conn) != state {
						t.Errorf("pieces of %d, %d events, flags %d: %s%q\n%s, want %s%q\n%s", size, events, flags, seen, out, h.state(conn), want, output, state)
					}
				}
			}
		}
	})
}

func TestRecvRefuses(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		in := wire(role, frame.Binary, true, "a")
		ptr, n := h.lend(in)
		for name, c := range map[string]struct {
			code abi.Code
			call func() int32
		}{
			"no events":         {abi.CodeArgument, func() int32 { return wsRecv(conn, 0, ptr, n, 0, 0) }},
			"too many events":   {abi.CodeArgument, func() int32 { return wsRecv(conn, 0, ptr, n, 65, 0) }},
			"flags":             {abi.CodeArgument, func() int32 { return wsRecv(conn, 0, ptr, n, 1, 2) }},
			"before the buffer": {abi.CodeRange, func() int32 { return wsRecv(conn, 0, ptr-1, n, 1, 0) }},
			"behind the buffer": {abi.CodeRange, func() int32 { return wsRecv(conn, 0, ptr, uint32(len(it.buffer))+1, 1, 0) }},
			"around it":         {abi.CodeRange, func() int32 { return wsRecv(conn, 0, ptr+1, 1<<32-1, 1, 0) }},
			"flags of eof":      {abi.CodeArgument, func() int32 { return wsEOF(conn, 0, 2) }},
			"flags of tick":     {abi.CodeArgument, func() int32 { return wsTick(conn, 0, 2) }},
			"reading":           {abi.CodeArgument, func() int32 { return wsReading(conn, 0, 2) }},
			"reading ahead":     {abi.CodeArgument, func() int32 { return wsReadAhead(conn, 0, 2) }},
		} {
			h.refused(name, conn, c.code, c.call)
		}
		h.want("the message", wsRecv(conn, 0, ptr, n, 1, 0), 1)
		h.want("nothing, from anywhere", wsRecv(conn, 0, 1, 0, 1, 0), 0)
	})
}

func TestTimedCalls(t *testing.T) {
	for name, call := range map[string]func(c uint64) int32{
		"eof":  func(c uint64) int32 { return wsEOF(c, 1, abi.TakeOutput) },
		"lost": func(c uint64) int32 { return wsLost(c, 1) },
		"tick": func(c uint64) int32 { return wsTick(c, 70e9, abi.TakeOutput) },
	} {
		bothRoles(t, core.Config{PingInterval: -1}, func(t *testing.T, h *host, role core.Role, conn uint64) {
			h.seed(9)
			call(conn)
			call(conn)
			n := call(conn)
			if name == "tick" { // the second verdict comes after the grace
				n = wsTick(conn, 80e9, abi.TakeOutput)
			}
			if page.status.err == 0 {
				t.Errorf("%s: %d events, %+v", name, n, page.status)
			}
		})
	}
}
