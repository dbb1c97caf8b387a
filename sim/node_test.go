package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// A diary is what happened to Apps, with the world's time.
type diary []string

func (d *diary) note(n *Node, format string, args ...any) {
	*d = append(*d, fmt.Sprintf("%v %s %s", n.World().Now(), n.Name(), fmt.Sprintf(format, args...)))
}

func (d *diary) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*d, want) {
		t.Errorf("got %q, want %q", *d, want)
	}
}

// app returns Apps that write down all events but Opened.
func (d *diary) app() App {
	return &testApp{
		event: func(n *Node, ev Event) {
			if ev.Kind != Opened {
				d.note(n, "%s", ev.describe())
			}
		},
		timer: func(n *Node, name string) { d.note(n, "timer %s", name) },
	}
}

func TestNodeTimers(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		n := w.Server("n", d.app)
		w.At(0, func() {
			n.After(3*time.Second, "a")
			n.After(2*time.Second, "b")
			n.After(2*time.Second, "c")
			n.After(1*time.Second, "a") // replaces the first
			n.After(time.Second, "gone")
			n.Stop("gone")
			n.Stop("never set")
			n.After(-time.Second, "at once")
		})
		w.Run(10 * time.Second)
		if len(n.timers) > 5 {
			t.Errorf("%d timers are kept", len(n.timers))
		}
	})
	d.want(t, "0s n Started", "0s n timer at once", "1s n timer a", "2s n timer b", "2s n timer c")
}

// However many names timers have, no more are kept than ran at a time.
func TestNodeTimersAreReused(t *testing.T) {
	fired := 0
	plain(t, RunOptions{}, func(w *World) {
		n := w.Server("n", func() App {
			return &testApp{
				event: func(n *Node, _ Event) { n.After(time.Second, "0") },
				timer: func(n *Node, _ string) { fired++; n.After(time.Second, fmt.Sprint(fired)) },
			}
		})
		w.Run(100*time.Second + 1)
		if len(n.timers) != 1 || fired != 100 {
			t.Errorf("%d timers are kept, %d fired", len(n.timers), fired)
		}
	})
}

// Timers run by the node's clock, wherever that is moved.
func TestNodeTimersFollowTheClock(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(n *Node)
		want string
	}{
		{"right", func(*Node) {}, "10s"},
		{"moved on", func(n *Node) { n.AdjustClock(3 * time.Second) }, "7s"},
		{"moved beyond", func(n *Node) { n.AdjustClock(time.Minute) }, "2s"},
		{"moved back", func(n *Node) { n.AdjustClock(-3 * time.Second) }, "13s"},
		{"twice as fast", func(n *Node) { n.DriftClock(1_000_000) }, "6s"},
		{"half as fast", func(n *Node) { n.DriftClock(-500_000) }, "18s"},
		{"suspended", func(n *Node) { n.Suspend(3 * time.Second) }, "10s"},
		{"suspended beyond", func(n *Node) { n.Suspend(9 * time.Second); n.Suspend(time.Second) }, "11s"},
		{"crashed", func(n *Node) { n.Crash(false) }, ""},
		{"crashed and restarted", func(n *Node) { n.Crash(false); n.Restart(time.Second) }, ""},
	} {
		got := ""
		plain(t, RunOptions{}, func(w *World) {
			n := w.Server("n", func() App {
				return &testApp{timer: func(*Node, string) { got += w.Now().String() }}
			})
			w.At(0, func() { n.After(10*time.Second, "x") })
			w.At(2*time.Second, func() { test.do(n) })
			w.Run(time.Minute)
		})
		if got != test.want {
			t.Errorf("%s: fired at %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCrashAndRestart(t *testing.T) {
	for _, silent := range []bool{false, true} {
		var d diary
		plain(t, RunOptions{}, func(w *World) {
			w.Link = Link{}
			server := w.Server("server", d.app)
			client := w.Client("client", server, d.app)
			var old App
			w.At(time.Second, func() {
				old = server.App()
				server.After(time.Minute, "never")
				client.Conns()[0].Send(frame.Text, []byte("unread"))
				server.Crash(silent)
				server.Crash(silent)
				if server.Up() || server.App() != nil || len(server.Conns()) != 0 {
					t.Error("up after a crash")
				}
				client.Post(server, "nobody is there")
				server.Restart(2 * time.Second)
				server.Restart(time.Hour) // the sooner one counts
			})
			w.At(4*time.Second, func() {
				if !server.Up() || server.App() == old {
					t.Error("the App of a node that came up is not a new one")
				}
				server.Restart(0) // it is up
				client.Dial(server)
			})
			w.Run(10 * time.Second)
		})
		want := []string{"0s server Started", "0s client Started"}
		if !silent {
			want = append(want, "1s client Closed: websocket: the connection ended without a close frame")
		}
		want = append(want, "3s server Started")
		d = d[:min(len(d), len(want))]
		d.want(t, want...)
	}
}

// Nothing runs on a suspended node; what came meanwhile is there when it wakes.
func TestSuspend(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		w.Link = Link{Latency: time.Millisecond}
		server := w.Server("server", d.app)
		client := w.Client("client", server, quiet)
		w.At(time.Second, func() {
			server.After(time.Second, "x")
			server.Suspend(30 * time.Second)
			client.Conns()[0].SendText("hello")
			client.Post(server, 1)
			client.Dial(server)
		})
		w.At(30*time.Second, func() {
			if n := len(server.Conns()); n != 1 {
				t.Errorf("a suspended node has %d connections", n)
			}
		})
		w.Run(30*time.Second + 999*time.Millisecond)
		if len(d) != 1 {
			t.Errorf("a suspended node ran: %q", d)
		}
		w.Run(time.Second)
	})
	slices.Sort(d[1:])
	want := []string{"0s server Started", "31s server Message: text \"hello\"", "31s server Posted", "31s server timer x"}
	for _, line := range want {
		if !slices.Contains(d, line) {
			t.Errorf("%q is missing in %q", line, d)
		}
	}
}

