package raw

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

func stream(t *testing.T, messages ...string) *Stream {
	t.Helper()
	s, err := NewStream(text(messages...), Modes[0], false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Messages of which several are in flight are sent in batches that go on over the end
// of a lap.
func TestManyInFlight(t *testing.T) {
	for name, server := range map[string]Target{
		"WebSocket": listen(t, echoes(unchanged)),
		"plain":     {Addr: listen(t, copies).Addr, Plain: true},
	} {
		f, err := NewFleet(server, stream(t, "one", "two", "three"), 3, 2)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 3 {
			tally, err := f.Burst(3)
			if err != nil || tally.Messages != 3*4 || tally.Wire == 0 {
				t.Errorf("%s: %+v, %v; want 4 messages on each of 3 connections", name, tally, err)
			}
		}
		f.Close()
	}
	if _, err := NewFleet(Target{}, stream(t, "one"), 1, 2); err == nil {
		t.Error("more in flight than there are")
	}
}

func TestServersThatAnswerWronglyOrStall(t *testing.T) {
	impatient(t)
	for name, test := range map[string]struct {
		serve func(net.Conn, *bufio.Reader)
		plain bool
		want  string
	}{
		"other bytes":      {func(c net.Conn, r *bufio.Reader) { r.Peek(1 << 7); c.Write(make([]byte, 1<<10)) }, true, "sends back"},
		"another message":  {echoes(func([]byte) []byte { return []byte("two") }), false, "differs"},
		"nothing":          {silence, false, "timeout"},
		"an end":           {func(c net.Conn, r *bufio.Reader) { accept(c, r) }, false, "connection 0"},
		"a plain server":   {copies, false, "malformed HTTP"},
		"no plain server":  {echoes(unchanged), true, "timeout"},
		"silent and plain": {func(c net.Conn, r *bufio.Reader) { r.Peek(1 << 12) }, true, "timeout"},
	} {
		server := listen(t, test.serve)
		server.Plain = test.plain
		f, err := NewFleet(server, stream(t, "one"), 1, 1)
		if err == nil {
			_, err = f.Burst(1)
			f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

func TestEverybodyReceivesABroadcast(t *testing.T) {
	impatient(t)
	members := make(chan net.Conn, 3)
	server := listen(t, func(c net.Conn, r *bufio.Reader) {
		if accept(c, r) != nil {
			return
		}
		members <- c
		reply(c, 1, []byte("welcome"))
		for {
			_, p, err := next(r)
			if err != nil {
				return
			}
			for range 2 { // of three
				m := <-members
				reply(m, 1, p)
				members <- m
			}
		}
	})
	f, err := NewFleet(server, stream(t, "one", "two"), 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Expect("welcome"); err != nil {
		t.Fatal(err)
	}
	if tally, err := f.Broadcast(3); err != nil || tally.Messages != 6 {
		t.Errorf("%+v, %v", tally, err)
	}
	third, err := NewFleet(server, stream(t, "one", "two"), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if err := third.Expect("hello"); err == nil {
		t.Error("another greeting")
	}
	f.conns = append(f.conns, third.conns...)
	if tally, err := f.Broadcast(1); err == nil {
		t.Errorf("somebody is left out: %+v", tally)
	}
}

func TestBatches(t *testing.T) {
	s := stream(t, "a", "bc")
	one, two := string(s.Batch(0, 1)), string(s.Batch(1, 1))
	for _, test := range []struct {
		number, n int
		want      string
	}{{0, 2, one + two}, {1, 2, two + one}, {3, 1, two}, {4, 2, one + two}} {
		if got := string(s.Batch(test.number, test.n)); got != test.want {
			t.Errorf("%d from %d: %q; want %q", test.n, test.number, got, test.want)
		}
	}
}
