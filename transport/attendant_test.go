package transport_test

import (
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/wheel"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// Connections may come to an Attendant while it is on its round.
func TestConnsThatComeDuringAVisit(t *testing.T) {
	clk := new(sim.Clock)
	att := transport.NewAttendant(clk)
	conn := func(s transport.Stream) {
		m, err := core.NewOpen(settings(t, core.Config{Pings: core.PingAnswer}), 0, core.Server)
		if err != nil {
			t.Fatal(err)
		}
		c := transport.NewConn(m, s, att)
		t.Cleanup(func() { c.CloseNow() })
	}
	var peers []*peer
	var add func()
	add = func() {
		a, b := pipe.New(0)
		p := &peer{t: t, s: b, role: core.Client}
		peers = append(peers, p)
		visited := false
		conn(&watched{a, func() {
			if !visited && len(peers) < 5 {
				add()
			}
			visited = true
		}})
	}
	add()
	add()
	clk.Advance(3 * time.Second)
	for i, p := range peers {
		p.write(p.frame(nil, frame.Ping, true, []byte{byte(i)}))
	}
	clk.Advance(500 * time.Millisecond)
	for i, p := range peers {
		if got := p.frames(p.there()); !equal(got, []received{{frame.Pong, string(rune(i))}}) {
			t.Errorf("connection %d answered %v", i, got)
		}
	}
	if len(peers) != 5 {
		t.Errorf("%d connections", len(peers))
	}
}

// A watched stream tells when it is tried.
type watched struct {
	transport.Stream
	tried func()
}

func (s *watched) TryRead(p []byte) (int, error) {
	s.tried()
	return s.Stream.TryRead(p)
}

// Deadlines go by the clock that was given for them.
func TestTimersOfAnotherClock(t *testing.T) {
	clk := new(sim.Clock)
	att := transport.NewAttendantWithTimers(clk, wheel.New(clk, 10*time.Millisecond))
	m, err := core.NewOpen(settings(t, core.Config{PingInterval: 1003 * time.Millisecond}), 0, core.Server)
	if err != nil {
		t.Fatal(err)
	}
	a, b := pipe.New(0)
	c := transport.NewConn(m, a, att)
	t.Cleanup(func() { c.CloseNow() })
	p := &peer{t: t, s: b, role: core.Client}
	for _, step := range []struct {
		to    time.Duration
		pings int
	}{{1009 * time.Millisecond, 0}, {1010 * time.Millisecond, 1}} {
		clk.AdvanceTo(clock.Time(step.to))
		if got := p.frames(p.there()); len(got) != step.pings {
			t.Errorf("after %v there are %v, want %d pings", step.to, got, step.pings)
		}
	}
	if att.Clock() != clock.Clock(clk) {
		t.Error("the Attendant has another clock")
	}
}
