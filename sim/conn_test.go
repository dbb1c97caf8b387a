package sim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// A testApp is an App of functions.
type testApp struct {
	event func(n *Node, ev Event)
	timer func(n *Node, name string)
}

func (a *testApp) OnEvent(n *Node, ev Event) {
	if a.event != nil {
		a.event(n, ev)
	}
}

func (a *testApp) OnTimer(n *Node, name string) {
	if a.timer != nil {
		a.timer(n, name)
	}
}

func (a *testApp) AppendState(dst []byte) []byte { return dst }

// on returns an App that hears events.
func on(f func(n *Node, ev Event)) func() App {
	return func() App { return &testApp{event: f} }
}

func quiet() App { return &testApp{} }

// plain runs a world on a tape of zeros, and the test fails if the run does.
func plain(t *testing.T, o RunOptions, build func(w *World)) *Result {
	t.Helper()
	tape, _ := FromChoices(nil)
	r := Run(tape, build, o)
	if r.Failure != nil {
		t.Helper()
		t.Fatal(r.Failure)
	}
	return r
}

// A spy is a machine that looks at how it is driven.
type spy struct {
	transport.Machine
	recv    func(m *spy, now clock.Time, in, scratch []byte) // before
	after   func(m *spy, in, scratch []byte, n int, ev core.Event)
	tick    func(m *spy, now clock.Time)
	reading func(what string, now clock.Time, on bool)
}

func (m *spy) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	if m.recv != nil {
		m.recv(m, now, in, scratch)
	}
	n, ev := m.Machine.Recv(now, in, scratch)
	if m.after != nil {
		m.after(m, in, scratch, n, ev)
	}
	return n, ev
}

func (m *spy) Tick(now clock.Time) core.Event {
	if m.tick != nil {
		m.tick(m, now)
	}
	return m.Machine.Tick(now)
}

func (m *spy) SetReading(now clock.Time, on bool) {
	if m.reading != nil {
		m.reading("reading", now, on)
	}
	m.Machine.SetReading(now, on)
}

func (m *spy) SetReadAhead(now clock.Time, on bool) {
	if m.reading != nil {
		m.reading("ahead", now, on)
	}
	m.Machine.SetReadAhead(now, on)
}

// spies makes the machines of a role spies.
func spies(role core.Role, s spy) RunOptions {
	return RunOptions{Unwatched: true, Machine: func(r core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := nativeMachine(r, cfg, now, bare)
		if r != role || err != nil {
			return m, err
		}
		own := s
		own.Machine = m
		return &own, nil
	}}
}

// What a machine keeps of the memory that it was lent is spoiled by the time of
// the next call, and no sooner.
func TestDriverSpoilsWhatItLent(t *testing.T) {
	var kept [][]byte
	looked, events := 0, 0
	o := spies(core.Server, spy{
		recv: func(*spy, clock.Time, []byte, []byte) {
			for _, p := range kept {
				looked += len(p)
				if i := slices.IndexFunc(p, func(b byte) bool { return b != poison }); i >= 0 {
					t.Errorf("byte %d of %d that were lent is %q, want it spoiled", i, len(p), p[i])
				}
			}
			kept = nil
		},
		after: func(_ *spy, in, scratch []byte, n int, ev core.Event) {
			kept = append(kept, in[:n])
			if ev.Kind != core.EventNone {
				kept = append(kept, ev.Data, scratch)
			}
			if ev.Kind == core.EventMessage {
				events++
				if string(ev.Data) != "some text" {
					t.Errorf("message %q", ev.Data)
				}
			}
		},
	})
	plain(t, o, func(w *World) {
		w.Client("client", w.Server("server", quiet), on(func(n *Node, ev Event) {
			if ev.Kind == Opened {
				for range 5 {
					ev.Conn.SendText("some text")
				}
				ev.Conn.Ping([]byte("now"))
			}
		}))
	})
	if events != 5 || looked < 5*len("some text") {
		t.Errorf("%d messages, %d spoiled bytes", events, looked)
	}
}

func TestDriverSpoil(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 5000} {
		p := make([]byte, n+2)
		spoil(p[1 : n+1])
		if p[0] != 0 || p[n+1] != 0 || bytes.Count(p, []byte{poison}) != n {
			t.Errorf("%d bytes: %d are spoiled", n, bytes.Count(p, []byte{poison}))
		}
	}
}