// A node that crashes while it is suspended comes up awake.
func TestCrashWhileSuspended(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		n := w.Server("n", d.app)
		w.At(time.Second, func() { n.Suspend(time.Hour); n.Crash(false); n.Restart(time.Second) })
		w.At(3*time.Second, func() { n.After(time.Second, "x") })
		w.Run(time.Minute)
	})
	d.want(t, "0s n Started", "2s n Started", "4s n timer x")
}

// A suspended node wakes when the world is healed.
func TestHealWakes(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		n := w.Server("n", d.app)
		w.At(time.Second, func() { n.After(time.Second, "x"); n.Suspend(time.Hour) })
		w.Run(time.Minute)
		w.Heal()
		w.Run(1)
	})
	d.want(t, "0s n Started", "1m0s n timer x")
}

func TestHealRestartsAndSetsClocks(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		n := w.Server("n", d.app)
		w.At(time.Second, func() {
			n.AdjustClock(-30 * time.Second)
			n.DriftClock(500_000)
		})
		w.At(3*time.Second, func() { n.Crash(true) })
		w.Run(5 * time.Second)
		w.Heal()
		w.Run(time.Second)
		if got := time.Duration(n.Now()); got != 2*time.Second { // 30 s behind what it showed at 1 s
			t.Errorf("the clock shows %v, want 2s", got)
		}
	})
	d.want(t, "0s n Started", "5s n Started")
}

func TestPost(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		w.Link.Latency = 7 * time.Millisecond
		a := w.Server("a", quiet)
		b := w.Server("b", func() App {
			return &testApp{event: func(n *Node, ev Event) {
				if ev.Kind == Posted {
					d.note(n, "%v of %s", ev.Value, ev.From.Name())
				}
			}}
		})
		w.At(time.Second, func() { a.Post(b, 1); b.Post(b, 2) })
	})
	slices.Sort(d)
	d.want(t, "1.007s b 1 of a", "1.007s b 2 of b")
}

func TestNodeTells(t *testing.T) {
	plain(t, RunOptions{}, func(w *World) {
		server := w.Server("server", Echo)
		client := w.Client("client", server, quiet)
		if client.Name() != "client" || client.World() != w || client.Up() || client.App() != nil || client.Now() != 0 {
			t.Error("before the world runs")
		}
		if got := client.Choose(10); got != 0 {
			t.Errorf("Choose on a tape of zeros is %d", got)
		}
		w.Run(time.Second)
		if !client.Up() || client.App() == nil || time.Duration(client.Now()) != time.Second || len(client.Conns()) != 1 {
			t.Error("after a second")
		}
	})
	for k, want := range map[EventKind]string{Started: "Started", Posted: "Posted", 0: "none", 99: "EventKind(99)"} {
		if k.String() != want {
			t.Errorf("%d is %q, want %q", k, k, want)
		}
	}
	AppFunc(func(*Node, Event) {}).OnTimer(nil, "")
}

// An App that suspends its own node hears nothing more at that instant, though
// it is there already.
func TestSuspendByTheApp(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		w.Link = Link{}
		server := w.Server("server", on(func(n *Node, ev Event) {
			if ev.Kind != Message {
				return
			}
			d.note(n, "%s", ev.Data)
			if string(ev.Data) == "a" {
				ev.Conn.SendText("answer")
				n.Suspend(10 * time.Second)
			}
		}))
		client := w.Client("client", server, on(func(n *Node, ev Event) {
			if ev.Kind == Message {
				d.note(n, "%s", ev.Data)
			}
		}))
		w.At(time.Second, func() {
			c := client.Conns()[0]
			for _, text := range []string{"a", "b", "c"} {
				c.SendText(text)
			}
			w.At(2*time.Second, func() { c.SendText("d") })
		})
		w.Run(time.Minute)
	})
	d.want(t, "1s server a", "11s server b", "11s server c", "11s server d", "11s client answer")
}

// What waited for a busy App waits on while its node is suspended.
func TestSuspendByTheAppThatHeld(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		w.Link = Link{}
		server := w.Server("server", on(func(n *Node, ev Event) {
			if ev.Kind == Opened {
				ev.Conn.Hold(true)
			}
			if ev.Kind == Message {
				d.note(n, "%s", ev.Data)
				n.Suspend(10 * time.Second)
			}
		}))
		client := w.Client("client", server, quiet)
		w.At(time.Second, func() {
			client.Conns()[0].SendText("a")
			client.Conns()[0].SendText("b")
		})
		w.At(2*time.Second, func() { server.Conns()[0].Hold(false) })
		w.Run(time.Minute)
	})
	d.want(t, "2s server a", "12s server b")
}

// A node that is suspended while it is down comes up when it wakes.
func TestRestartWhileSuspended(t *testing.T) {
	var d diary
	plain(t, RunOptions{}, func(w *World) {
		w.Link = Link{}
		n := w.Server("n", d.app)
		client := w.Server("client", quiet)
		w.At(time.Second, func() {
			n.Crash(false)
			n.Suspend(10 * time.Second)
			n.Restart(time.Second)
		})
		w.At(2*time.Second, func() { client.Dial(n) })
		w.Run(20 * time.Second)
		if conns := n.Conns(); len(conns) != 1 {
			t.Errorf("%d connections, want that of the client that dialed", len(conns))
		}
	})
	d.want(t, "0s n Started", "11s n Started")
}
