package sim

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// deviant makes machines of servers that are the core but for what spoil does.
func deviant(spoil func(*faulty)) MachineFunc {
	return func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := nativeMachine(role, cfg, now, bare)
		if role != core.Server || err != nil {
			return m, err
		}
		f := &faulty{Machine: m}
		spoil(f)
		return f, nil
	}
}

var deviations = []struct {
	name  string
	spoil func(*faulty)
	says  []string
}{
	{"nothing", func(*faulty) {}, nil},
	{"a deadline, by a nanosecond", func(f *faulty) {
		f.deadline = func(at clock.Time, why core.Timer) (clock.Time, core.Timer) {
			if why == core.TimerPing {
				at++
			}
			return at, why
		}
	}, []string{"in the first run, and", `(open, ping timer at 15.005s)`, `(open, ping timer at 15.005000001s)`}},
	{"the first byte of a long message", func(f *faulty) {
		f.message = func(out []byte) []byte { return flip(out, 4) }
	}, []string{`then "text \"xxxxxxxx`, `then "text \"hxxxxxxx`}},
	{"the last byte of a long message", func(f *faulty) {
		f.message = func(out []byte) []byte { return flip(out, len(out)-1) }
	}, []string{"in both runs, yet they differ in it. The first difference that a chart shows is", "whose byte 204 is 0x78", "whose byte 204 is 0x68"}},
	{"a tick that comes to nothing", func(f *faulty) {
		f.tick = func(core.Event) core.Event { return core.Event{} }
	}, []string{"failed: websocket: the peer was silent for too long", "in the first run, and"}},
}

// What two machines do differently is named, with the step in which they part.
func TestCompare(t *testing.T) {
	build := func(w *World) {
		server := w.Server("server", on(func(n *Node, ev Event) {
			if ev.Kind == Message {
				ev.Conn.SendText(string(ev.Data))
			}
		}))
		client := w.Client("client", server, on(func(n *Node, ev Event) {
			if ev.Kind == Opened {
				ev.Conn.SendText(strings.Repeat("x", 200))
			}
		}))
		w.At(20*time.Second, func() { client.Crash(true) })
	}
	ro := RunOptions{Trace: true, Unwatched: true}
	native := Run(zeros(t), build, ro)
	if native.Failure != nil {
		t.Fatal(native.Failure)
	}
	for _, test := range deviations {
		t.Run(test.name, func(t *testing.T) {
			ro.Machine = deviant(test.spoil)
			other := Run(zeros(t), build, ro)
			d := Compare(native, other)
			if back := Compare(other, native); (d == nil) != (test.says == nil) || (back == nil) != (d == nil) {
				t.Fatal(d, back)
			}
			if d == nil {
				return
			}
			for i := range max(d.Step, 1) - 1 {
				if native.world.trace.marks[i].hash != other.world.trace.marks[i].hash {
					t.Fatalf("step %d differs, before %v", i+1, d)
				}
			}
			for _, want := range test.says {
				if !strings.Contains(d.String(), want) {
					t.Errorf("%q is missing in: %v", want, d)
				}
			}
		})
	}
}

// A verdict that comes from elsewhere than what happened is a difference too.
func TestCompareVerdicts(t *testing.T) {
	built := 0
	build := func(w *World) {
		built++
		late := built == 2
		w.Server("server", quiet)
		w.Eventually("is early", func() error {
			if late {
				return errors.New("it is late")
			}
			return nil
		})
	}
	first := Run(FromSeed(1), build, RunOptions{Trace: true})
	second := Run(FromSeed(1), build, RunOptions{Trace: true})
	third := Run(FromSeed(1), build, RunOptions{Trace: true})
	d := Compare(first, second)
	if d == nil || !strings.Contains(d.First, "passes") || !strings.Contains(d.Second, "is early: it is late") {
		t.Error(d)
	}
	if d := Compare(first, third); d != nil {
		t.Error(d)
	}
}

func TestCompareNeedsTraces(t *testing.T) {
	defer func() {
		if v, ok := recover().(string); !ok || !strings.Contains(v, "RunOptions.Trace") {
			t.Error(v)
		}
	}()
	build := func(w *World) { w.Server("server", quiet) }
	Compare(Run(FromSeed(1), build, RunOptions{Trace: true}), Run(FromSeed(1), build, RunOptions{}))
}
