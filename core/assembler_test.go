package core

import (
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

func chunkEvent(op frame.Opcode, first, last bool, data string) Event {
	return Event{Kind: EventMessage, Op: op, First: first, Last: last, Data: []byte(data)}
}

func TestAssembler(t *testing.T) {
	var a Assembler
	for _, tt := range []struct {
		ev   Event
		done bool
		want string
	}{
		{chunkEvent(frame.Text, true, true, "whole"), true, "whole"},
		{chunkEvent(frame.Binary, true, false, "a"), false, ""},
		{Event{Kind: EventPing, Op: frame.Ping, First: true, Last: true, Data: []byte("p")}, false, ""},
		{Event{Kind: EventPong, Op: frame.Pong, First: true, Last: true, Data: []byte("q")}, false, ""},
		{Event{}, false, ""},
		{chunkEvent(frame.Binary, false, false, "b"), false, ""},
		{chunkEvent(frame.Binary, false, true, "c"), true, "abc"},
		{chunkEvent(frame.Text, true, false, ""), false, ""},
		{chunkEvent(frame.Text, false, true, ""), true, ""},
		{chunkEvent(frame.Text, true, true, ""), true, ""},
		{chunkEvent(frame.Text, true, false, "given up"), false, ""},
		{chunkEvent(frame.Text, true, false, "x"), false, ""},
		{chunkEvent(frame.Text, false, true, "y"), true, "xy"},
	} {
		m, done := a.Add(tt.ev)
		if done != tt.done || string(m.Data) != tt.want || done && m.Op != tt.ev.Op {
			t.Errorf("Add(%+v) = %q, %v; want %q, %v", tt.ev, m.Data, done, tt.want, tt.done)
		}
	}
}

func TestAssemblerCopiesOnlyPieces(t *testing.T) {
	var a Assembler
	ev := chunkEvent(frame.Binary, true, true, "whole")
	if m, _ := a.Add(ev); &m.Data[0] != &ev.Data[0] {
		t.Error("a whole message was copied")
	}
	first := chunkEvent(frame.Binary, true, false, "ab")
	a.Add(first)
	first.Data[0] = 'X' // the memory of events is the caller's again
	if m, _ := a.Add(chunkEvent(frame.Binary, false, true, "c")); string(m.Data) != "abc" {
		t.Errorf("got %q", m.Data)
	}
	a.Release()
	if a.buf != nil {
		t.Error("memory is kept after Release")
	}
}

func TestAssemblerReusesItsMemory(t *testing.T) {
	var a Assembler
	first, last := chunkEvent(frame.Binary, true, false, pattern(500)), chunkEvent(frame.Binary, false, true, pattern(500))
	a.Add(first)
	a.Add(last)
	if n := testing.AllocsPerRun(100, func() {
		a.Add(first)
		a.Add(last)
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}
