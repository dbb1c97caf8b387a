package sim

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

func TestFaultsString(t *testing.T) {
	for f, want := range map[Faults]string{
		0: "none", Chunks: "Chunks", Resets | Drift: "Drift|Resets", ClockJumps: "ClockJumps",
	} {
		if f.String() != want {
			t.Errorf("%d is %q, want %q", f, f, want)
		}
	}
	if n := len(strings.Split(AllFaults.String(), "|")); n != len(faultNames) || n != bits.OnesCount32(uint32(AllFaults)) {
		t.Errorf("%d names for %d faults", len(faultNames), bits.OnesCount32(uint32(AllFaults)))
	}
}

// Of the allowed faults each is in about half of the runs, and so are pairs.
func TestSwarm(t *testing.T) {
	const runs = 600
	var counts [len(faultNames)]int
	all, none := 0, 0
	pair := 0
	for seed := range uint64(runs) {
		r := Run(FromSeed(seed), func(w *World) {
			w.Faults(AllFaults &^ Drift)
			w.Force(Drift)
			w.Run(1)
		}, RunOptions{})
		for i := range counts {
			counts[i] += int(r.Faults >> i & 1)
		}
		if r.Faults&Chunks != 0 && r.Faults&Resets == 0 {
			pair++
		}
		switch r.Faults {
		case AllFaults:
			all++
		case Drift:
			none++
		}
	}
	for i, n := range counts {
		want := runs / 2
		if Faults(1)<<i == Drift {
			want = runs
		}
		if n < want-80 || n > want+80 {
			t.Errorf("%v is in %d of %d runs", Faults(1)<<i, n, runs)
		}
	}
	if pair < 90 || pair > 210 || all+none > 3 {
		t.Errorf("Chunks without Resets in %d of %d runs, all in %d, none in %d", pair, runs, all, none)
	}
	if r := Run(FromSeed(1), func(*World) {}, RunOptions{}); r.Faults != 0 {
		t.Errorf("faults that nobody allowed: %v", r.Faults)
	}
}

// pair runs a client and a server with one fault for two minutes, from some
// seeds, and returns what see saw in any of them.
func pair(t *testing.T, f Faults, see func(w *World, c *Conn) bool) (seen int) {
	t.Helper()
	for seed := range uint64(60) {
		saw := false
		r := Run(FromSeed(seed), func(w *World) {
			w.Link.Jitter = 0
			w.Force(f)
			server := w.Server("server", Echo)
			client := w.Client("client", server, func() App { return &chatter{every: time.Second} })
			w.Always("look", func() error {
				for _, c := range client.Conns() {
					saw = see(w, c) || saw
				}
				return nil
			})
		}, RunOptions{})
		if r.Failure != nil {
			t.Errorf("%v, seed %d: %v", f, seed, r.Failure)
		}
		if saw {
			seen++
		}
	}
	return seen
}

// Each fault happens, and is what it is said to be.
func TestFaultsHappen(t *testing.T) {
	for f, see := range map[Faults]func(w *World, c *Conn) bool{
		Chunks: func(_ *World, c *Conn) bool { return c.sock.in.arrived > 0 && c.sock.in.start > 0 },
		Delays: func(_ *World, c *Conn) bool {
			g := c.sock.out.flying
			return len(g) > 0 && g[0].at-g[0].from > clock500ms
		},
		SlowLines:    func(_ *World, c *Conn) bool { r := c.sock.out.bandwidth(); return r >= 2000 && r <= 2000<<11 },
		SmallBuffers: func(_ *World, c *Conn) bool { return c.sock.out.room == 64 },
		SlowApps:     func(w *World, c *Conn) bool { return c.busy > w.now },
		LateTicks:    func(_ *World, c *Conn) bool { return c.armedFor.why != 0 && c.tickAt > c.armedFor.at+clock500ms },
		Drift:        func(_ *World, c *Conn) bool { return c.node.clock.ppm < -50_000 },
		Clogs:        func(w *World, c *Conn) bool { return c.sock.out.clogged > w.now && c.sock.in.clogged <= w.now },
		Partitions:   func(w *World, c *Conn) bool { return c.sock.out.clogged > w.now && c.sock.in.clogged > w.now },
		HalfOpen:     func(_ *World, c *Conn) bool { return c.sock.out.vanishes && !c.sock.in.vanishes },
		Crashes:      func(w *World, c *Conn) bool { return !w.nodes[0].up && w.now > 0 },
		Vanishes:     func(_ *World, c *Conn) bool { return c.sock.in.vanishes && c.Peer() != nil && !c.Peer().up },
		Suspends:     func(w *World, c *Conn) bool { return c.node.asleep > w.now },
		ClockJumps:   func(w *World, c *Conn) bool { return c.node.Now() < w.now },
		Cuts:         func(_ *World, c *Conn) bool { return c.sock.in.fin && c.sock.in.vanishes },
		Resets:       func(_ *World, c *Conn) bool { return c.sock.in.broken != nil && c.sock.out.broken != nil },
	} {
		if seen := pair(t, f, see); seen < 3 {
			t.Errorf("%v was seen in %d of 60 runs", f, seen)
		}
		if seen := pair(t, 0, see); seen != 0 {
			t.Errorf("%v was seen in %d of 60 runs without it", f, seen)
		}
	}
}

const clock500ms = 500_000_000

