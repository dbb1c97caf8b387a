package sim

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// fails runs a world and wants it to fail so.
func fails(t *testing.T, build func(w *World), property, text string) *Result {
	t.Helper()
	r := Run(FromSeed(1), build, RunOptions{Steps: 100_000})
	switch {
	case r.Failure == nil:
		t.Errorf("the run passed, want %q: %q", property, text)
	case r.Failure.Property != property || !strings.Contains(r.Failure.Error(), text):
		t.Errorf("the run failed with %v, want %q: %q", r.Failure, property, text)
	}
	return r
}

func TestMisuseFailsTheRun(t *testing.T) {
	other := newWorld(new(Tape), nativeMachine)
	stranger := other.Server("stranger", quiet)
	for _, test := range []struct {
		name  string
		build func(w *World)
		text  string
	}{
		{"two of a name", func(w *World) { w.Server("a", quiet); w.Server("a", quiet) }, `two nodes are named "a"`},
		{"no function", func(w *World) { w.Server("a", nil) }, `node "a" has no App`},
		{"no App", func(w *World) { w.Server("a", func() App { return nil }) }, `of node "a" returned none`},
		{"no function at", func(w *World) { w.At(time.Second, nil) }, "At(1s) was given no function"},
		{"no always", func(w *World) { w.Server("a", quiet); w.Always("x", nil) }, `Always("x") was given no function`},
		{"no eventually", func(w *World) { w.Eventually("x", nil); w.Settle() }, `Eventually("x") was given no function`},
		{"no sometimes", func(w *World) { w.Server("a", quiet); w.Sometimes("x", nil) }, `Sometimes("x") was given no function`},
		{"no action", func(w *World) { w.Server("a", Script(Action{At: time.Second})) }, "action 0 of the script of a, at 1s, has no Do"},
		{"no server", func(w *World) { w.Client("a", nil, quiet) }, "a dials a node that is not of this world"},
		{"stranger", func(w *World) { w.Client("a", stranger, quiet) }, "a dials a node that is not of this world"},
		{"post", func(w *World) {
			a := w.Server("a", quiet)
			w.At(1, func() { a.Post(stranger, 1) })
		}, "a posts to a node that is not of this world"},
		{"link", func(w *World) {
			a := w.Client("a", w.Server("b", quiet), quiet)
			a.Link.Latency = -1
		}, "Link.Latency"},
		{"config", func(w *World) {
			a := w.Client("a", w.Server("b", quiet), quiet)
			a.Config.MaxFrameSize = 1 << 40
		}, "MaxFrameSize"},
		{"dial while down", func(w *World) {
			b := w.Server("b", quiet)
			a := w.Server("a", quiet)
			w.At(1, func() { a.Crash(false) })
			w.At(2, func() { a.Dial(b).SendText("x") })
		}, "a dials while it is down"},
		{"set a timer while down", func(w *World) {
			a := w.Server("a", quiet)
			w.At(1, func() { a.Crash(false) })
			w.At(2, func() { a.After(1, "x") })
		}, "a sets a timer while it is down"},
		{"set a timer before it is up", func(w *World) { w.Server("a", quiet).After(1, "x") }, "a sets a timer while it is down"},
		{"post before it is up", func(w *World) {
			a := w.Server("a", quiet)
			a.Post(a, 1)
		}, "a posts while it is down"},
		{"dial before it is up", func(w *World) {
			a := w.Server("a", quiet)
			a.Dial(a)
		}, "a dials while it is down"},
		{"faults too late", func(w *World) { w.Run(1); w.Faults(Resets) }, "Faults was called when the world had begun to run"},
		{"force too late", func(w *World) { w.Run(1); w.Force(Resets) }, "Force was called when the world had begun to run"},
		{"strike too late", func(w *World) { w.Heal(); w.Strike(Resets, 1) }, "Strike was called when the world had begun to run"},
		{"strike what lasts", func(w *World) { w.Strike(Chunks|Drift, 1) }, "Strike(Chunks|Drift): none of them happens at an instant"},
		{"no name", func(w *World) { w.Server("", quiet) }, "a node has no name"},
		{"ambiguous name", func(w *World) { w.Server("a>b", quiet) }, `the node's name "a>b"`},
		{"stream of the simulator", func(w *World) { w.Choose("nemesis.kind", 2) }, `streams like "nemesis.kind" of its own`},
		{"choose", func(w *World) { w.Choose("x", 0) }, "there must be at least one answer"},
		{"node chooses", func(w *World) { w.Server("a", quiet).Choose(-1) }, "there must be at least one answer"},
		{"drift", func(w *World) { w.Server("a", quiet).DriftClock(-900_001) }, "DriftClock(-900001)"},
		{"run inside", func(w *World) { w.At(1, func() { w.Run(time.Second) }) }, "Run was called from inside of the world"},
		{"settle inside", func(w *World) { w.Server("a", on(func(*Node, Event) { w.Settle() })) }, "Settle was called from inside of the world"},
	} {
		t.Run(test.name, func(t *testing.T) { fails(t, test.build, "use of the simulator", test.text) })
	}
}

