package sim_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// greeter sends one message and writes down the answer.
type greeter struct{ answer string }

func (g *greeter) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		ev.Conn.SendText("hello")
	case sim.Message:
		g.answer = string(ev.Data)
		ev.Conn.Close(frame.NormalClosure, "thanks")
	}
}

func (*greeter) OnTimer(*sim.Node, string) {}

// A world of two nodes, run once on a tape that disturbs nothing.
func ExampleRun() {
	build := func(w *sim.World) {
		server := w.Server("server", sim.Echo)
		g := new(greeter)
		w.Client("client", server, func() sim.App { return g })
		w.Eventually("the greeting comes back", func() error {
			if g.answer != "hello" {
				return errors.New("it did not")
			}
			return nil
		})
	}
	tape, err := sim.FromChoices(nil)
	if err != nil {
		panic(err)
	}
	r := sim.Run(tape, build, sim.RunOptions{})
	fmt.Println(r.Failure, r.Simulated)
	// Output: <nil> 2m0s
}

// What a function leaves undone is done when it returns; it may also let time
// pass itself, and look at what came of it.
func ExampleWorld() {
	sim.Run(sim.FromSeed(1), func(w *sim.World) {
		w.Link = sim.Link{Latency: 30 * time.Millisecond}
		server := w.Server("server", sim.Echo)
		client := w.Client("client", server, func() sim.App {
			return sim.AppFunc(func(n *sim.Node, ev sim.Event) {
				if ev.Kind != sim.Started {
					fmt.Println(w.Now(), ev.Kind)
				}
			})
		})
		w.At(time.Second, func() { client.Conns()[0].SendText("hello") })
		w.At(2*time.Second, func() { server.Crash(false) })
		w.Run(10 * time.Second)
	}, sim.RunOptions{})
	// Output:
	// 60ms Opened
	// 1.06s Message
	// 2.03s Closed
}

// counter counts messages, wrongly: it forgets that a connection may end.
type counter struct{ answers int }

func (c *counter) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		n.After(time.Second, "ask")
	case sim.Message:
		c.answers++
	}
}

func (c *counter) OnTimer(n *sim.Node, _ string) {
	for _, conn := range n.Conns() {
		conn.SendText("?")
	}
}

// A run that fails is repeated and shrunk to the choices that matter.
func ExampleInvestigate() {
	build := func(w *sim.World) {
		w.Faults(sim.Resets | sim.Delays)
		c := new(counter)
		w.Client("client", w.Server("server", sim.Echo), func() sim.App { return c })
		w.Eventually("there is an answer", func() error {
			if c.answers == 0 {
				return errors.New("there is none")
			}
			return nil
		})
	}
	for seed := uint64(1); ; seed++ {
		r := sim.Run(sim.FromSeed(seed), build, sim.RunOptions{})
		if r.Failure == nil {
			continue
		}
		f := sim.Investigate(build, r, sim.RunOptions{}, sim.InvestigateOptions{})
		fmt.Println(f.Failure.Property, f.Divergence == nil, len(f.Choices) < 8)
		break
	}
	// Output: there is an answer true true
}

// Every way in which one reset can hit a small world, at every step of it.
func ExampleExplore() {
	build := func(w *sim.World) {
		w.Link = sim.Pipe()
		w.Client("client", w.Server("server", sim.Echo), sim.Script(sim.Action{
			At: time.Second,
			Do: func(n *sim.Node) {
				for _, c := range n.Conns() {
					c.Close(frame.NormalClosure, "")
				}
			},
		}))
		w.Strike(sim.Resets, 1)
		w.Run(10 * time.Second)
	}
	x := sim.Explore(build, sim.RunOptions{}, sim.ExhaustOptions{})
	fmt.Println(x.Failed == nil, x.Complete, x.Runs > 10)
	// Output: true true true
}

func ExampleWorld_Strike() {
	build := func(w *sim.World) {
		w.Client("client", w.Server("server", sim.Echo), sim.Script())
		w.Strike(sim.Crashes|sim.HalfOpen, 2)
		w.Run(5 * time.Second)
	}
	// Every pair of them, at any two steps, would take long; this tries some.
	x := sim.Explore(build, sim.RunOptions{}, sim.ExhaustOptions{Runs: 500, Deviations: 2})
	fmt.Println(x.Failed == nil, x.Runs)
	// Output: true 500
}

// Faults are sets.
func ExampleFaults() {
	f := sim.Benign&^sim.SlowApps | sim.Resets
	fmt.Println(f)
	fmt.Println(f&sim.Crashes != 0)
	// Output:
	// Chunks|Delays|SlowLines|SmallBuffers|LateTicks|SpuriousTicks|ClockGlitches|Drift|Resets
	// false
}

// The presets, and one that was made worse. A Buffer of 0 is one of 64 KiB.
func ExampleLink() {
	for _, link := range []sim.Link{sim.TCP(), sim.TLS(), sim.HTTP2(), sim.HTTP3(), sim.QUICStream(), sim.Pipe()} {
		fmt.Printf("%-11v %v, %d bytes\n", link.Carrier, link.Latency, link.Buffer)
	}
	slow := sim.TCP()
	slow.Latency, slow.Bandwidth = 300*time.Millisecond, 4_000
	fmt.Println(slow.Latency, slow.Bandwidth)
	// Output:
	// TCP         5ms, 0 bytes
	// TLS         5ms, 0 bytes
	// HTTP/2      5ms, 0 bytes
	// HTTP/3      5ms, 0 bytes
	// QUIC stream 5ms, 0 bytes
	// pipe        0s, 4096 bytes
	// 300ms 4000
}

// Two ends agree on the smaller windows.
func ExampleConn_Compression() {
	sim.Run(sim.FromSeed(1), func(w *sim.World) {
		w.Config.Compression = &core.Compression{}
		room := w.Server("room", sim.Echo)
		room.Config.Compression = &core.Compression{SendWindowBits: 9}
		w.Client("ann", room, func() sim.App {
			return sim.AppFunc(func(_ *sim.Node, ev sim.Event) {
				if ev.Kind == sim.Opened {
					agreed, ok := ev.Conn.Compression()
					fmt.Println(ok, agreed.SendBits, agreed.ReceiveBits)
				}
			})
		})
	}, sim.RunOptions{})
	// Output: true 12 9
}
