package sim_test

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

func ExampleParseScenario() {
	s, err := sim.ParseScenario([]byte(`
# The peer does not answer our close frame.

server close=2s
client puppet

1s server close 1000 "bye"
run 10s
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	outcomes, err := s.Run(nil, sim.RunOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcomes[0].Verdict())
	// Output: passed
}

func ExamplePuppet() {
	tape := sim.FromSeed(1)
	r := sim.Run(tape, func(w *sim.World) {
		server := w.Server("server", sim.Echo)
		hostile := w.PuppetClient("hostile", server)
		hostile.OnOpen = func(c *sim.PuppetConn) {
			h := c.Header(frame.Text, true)
			h.Masked = false // a client must mask
			c.SendFrame(h, []byte("hello"))
		}
		hostile.OnFrame = func(_ *sim.PuppetConn, f sim.PuppetFrame) { fmt.Println(f) }
		w.Run(time.Minute)
	}, sim.RunOptions{})
	fmt.Println(r.Failure == nil)
	// Output:
	// close 1002 "client frame is not masked"
	// true
}

func ExampleScript() {
	r := sim.Run(sim.FromSeed(1), func(w *sim.World) {
		room := w.Server("room", sim.Chat)
		w.Client("ann", room, sim.Script(
			sim.Action{At: time.Second, Do: func(n *sim.Node) { n.Conns()[0].SendText("hi") }},
			sim.Action{At: time.Minute, Do: func(n *sim.Node) { n.Conns()[0].Close(frame.NormalClosure, "") }},
		))
	}, sim.RunOptions{})
	fmt.Println(r.Failure == nil)
	// Output: true
}
