package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// sniffed feeds pieces to a sniffer and returns its events, with the previews
// that came in pieces joined.
func sniffed(watched bool, pieces ...[]byte) []event {
	var events []event
	s := sniffer{
		direction: "in",
		watched:   func() bool { return watched },
		emit: func(e event) {
			if e.Kind != "more" {
				events = append(events, e)
				return
			}
			last := &events[len(events)-1]
			last.Data = append(last.Data, e.Data...)
		},
	}
	for _, p := range pieces {
		s.feed(p)
	}
	return events
}

// inPieces cuts p into pieces of n bytes.
func inPieces(p []byte, n int) [][]byte {
	var pieces [][]byte
	for len(p) > 0 {
		n := min(n, len(p))
		pieces = append(pieces, p[:n])
		p = p[n:]
	}
	return pieces
}

const (
	request  = "GET /echo HTTP/1.1\r\nHost: example.com\r\n\r\n"
	switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
	refused  = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n"
)

func frameEvent(op frame.Opcode, fin, masked bool, length int64, data string) event {
	return event{Kind: "frame", Direction: "in", Opcode: uint8(op), Fin: fin, Masked: masked, Length: length, Data: []byte(data)}
}

func headEvent(head string) event { return event{Kind: "head", Direction: "in", Head: head} }

func TestSniffer(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		name string
		wire string
		want []event
	}{
		{"RFC 6455 section 5.7: a masked Hello",
			request + "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
			[]event{headEvent(request), frameEvent(frame.Text, true, true, 5, "Hello")}},
		{"RFC 6455 section 5.7: Hello in fragments, unmasked",
			switched + "\x01\x03Hel\x80\x02lo",
			[]event{headEvent(switched), frameEvent(frame.Text, false, false, 3, "Hel"), frameEvent(frame.Continuation, true, false, 2, "lo")}},
		{"a ping between, an empty message, a close",
			switched + "\x02\x01a\x89\x02hi\x80\x00\x88\x05\x03\xe8bye",
			[]event{headEvent(switched), frameEvent(frame.Binary, false, false, 1, "a"), frameEvent(frame.Ping, true, false, 2, "hi"),
				frameEvent(frame.Continuation, true, false, 0, ""), frameEvent(frame.Close, true, false, 5, "\x03\xe8bye")}},
		{"only the beginning of a long payload",
			switched + "\x82\x7e\x13\x88" + long + "\x81\x01z",
			[]event{headEvent(switched), frameEvent(frame.Binary, true, false, 5000, long[:previewSize]), frameEvent(frame.Text, true, false, 1, "z")}},
		{"a payload that never comes",
			switched + "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
			[]event{headEvent(switched), frameEvent(frame.Binary, true, false, 1<<63-1, "")}},
		{"reserved bits and opcodes are shown",
			switched + "\xfb\x01x",
			[]event{headEvent(switched), {Kind: "frame", Direction: "in", Opcode: 0xb, Fin: true, Reserved: 7, Length: 1, Data: []byte("x")}}},
		{"a length that is not minimal ends it",
			switched + "\x82\x7e\x00\x01x\x81\x01z",
			[]event{headEvent(switched), {Kind: "broken", Direction: "in", Text: frame.ErrLengthNotMinimal.Error()}}},
		{"a refusal is followed by no frames",
			refused + "\x81\x01z",
			[]event{headEvent(refused)}},
		{"half a head", request[:20], nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := 1; n <= len(c.wire); n++ {
				got := sniffed(true, inPieces([]byte(c.wire), n)...)
				if !sameEvents(got, c.want) {
					t.Fatalf("in pieces of %d bytes: got %+v, want %+v", n, got, c.want)
				}
			}
		})
	}
}

func sameEvents(a, b []event) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if !bytes.Equal(x.Data, y.Data) {
			return false
		}
		x.Data, y.Data = nil, nil
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

// A sniffer leaves alone what it is shown.
func TestSnifferChangesNothing(t *testing.T) {
	wire := []byte(request + "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
	shown := bytes.Clone(wire)
	sniffed(true, shown)
	if !bytes.Equal(shown, wire) {
		t.Error("the bytes have changed")
	}
}

// While nobody watches, frames are followed and not told of; who comes later
// sees the next one.
func TestSnifferUnwatched(t *testing.T) {
	var events []event
	watched := false
	s := sniffer{watched: func() bool { return watched }, emit: func(e event) { events = append(events, e) }}
	s.feed([]byte(switched + "\x82\x7e\x00\xc8" + strings.Repeat("x", 100)))
	watched = true
	s.feed([]byte(strings.Repeat("x", 100) + "\x81\x02hi"))
	if len(events) != 2 || events[1].Kind != "frame" || string(events[1].Data) != "hi" {
		t.Errorf("got %+v", events)
	}
}

// It costs nothing that anybody would notice: no memory, and little time.
func TestSnifferUnwatchedAllocates(t *testing.T) {
	s := sniffer{watched: func() bool { return false }, emit: func(event) {}}
	s.feed([]byte(switched))
	wire := bytes.Repeat([]byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 10)
	if n := testing.AllocsPerRun(100, func() {
		s.feed(wire[:25])
		s.feed(wire[25:])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A head without end is given up.
func TestSnifferBoundsHeads(t *testing.T) {
	s := sniffer{watched: func() bool { return true }, emit: func(e event) { t.Errorf("got %+v", e) }}
	for range 2 * maxHead / 1024 {
		s.feed(make([]byte, 1024))
	}
	if !s.lost || len(s.head) > 2*maxHead {
		t.Errorf("lost: %v, %d bytes kept", s.lost, len(s.head))
	}
}

// Whatever the bytes, and however they are cut, the events are the same.
func FuzzSniffer(f *testing.F) {
	f.Add([]byte(request+"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 3)
	f.Add([]byte(switched+"\x01\x03Hel\x80\x02lo\x89\x00"), 1)
	f.Add([]byte(switched+"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff\x00"), 7)
	f.Fuzz(func(t *testing.T, wire []byte, n int) {
		n = max(n, 1)
		whole, cut := sniffed(true, wire), sniffed(true, inPieces(wire, n)...)
		if !sameEvents(whole, cut) {
			t.Errorf("whole: %+v, in pieces of %d bytes: %+v", whole, n, cut)
		}
	})
}

func BenchmarkSnifferUnwatched(b *testing.B) {
	s := sniffer{watched: func() bool { return false }, emit: func(event) {}}
	s.feed([]byte(switched))
	wire := []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
	for b.Loop() {
		s.feed(wire)
	}
}