// The output that input brings about is taken before there is more input,
// unless the network is blocked: then the newest ping alone is answered.
func TestDriverTakesOutputBeforeMoreInput(t *testing.T) {
	for _, blocked := range []bool{false, true} {
		late, pongs := 0, 0
		o := spies(core.Server, spy{recv: func(m *spy, _ clock.Time, in, _ []byte) {
			if m.Open() && m.Pending() > 0 {
				late++
			}
		}})
		plain(t, o, func(w *World) {
			server := w.Server("server", on(func(n *Node, ev Event) {
				if ev.Kind == Opened && blocked {
					ev.Conn.Send(frame.Binary, make([]byte, 70<<10))
				}
			}))
			client := w.Client("client", server, on(func(n *Node, ev Event) {
				if ev.Kind == Ponged {
					pongs++
				}
			}))
			w.At(time.Second, func() {
				c := client.Conns()[0]
				if blocked {
					c.peer.sock.out.takeAcks()
					c.peer.sock.out.used = c.peer.sock.out.room
					c.peer.SendText("x")
				}
				for range 4 {
					c.Ping(nil)
				}
			})
			w.At(2*time.Second, func() {
				if x := server.Conns()[0].sock.out; blocked {
					x.used = 0
					x.short = true
					x.open()
				}
			})
			w.Run(5 * time.Second)
		})
		switch {
		case !blocked && (late != 0 || pongs != 4):
			t.Errorf("free: %d calls of Recv with output pending, %d pongs, want 0 and 4", late, pongs)
		case blocked && (late == 0 || pongs != 1):
			t.Errorf("blocked: %d calls of Recv with output pending, %d pongs, want some and 1", late, pongs)
		}
	}
}

// How far ticks are from deadlines.
func TestDriverTicks(t *testing.T) {
	type count struct{ early, exact, late, back int }
	ticks := func(t *testing.T, f Faults, seeds int) (c count) {
		var last clock.Time
		o := spies(core.Client, spy{tick: func(m *spy, now clock.Time) {
			at, why := m.Deadline()
			switch {
			case why == core.TimerNone || now < at:
				c.early++
			case now == at:
				c.exact++
			default:
				c.late++
			}
			if now < last {
				c.back++
			}
			last = now
		}})
		for seed := range seeds {
			last = 0
			if r := Run(FromSeed(uint64(seed)), func(w *World) {
				w.Force(f)
				w.Client("client", w.Server("server", Echo), quiet)
				w.Run(time.Hour)
			}, o); r.Failure != nil {
				t.Fatal(r.Failure)
			}
		}
		return c
	}
	if c := ticks(t, 0, 1); c.early+c.late+c.back > 0 || c.exact < 200 {
		t.Errorf("undisturbed: %+v", c)
	}
	if c := ticks(t, LateTicks, 5); c.early+c.back > 0 || c.late < 200 {
		t.Errorf("LateTicks: %+v", c)
	}
	if c := ticks(t, SpuriousTicks, 2); c.early < 20 || c.late+c.back > 0 || c.exact < 200 {
		t.Errorf("SpuriousTicks: %+v", c)
	}
	if c := ticks(t, ClockGlitches, 2); c.back == 0 || c.early == 0 {
		t.Errorf("ClockGlitches: %+v", c)
	}
}