func TestPanicsFailTheRun(t *testing.T) {
	boom := func() { panic("boom") }
	for name, build := range map[string]func(w *World){
		"build":      func(w *World) { boom() },
		"event":      func(w *World) { w.Server("a", on(func(*Node, Event) { boom() })) },
		"app":        func(w *World) { w.Server("a", func() App { boom(); return nil }) },
		"at":         func(w *World) { w.At(1, boom) },
		"always":     func(w *World) { w.At(1, func() {}); w.Always("x", func() error { boom(); return nil }) },
		"eventually": func(w *World) { w.Eventually("x", func() error { boom(); return nil }) },
		"timer": func(w *World) {
			w.Server("a", func() App {
				return &testApp{
					event: func(n *Node, _ Event) { n.After(1, "x") },
					timer: func(*Node, string) { boom() },
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) { fails(t, build, "no panic", "boom") })
	}
}

// A world that never comes to rest ends all the same.
func TestEndlessWorldsEnd(t *testing.T) {
	for name, build := range map[string]func(w *World){
		"timer": func(w *World) {
			w.Server("a", func() App {
				return &testApp{
					event: func(n *Node, _ Event) { n.After(0, "x") },
					timer: func(n *Node, _ string) { n.After(0, "x") },
				}
			})
		},
		"at": func(w *World) {
			var again func()
			again = func() { w.At(0, again) }
			again()
		},
		"post": func(w *World) {
			w.Link = Pipe()
			w.Server("a", on(func(n *Node, ev Event) { n.Post(n, 1) }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := fails(t, build, "comes to rest", "100000 steps were not enough")
			if r.Simulated != 0 {
				t.Errorf("it took %v", r.Simulated)
			}
		})
	}
}

func TestRunHealSettleInAnyOrder(t *testing.T) {
	for _, test := range []struct {
		calls string // r: Run for a second, h: Heal, s: Settle
		want  time.Duration
	}{
		{"", 2 * time.Minute},
		{"r", time.Second},
		{"rrr", 3 * time.Second},
		{"rh", time.Second},
		{"rhs", time.Second},
		{"rs", time.Second},
		{"rsrs", 2 * time.Second},
		{"rhrsr", 3 * time.Second},
		{"h", 0},
		{"hh", 0},
		{"s", 0},
		{"ssr", time.Second},
	} {
		rested := 0
		r := plain(t, RunOptions{}, func(w *World) {
			w.Faults(AllFaults)
			w.Eventually("asked", func() error { rested++; return nil })
			for _, call := range test.calls {
				switch call {
				case 'r':
					w.Run(time.Second)
				case 'h':
					w.Heal()
				case 's':
					w.Settle()
				}
			}
		})
		if r.Simulated != test.want || rested == 0 {
			t.Errorf("%q: %v, want %v; settled %t", test.calls, r.Simulated, test.want, rested > 0)
		}
	}
}

func TestAWorldWithoutNodes(t *testing.T) {
	r := Run(FromSeed(1), func(w *World) { w.Faults(AllFaults) }, RunOptions{Trace: true})
	if r.Failure != nil || r.Simulated != 2*time.Minute || r.Chart() == nil {
		t.Errorf("%+v", r)
	}
	if r := Run(new(Tape), func(*World) {}, RunOptions{}); r.Chart() != nil {
		t.Error("a chart of a run that was not traced")
	}
}

func TestAt(t *testing.T) {
	var got []string
	plain(t, RunOptions{}, func(w *World) {
		note := func(name string) func() {
			return func() { got = append(got, fmt.Sprint(name, w.Now())) }
		}
		w.At(time.Second, note("a"))
		w.At(time.Minute, func() { w.At(time.Second, note("late ")) })
		w.At(time.Second, note("b"))
		w.At(-1, note("c"))
		w.Run(time.Hour)
	})
	if want := "[c0s a1s b1s late 1m0s]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// On a link without latency a server is up before it is dialed, in whatever order
// the tape lets them come.
func TestServersAreUpInTime(t *testing.T) {
	for seed := range uint64(200) {
		opened := 0
		r := Run(FromSeed(seed), func(w *World) {
			w.Link = Pipe()
			w.Client("client", w.Server("server", quiet), on(func(_ *Node, ev Event) {
				if ev.Kind == Opened {
					opened++
				}
			}))
		}, RunOptions{})
		if r.Failure != nil || opened != 1 {
			t.Fatalf("seed %d: opened %d times, %v", seed, opened, r.Failure)
		}
	}
}

// A run leaves nothing behind, however many connections come and go.
func TestWorldForgetsWhatIsOver(t *testing.T) {
	for _, link := range presets {
		plain(t, RunOptions{}, func(w *World) {
			w.Link = link
			dialed := 0
			server := w.Server("server", quiet)
			w.Client("client", server, on(func(n *Node, ev Event) {
				switch ev.Kind {
				case Opened:
					switch dialed % 3 {
					case 0:
						ev.Conn.Abort()
					case 1:
						ev.Conn.Close(frame.NormalClosure, "")
					case 2:
						ev.Conn.Reset()
					}
				case Closed:
					if dialed++; dialed < 300 {
						n.Dial(server)
					}
				}
			}))
			w.Run(time.Hour)
			if len(w.conns)+len(w.wires)+len(server.conns)+len(w.tasks.heap) != 0 || dialed != 300 {
				t.Errorf("%v: %d connections, %d wires, %d tasks are left after %d", link.Carrier, len(w.conns), len(w.wires), len(w.tasks.heap), dialed)
			}
		})
	}
}

// hashes runs worlds of all kinds and returns their hashes.
func hashes() string {
	var list []string
	for seed := range uint64(30) {
		r := Run(FromSeed(seed), echoWorld(AllFaults), RunOptions{})
		list = append(list, fmt.Sprintf("%016x/%d", r.Hash, r.Steps))
	}
	return strings.Join(list, " ")
}

// One seed is one run, with any number of processors; a chart changes nothing.
func TestHashesAreEqual(t *testing.T) {
	want := hashes()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if got := hashes(); got != want {
		t.Errorf("with one processor: %s, want %s", got, want)
	}
	for seed := range uint64(30) {
		build := echoWorld(AllFaults)
		bare, traced := Run(FromSeed(seed), build, RunOptions{}), Run(FromSeed(seed), build, RunOptions{Trace: true})
		unwatched := Run(FromSeed(seed), build, RunOptions{Unwatched: true})
		if bare.Hash != traced.Hash || bare.Hash != unwatched.Hash {
			t.Errorf("seed %d: %x, traced %x, unwatched %x", seed, bare.Hash, traced.Hash, unwatched.Hash)
		}
	}
}

func TestProperties(t *testing.T) {
	sentinel := errors.New("not so")
	notBefore := func(w *World, d time.Duration) func() error {
		return func() error {
			if w.Now() < d {
				return sentinel
			}
			return nil
		}
	}
	ticking := func(w *World) {
		for i := range 60 {
			w.At(time.Duration(i)*5*time.Second, func() {})
		}
	}
	r := fails(t, func(w *World) {
		ticking(w)
		w.Always("early", func() error {
			if w.Now() > 12*time.Second {
				return sentinel
			}
			return nil
		})
	}, "early", "not so (at 15s, step 4)")
	if !errors.Is(r.Failure, sentinel) {
		t.Error("a Failure does not wrap its error")
	}
	fails(t, func(w *World) {
		ticking(w)
		w.Eventually("late", notBefore(w, time.Hour))
	}, "late", "not so, 3m0s after all was healed")
	plain(t, RunOptions{}, func(w *World) {
		ticking(w)
		w.Eventually("in time", notBefore(w, 290*time.Second))
	})
	fails(t, func(w *World) { w.At(1, func() { w.Fail("%d is odd", 3) }) }, "the application's own", "3 is odd")

	r = plain(t, RunOptions{}, func(w *World) {
		ticking(w)
		w.Sometimes("reached", func() bool { return w.Now() == 10*time.Second })
		w.Sometimes("not reached", func() bool { return w.Now() == 11*time.Second })
	})
	if fmt.Sprint(r.Marks) != "[{reached true} {not reached false}]" {
		t.Errorf("marks %v", r.Marks)
	}
}

// An Eventually that was true once stays so; what happens after a Settle is
// judged by the next one.
func TestSettleAgain(t *testing.T) {
	plain(t, RunOptions{}, func(w *World) {
		w.At(130*time.Second, func() {})
		w.At(140*time.Second, func() {})
		w.Eventually("once", func() error {
			if w.Now() != 130*time.Second {
				return errors.New("not now")
			}
			return nil
		})
		w.Eventually("later", func() error {
			if w.Now() < 140*time.Second {
				return errors.New("not yet")
			}
			return nil
		})
	})
	fails(t, func(w *World) {
		w.Config = core.Config{PingInterval: -1, ConnectionTimeout: -1}
		client := w.Client("client", w.Server("server", quiet), quiet)
		w.Run(time.Second)
		w.Settle()
		w.At(2*time.Second, func() { client.Conns()[0].Lose(false); client.Conns()[0].SendText("lost") })
		w.Run(5 * time.Second)
	}, "settles", "what was sent has not been delivered")
}

// A connection that can neither live nor end is found out.
func TestSettlesFindsWhatHangs(t *testing.T) {
	off := core.Config{PingInterval: -1, ConnectionTimeout: -1, CloseTimeout: -1, HandshakeTimeout: -1}
	for _, test := range []struct {
		name  string
		text  string
		build func(w *World, c *Conn)
	}{
		{"unsent", "output still waits to be sent", func(w *World, c *Conn) {
			c.peer.node.Config = off
			c.Lose(false)
			c.Send(frame.Binary, make([]byte, 70<<10))
		}},
		{"undelivered", "what was sent has not been delivered", func(w *World, c *Conn) { c.Lose(false); c.SendText("lost") }},
		{"unclosed", "still waits to be closed", func(w *World, c *Conn) { c.Lose(true); c.Close(1000, "") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			fails(t, func(w *World) {
				w.Config = off
				client := w.Client("client", w.Server("server", quiet), quiet)
				w.At(time.Second, func() { test.build(w, client.Conns()[0]) })
			}, "settles", test.text)
		})
	}
	fails(t, func(w *World) {
		w.Config = off
		client := w.Client("client", w.Server("server", quiet), quiet)
		w.At(time.Millisecond, func() { client.Conns()[0].Lose(true) })
	}, "settles", "the handshake is still not done")
}