// What the faults that an App or a test makes by hand do to both ends, on each
// carrier.
func TestFaultsByHand(t *testing.T) {
	lost := core.ErrLost.Error()
	for _, test := range []struct {
		name string
		do   func(c *Conn)
		want string // what each end is told, and when, of a second and a message later
	}{
		{"none", func(*Conn) {}, "server 1s hello"},
		{"clog", func(c *Conn) { c.Clog(10 * time.Second) }, "server 11s hello"},
		{"clog of the other direction", func(c *Conn) { c.peer.Clog(10 * time.Second) }, "server 1s hello"},
		{"partition", func(c *Conn) { c.peer.Partition(10 * time.Second) }, "server 11s hello"},
		{"reset", func(c *Conn) { c.Reset() }, "client 1s " + lost + ", server 1s " + lost},
		{"cut", func(c *Conn) { c.Cut() }, "client 1s " + lost + ", server 1s " + lost},
		{"lose", func(c *Conn) { c.Lose(false) }, "server 58s websocket: the peer was silent for too long, client 58s websocket: the peer was silent for too long"},
	} {
		for _, link := range []Link{{}, {Carrier: CarrierTLS}, {Carrier: CarrierHTTP2}, {Carrier: CarrierHTTP3}, {Carrier: CarrierQUIC}, {Carrier: CarrierPipe}} {
			var got []string
			plain(t, RunOptions{}, func(w *World) {
				w.Link = link
				note := func(n *Node, ev Event) {
					switch {
					case ev.Kind == Message:
						got = append(got, fmt.Sprintf("%s %v %s", n.Name(), w.Now(), ev.Data))
					case ev.Kind == Closed:
						got = append(got, fmt.Sprintf("%s %v %v", n.Name(), w.Now(), ev.Err))
					}
				}
				client := w.Client("client", w.Server("server", on(note)), on(note))
				w.At(time.Second, func() {
					c := client.Conns()[0]
					test.do(c)
					c.SendText("hello")
				})
				w.Run(57 * time.Second)
			})
			if strings.HasPrefix(test.name, "lose") {
				if len(got) != 2 || !strings.Contains(got[0], "silent") {
					t.Errorf("%s, %v: %q", test.name, link.Carrier, got)
				}
				continue
			}
			if s := strings.Join(got, ", "); s != test.want {
				t.Errorf("%s, %v: %q, want %q", test.name, link.Carrier, s, test.want)
			}
		}
	}
}

// Benign faults end no connection, and everything that is sent arrives.
func TestBenignFaultsEndNoConnection(t *testing.T) {
	seeds := uint64(600)
	if testing.Short() {
		seeds = 200
	}
	tape := new(Tape)
	for seed := range seeds {
		tape.Reset(seed)
		var app *chatter
		r := Run(tape, func(w *World) {
			w.Link = presets[seed%6]
			w.Faults(Benign)
			w.Client("client", w.Server("server", Echo), func() App {
				app = &chatter{every: time.Second}
				return app
			})
			w.Run(2 * time.Minute)
			for _, n := range w.nodes {
				if len(n.Conns()) != 1 || !n.Conns()[0].Open() {
					w.Fail("%s has lost its connection", n.Name())
				}
			}
		}, RunOptions{})
		if r.Failure != nil {
			t.Fatalf("seed %d, %v: %v", seed, r.Faults, r.Failure)
		}
		if app.sent < 100 || app.got != app.sent && r.Faults&SlowApps == 0 {
			t.Errorf("seed %d, %v: %d messages were sent, %d came back", seed, r.Faults, app.sent, app.got)
		}
	}
}

func TestPieces(t *testing.T) {
	c := newCable(t, Link{})
	x := c.near.out
	for _, test := range []struct{ kind, arrived, want int }{{0, 1000, 1000}, {1, 1000, 15}, {1, 63, 1}, {2, 1000, 1000}} {
		c.w.active, x.fault.pieces, x.arrived = Chunks, uint64(test.kind), test.arrived
		if got := x.piece(); got != test.want {
			t.Errorf("kind %d: %d of %d bytes, want %d", test.kind, got, test.arrived, test.want)
		}
	}
	c.w.active = 0
	if got := x.piece(); got != x.arrived {
		t.Errorf("undisturbed: %d of %d bytes", got, x.arrived)
	}
}

// Strike tries every kind of fault on everything that it can happen to.
func TestStrikeTriesEveryFault(t *testing.T) {
	kinds := map[string]bool{}
	x := Explore(func(w *World) {
		client := w.Client("client", w.Server("server", Echo), quiet)
		w.Link.Jitter = 0
		w.Strike(Resets|Suspends|HalfOpen, 1)
		w.At(time.Second, func() {
			for _, c := range client.Conns() {
				c.Send(frame.Text, []byte("x"))
			}
		})
		w.Run(3 * time.Minute)
		for i, n := range w.nodes {
			if n.asleep > 0 {
				kinds[fmt.Sprint("suspended ", i)] = true
			}
		}
		for _, x := range w.wires {
			kinds["half open"] = kinds["half open"] || x.vanishes
			kinds["reset"] = kinds["reset"] || x.broken != nil
		}
	}, RunOptions{}, ExhaustOptions{Deviations: 1})
	if x.Failed != nil {
		t.Fatal(x.Failed.Failure)
	}
	if !x.Complete || x.Err != nil || len(kinds) < 2 || x.Runs < 30 {
		t.Errorf("%v, %v, seen %v", x, x.Err, kinds)
	}
}
