package websockets

import (
	"slices"
	"testing"
)

func TestRing(t *testing.T) {
	var s Server
	conns := []*Conn{{}, {}, {}, {}}
	want := func(which ...int) {
		t.Helper()
		var expected []*Conn
		for _, i := range which {
			expected = append(expected, conns[i])
		}
		if got := slices.Collect(s.conns.ring); !slices.Equal(got, expected) {
			t.Errorf("%v in the ring, want those of %v", got, which)
		}
	}
	want()
	for _, c := range conns {
		s.link(c)
	}
	want(0, 1, 2, 3)
	for range s.conns.ring {
		break
	}
	s.unlink(conns[0])
	s.unlink(conns[0])
	want(1, 2, 3)
	s.unlink(conns[2])
	want(1, 3)
	s.link(conns[0])
	want(1, 3, 0)
	s.unlink(conns[0])
	s.unlink(conns[3])
	want(1)
	s.unlink(conns[1])
	want()
	if s.conns != nil {
		t.Error("the ring is not empty")
	}
}
