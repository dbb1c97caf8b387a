package sim

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// A register knows the machines that it made.
type register struct {
	all  []*mortal
	live int
	most int // of them at a time
}

// A mortal machine must be released once, and only answers questions afterwards.
type mortal struct {
	transport.Machine
	of       *register
	released int
}

func (r *register) machine(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
	m, err := nativeMachine(role, cfg, now, bare)
	own := &mortal{Machine: m, of: r}
	r.all = append(r.all, own)
	r.live++
	r.most = max(r.most, r.live)
	return own, err
}

func (m *mortal) Unwrap() transport.Machine { return m.Machine }

func (m *mortal) Release() {
	m.of.live--
	m.released++
	if m.released == 1 {
		m.Machine = remains{of: m.Machine}
	}
}

// remains are what may be asked of a machine that was released. Any other call
// panics.
type remains struct {
	transport.Machine // nil
	of                transport.Machine
}

func (r remains) Deadline() (clock.Time, core.Timer) { return r.of.Deadline() }
func (r remains) Pending() int                       { return r.of.Pending() }
func (r remains) Open() bool                         { return r.of.Open() }
func (r remains) Err() error                         { return r.of.Err() }
func (r remains) Transport() core.Transport          { return r.of.Transport() }

// check checks that at least n machines were made, and that each was released.
func (r *register) check(t *testing.T, n int) {
	t.Helper()
	if len(r.all) < n {
		t.Errorf("%d machines were made, want at least %d", len(r.all), n)
	}
	if i := slices.IndexFunc(r.all, func(m *mortal) bool { return m.released != 1 }); i >= 0 {
		t.Errorf("machine %d of %d was released %d times", i+1, len(r.all), r.all[i].released)
	}
}

// Whatever becomes of a connection, its machine is released once, and not called
// afterwards.
func TestMachinesAreReleased(t *testing.T) {
	for _, watched := range []bool{true, false} {
		made := 0
		for seed := range uint64(50) {
			var r register
			result := Run(FromSeed(seed), func(w *World) {
				w.Faults(AllFaults)
				server := w.Server("server", func() App { return &fragile{after: 7} })
				for _, name := range []string{"ann", "bob"} {
					w.Client(name, server, func() App { return &fragile{after: 5, dials: server} })
				}
				w.Run(time.Minute)
			}, RunOptions{Machine: r.machine, Unwatched: !watched, Trace: seed%2 == 0})
			if result.Failure != nil && result.Failure.Property == "no panic" {
				t.Fatalf("seed %d: %v", seed, result.Failure)
			}
			r.check(t, 2)
			made += len(r.all)
			if r.most > 8 {
				t.Errorf("seed %d: %d machines of %d were there at a time", seed, r.most, len(r.all))
			}
		}
		if made < 1000 {
			t.Errorf("only %d machines were made", made)
		}
	}
}

// A fragile App sends and holds, and at some events crashes its node, aborts,
// or dials anew.
type fragile struct {
	after int // events
	dials *Node
}

func (a *fragile) OnEvent(n *Node, ev Event) {
	n.After(time.Second, "on")
	if ev.Conn == nil {
		return
	}
	if a.after--; a.after > 0 {
		return
	}
	a.after = 3 + n.Choose(3)
	switch n.Choose(5) {
	case 0:
		ev.Conn.Hold(true)
	case 1:
		ev.Conn.Abort()
	case 2:
		ev.Conn.Close(1000, "")
	case 3:
		n.Crash(n.Choose(2) == 0)
		n.Restart(time.Second)
	}
}

func (a *fragile) OnTimer(n *Node, _ string) {
	n.After(time.Second, "on")
	conns := n.Conns()
	for _, c := range conns {
		c.Hold(false)
		c.SendText("hello")
	}
	if len(conns) == 0 && a.dials != nil {
		n.Dial(a.dials)
	}
}

// Machines are released as well when a run ends before its time.
func TestMachinesAreReleasedAfterAFailure(t *testing.T) {
	boom := func() { panic("boom") }
	for name, test := range map[string]struct {
		makes int
		build func(w *World, c *Node)
		app   func()
		spoil func(*register) MachineFunc
	}{
		"a property fails": {2, func(w *World, c *Node) { w.At(time.Second, func() { w.Fail("enough") }) }, nil, nil},
		"an App panics":    {2, nil, boom, nil},
		"the world panics": {2, func(w *World, c *Node) { w.Run(time.Second); boom() }, nil, nil},
		"a machine is broken": {2, nil, nil, func(r *register) MachineFunc {
			return func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
				m, err := r.machine(role, cfg, now, bare)
				if role == core.Server {
					m.(*mortal).Machine = nil // so that the witness panics
				}
				return m, err
			}
		}},
		"a machine cannot be made": {1, nil, nil, func(r *register) MachineFunc {
			return func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
				if role == core.Server {
					return nil, errors.New("no room")
				}
				return r.machine(role, cfg, now, bare)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var r register
			o := RunOptions{Machine: r.machine}
			if test.spoil != nil {
				o.Machine = test.spoil(&r)
			}
			result := Run(zeros(t), func(w *World) {
				server := w.Server("server", quiet)
				client := w.Client("client", server, on(func(n *Node, ev Event) {
					if ev.Kind == Opened && test.app != nil {
						test.app()
					}
				}))
				if test.build != nil {
					test.build(w, client)
				}
			}, o)
			if result.Failure == nil {
				t.Error("the run did not fail")
			}
			r.check(t, test.makes)
		})
	}
}

// They are released when the goroutine ends in the middle of a run, too, as
// t.FailNow in an App makes it do.
func TestMachinesAreReleasedAfterGoexit(t *testing.T) {
	var r register
	done := make(chan struct{})
	go func() {
		defer close(done)
		Run(new(Tape), func(w *World) {
			w.Client("client", w.Server("server", quiet), on(func(n *Node, ev Event) {
				if ev.Kind == Opened {
					runtime.Goexit()
				}
			}))
		}, RunOptions{Machine: r.machine})
	}()
	<-done
	r.check(t, 2)
}

// Exhaust cuts runs short.
func TestMachinesAreReleasedByExplore(t *testing.T) {
	var r register
	x := Explore(func(w *World) {
		w.Strike(Resets, 1)
		w.Client("client", w.Server("server", Echo), quiet)
	}, RunOptions{Machine: r.machine}, ExhaustOptions{Runs: 300})
	if x.Failed != nil || x.Err != nil {
		t.Fatal(x.Failed, x.Err)
	}
	r.check(t, 2*x.Runs)
}