// What the machine is told while the App holds.
func TestDriverTellsTheMachineOfHolding(t *testing.T) {
	var told []string
	o := spies(core.Server, spy{reading: func(what string, now clock.Time, on bool) {
		told = append(told, fmt.Sprintf("%v %s %t", time.Duration(now), what, on))
	}})
	plain(t, o, func(w *World) {
		w.Link = Link{}
		server := w.Server("server", quiet)
		client := w.Client("client", server, quiet)
		w.At(time.Second, func() { server.Conns()[0].Hold(true) })
		w.At(2*time.Second, func() { client.Conns()[0].Send(frame.Binary, make([]byte, 40<<10)) })
		w.At(3*time.Second, func() { client.Conns()[0].Send(frame.Binary, make([]byte, 40<<10)) })
		w.At(4*time.Second, func() { server.Conns()[0].Hold(false) })
		w.Run(10 * time.Second)
	})
	want := []string{"1s ahead true", "3s reading false", "4s ahead false", "4s reading true"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// A close frame that is read ahead of a busy App is answered once the App has
// taken what came before.
func TestCloseReadAhead(t *testing.T) {
	var got []string
	plain(t, RunOptions{}, func(w *World) {
		w.Link = Link{}
		note := func(n *Node, ev Event) {
			got = append(got, fmt.Sprintf("%v %s %s", w.Now(), n.Name(), ev.describe()))
		}
		server := w.Server("server", on(note))
		client := w.Client("client", server, on(note))
		w.At(time.Second, func() {
			server.Conns()[0].Hold(true)
			c := client.Conns()[0]
			c.SendText("last words")
			c.Close(frame.NormalClosure, "bye")
		})
		w.At(3*time.Second, func() { server.Conns()[0].Hold(false) })
		w.Run(10 * time.Second)
	})
	want := []string{
		"0s server Started", "0s client Started", "0s server Opened", "0s client Opened",
		`3s server Message: text "last words"`, `3s server Closed: 1000 "bye"`, `3s client Closed: 1000 ""`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDrainedFollowsErrFull(t *testing.T) {
	sent, drained, got := 0, 0, 0
	var lastAt time.Duration
	plain(t, RunOptions{}, func(w *World) {
		w.Link = Link{Latency: time.Millisecond}
		server := w.Server("server", on(func(n *Node, ev Event) {
			if ev.Kind == Message {
				got++
				lastAt = w.Now()
			}
		}))
		w.Client("client", server, on(func(n *Node, ev Event) {
			switch ev.Kind {
			case Opened:
				for ev.Conn.Send(frame.Binary, make([]byte, 1000)) == nil {
					sent++
				}
				if n := ev.Conn.Buffered(); n <= queueLimit || n > queueLimit+1014 {
					t.Errorf("full with %d bytes", n)
				}
			case Drained:
				drained++
				if ev.Conn.Buffered() != 0 {
					t.Errorf("drained with %d bytes", ev.Conn.Buffered())
				}
				if ev.Conn.SendText("the rest") == nil {
					sent++
				}
			}
		}))
	})
	if drained != 1 || got != sent || lastAt > 50*time.Millisecond {
		t.Errorf("drained %d times, %d messages sent, %d arrived, the last at %v", drained, sent, got, lastAt)
	}
}

func TestAbort(t *testing.T) {
	var got []string
	plain(t, RunOptions{}, func(w *World) {
		inside := false
		server := w.Server("server", on(func(n *Node, ev Event) {
			if ev.Kind == Closed {
				got = append(got, "server "+ev.describe())
			}
		}))
		w.Client("client", server, on(func(n *Node, ev Event) {
			if inside {
				t.Errorf("%v while the App is being called", ev.Kind)
			}
			inside = true
			got = append(got, "client "+ev.describe())
			if c := ev.Conn; ev.Kind == Opened {
				c.SendText("never sent")
				c.Abort()
				c.Abort()
				for name, err := range map[string]error{"Send": c.SendText("x"), "Ping": c.Ping(nil), "Close": c.Close(1000, "")} {
					if err != core.ErrNotOpen {
						t.Errorf("%s after Abort: %v", name, err)
					}
				}
				if c.Open() || c.Buffered() != 0 {
					t.Error("open after Abort")
				}
			}
			inside = false
		}))
		w.Run(time.Minute)
		if len(w.conns)+len(w.wires) != 0 {
			t.Errorf("%d connections and %d wires are kept", len(w.conns), len(w.wires))
		}
	})
	want := []string{"client Started", "client Opened", "client Closed: " + ErrAborted.Error(), "server Closed: " + core.ErrLost.Error()}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrorsOfAConn(t *testing.T) {
	plain(t, RunOptions{}, func(w *World) {
		server := w.Server("server", quiet)
		var first *Conn
		client := w.Client("client", server, on(func(n *Node, ev Event) {
			c := ev.Conn
			switch ev.Kind {
			case Opened:
				if first == nil {
					first = c
				}
				if c == first && (c.Name() != "client>server" || c.Node() != n || c.Peer() != server || c.Peer().Conns()[0].Name() != "server>client" || c.Peer().Conns()[0].Peer() != n) {
					t.Errorf("%s of %s to %v", c.Name(), c.Node().Name(), c.Peer())
				}
				for want, err := range map[error]error{
					core.ErrInvalidOpcode:  c.Send(frame.Ping, nil),
					core.ErrInvalidText:    c.SendText("\xff"),
					core.ErrNoMessage:      c.SendFragment(frame.Continuation, nil, true),
					core.ErrControlTooLong: c.Ping(make([]byte, 126)),
					core.ErrUnsendableCode: c.Close(frame.Abnormal, ""),
				} {
					if err != want {
						t.Errorf("%v, want %v", err, want)
					}
				}
				if err := errors.Join(c.SendFragment(frame.Text, []byte("a"), false), c.SendFragment(frame.Continuation, []byte("b"), true)); err != nil {
					t.Error(err)
				}
				c.Close(frame.NormalClosure, "")
			case Closed:
				if err := c.SendText("x"); err == nil {
					t.Error("sent after Closed")
				}
			}
		}))
		w.At(0, func() {
			if c := client.Dial(server); c != nil && c.Peer() != nil {
				t.Error("a peer before it has accepted")
			}
		})
		w.At(time.Minute, func() {
			if got := client.Conns(); len(got) != 0 {
				t.Errorf("%d connections", len(got))
			}
		})
	})
}

// A rascal does whatever an App may do, whenever it is called.
type rascal struct {
	t      *testing.T
	seen   map[*Conn]int // 1: opened, 2: closed
	inside *bool
}

func (a *rascal) OnEvent(n *Node, ev Event) {
	if *a.inside {
		a.t.Errorf("%v while an App is being called", ev.Kind)
	}
	*a.inside = true
	if c := ev.Conn; c != nil {
		if c.Node() != n || a.seen[c] == 2 || ev.Kind == Opened && a.seen[c] != 0 {
			a.t.Errorf("%s: %v after state %d", c.Name(), ev.Kind, a.seen[c])
		}
		switch ev.Kind {
		case Opened:
			a.seen[c] = 1
		case Closed:
			a.seen[c] = 2
		}
	}
	a.misbehave(n)
	*a.inside = false
}

func (a *rascal) OnTimer(n *Node, _ string) {
	*a.inside = true
	a.misbehave(n)
	*a.inside = false
}

func (a *rascal) misbehave(n *Node) {
	conns := n.Conns()
	if !n.Up() {
		return
	}
	var c *Conn
	if len(conns) > 0 {
		c = conns[n.Choose(len(conns))]
	}
	what := n.Choose(20)
	switch {
	case what == 1 && len(conns) < 4:
		n.Dial(n.World().nodes[0])
	case what == 2:
		n.After(time.Duration(n.Choose(3000))*time.Millisecond, "a")
	case what == 3:
		n.Post(n.World().nodes[n.Choose(3)], nil)
	case what == 4 && n.Choose(8) == 0:
		n.Crash(n.Choose(2) == 0)
		n.Restart(time.Duration(n.Choose(3)) * time.Second)
	case what == 5:
		n.After(0, "b")
	case c == nil:
	case what < 10:
		c.Send(frame.Binary, make([]byte, n.Choose(5_000)))
	case what == 10:
		c.Close(frame.NormalClosure, "")
	case what == 11:
		c.Abort()
	case what == 12:
		c.Hold(true)
		n.After(time.Second, "resume")
	case what == 13:
		c.Hold(false)
	case what == 14:
		c.Ping([]byte("?"))
	case what == 15:
		c.SendFragment(frame.Text, []byte("part"), n.Choose(2) == 0)
	case what == 16 && n.Choose(4) == 0:
		c.Reset()
	case what == 17 && n.Choose(4) == 0:
		c.Cut()
	case what == 18 && n.Choose(4) == 0:
		c.Clog(time.Second)
	}
	for _, c := range conns {
		if what == 0 {
			c.Hold(false)
		}
	}
}

// Apps may do anything at any time: the world stays in order, and each
// connection is closed once and last.
func TestAppsMayDoAnything(t *testing.T) {
	tape := new(Tape)
	closed := 0
	for seed := range uint64(200) {
		tape.Reset(seed)
		seen := make(map[*Conn]int)
		inside := false
		r := Run(tape, func(w *World) {
			w.Link = presets[seed%6]
			if seed%2 == 1 {
				w.Faults(AllFaults)
			}
			make := func() App { return &rascal{t, seen, &inside} }
			server := w.Server("server", make)
			w.Client("one", server, make)
			w.Client("two", server, make)
			for _, n := range w.nodes {
				for i := range 20 {
					w.At(time.Duration(i)*time.Second, func() { (&rascal{t, seen, &inside}).misbehave(n) })
				}
			}
			w.Run(30 * time.Second)
			for _, n := range w.nodes {
				w.At(0, func() {
					for _, c := range n.Conns() {
						c.Hold(false)
					}
				})
			}
			w.Run(time.Minute)
			for c, state := range seen {
				if state == 1 && !c.crashed && c.released && !c.held && max(c.busy, c.node.asleep) <= w.now {
					t.Errorf("seed %d: %s is gone and its App was not told", seed, c.Name())
				}
			}
			w.cut = true // nobody promised that all this settles
		}, RunOptions{})
		if r.Failure != nil {
			t.Fatalf("seed %d: %v", seed, r.Failure)
		}
		for _, state := range seen {
			closed += state / 2
		}
	}
	if closed < 300 {
		t.Errorf("only %d connections were closed", closed)
	}
}

// What waits for the network is bounded, pings included.
func TestPingIsBounded(t *testing.T) {
	var full error
	drained := false
	plain(t, RunOptions{}, func(w *World) {
		client := w.Client("client", w.Server("server", quiet), on(func(n *Node, ev Event) { drained = drained || ev.Kind == Drained }))
		w.At(time.Second, func() {
			c := client.Conns()[0]
			c.Clog(10 * time.Second)
			for range 10_000 {
				if full = c.Ping(make([]byte, 125)); full != nil {
					break
				}
			}
			if got := c.Buffered(); got > queueLimit+200 {
				t.Errorf("%d bytes wait", got)
			}
		})
		w.Run(time.Minute)
	})
	if full != ErrFull || !drained {
		t.Errorf("got %v, told of Drained: %t; want ErrFull, and to be told", full, drained)
	}
}
