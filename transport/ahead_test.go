package transport

import (
	"bytes"
	"testing"

	"github.com/fb1e3c20/websockets/core"
)

// A message that comes byte by byte is one chunk, whatever is taken meanwhile.
func TestAheadJoinsTheChunksOfAMessage(t *testing.T) {
	var a ahead
	var got, want []byte
	for i := range 5000 {
		a.push(core.Event{Kind: core.EventMessage, First: i == 0, Last: i == 4999, Data: []byte{byte(i)}})
		want = append(want, byte(i))
		if i == 2000 {
			ev, ok := a.pop(1 << 20)
			if !ok || !ev.First || ev.Last {
				t.Fatalf("%+v", ev)
			}
			got = append(got, ev.Data...)
		}
	}
	if room := a.room(); room != aheadBytes-5000 {
		t.Errorf("room for %d bytes", room)
	}
	ev, _ := a.pop(1 << 20)
	if got = append(got, ev.Data...); !bytes.Equal(got, want) || ev.First || !ev.Last || a.len() != 0 {
		t.Errorf("%d bytes, %v %v, %d left", len(got), ev.First, ev.Last, a.len())
	}
	a.release()
	if a.kept != nil || a.room() != aheadBytes {
		t.Error("not released")
	}
}

func TestAheadGivesPartsOfAChunk(t *testing.T) {
	var a ahead
	a.push(core.Event{Kind: core.EventMessage, First: true, Last: true, Data: []byte("12345")})
	a.push(core.Event{Kind: core.EventMessage, First: true, Last: true})
	for _, want := range []struct {
		data        string
		first, last bool
	}{{"12", true, false}, {"34", false, false}, {"5", false, true}, {"", true, true}} {
		ev, ok := a.pop(2)
		if !ok || string(ev.Data) != want.data || ev.First != want.first || ev.Last != want.last {
			t.Errorf("%q %v %v, want %+v", ev.Data, ev.First, ev.Last, want)
		}
	}
	if a.len() != 0 {
		t.Error(a.len(), "chunks left")
	}
	a.release()
}

func TestAheadIsBounded(t *testing.T) {
	var a ahead
	for range aheadEvents {
		if a.room() == 0 {
			t.Fatal("too early")
		}
		a.push(core.Event{Kind: core.EventMessage, First: true, Last: true})
	}
	if a.room() != 0 {
		t.Error("no bound on empty messages")
	}
	a.release()
}
