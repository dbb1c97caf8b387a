package worlds

import (
	"fmt"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

var small = []World{
	{"crossing-closes", "both ends send a message and close at one instant; every cut and every order", crossingCloses},
	{"ping-meets-close", "one end pings while the other closes; every cut and every order", pingMeetsClose},
	{"split-fragments", "a text in three fragments with a ping between, cut at every byte", splitFragments},
	{"split-compressed", "two compressed texts, of which one refers to the other, cut at every byte", splitCompressed},
	{"single-faults", "a handshake, a message each way and a close; every single fault at every step", singleFaults},
}

// Small returns worlds that are small enough to be tried in every way, with
// [sim.Explore] or [sim.Exhaust].
func Small() []World { return slices.Clone(small) }

// A player acts on each connection a second after it opened. It is a [sim.Stater]: all that it can do depends on what it writes down.
type player struct {
	act   func(n *sim.Node, c *sim.Conn)
	dials *sim.Node
	got   []byte
}

func (p *player) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Started:
		if p.dials != nil {
			n.After(time.Millisecond, "dial")
		}
	case sim.Opened:
		n.After(time.Second, "act")
	case sim.Message:
		p.got = append(p.got, ev.Data...)
	case sim.Closed:
		p.got = append(p.got, byte(ev.Code>>8), byte(ev.Code))
	}
}

func (p *player) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(p.dials)
		return
	}
	for _, c := range n.Conns() {
		p.act(n, c)
	}
}

func (p *player) AppendState(dst []byte) []byte { return append(dst, p.got...) }

// duet builds a server and a client that act one second after the connection
// opened.
func duet(w *sim.World, server, client func(n *sim.Node, c *sim.Conn)) (s, c *sim.Node) {
	w.Link.Jitter = 0
	s = w.Server("server", func() sim.App { return &player{act: server} })
	c = w.Server("client", func() sim.App { return &player{act: client, dials: s} })
	c.Bare = true
	return s, c
}

// anyCut has what is sent arrive cut anywhere. A pipe delivers at once, whole.
func anyCut(w *sim.World, client *sim.Node) {
	if client.Link.Carrier != sim.CarrierPipe {
		w.Force(sim.Chunks)
	}
}

// agree states that both ends have heard of a close with that code.
func agree(w *sim.World, ends ...*sim.Node) {
	w.Eventually("both ends have closed", func() error {
		for _, n := range ends {
			p := n.App().(*player)
			if len(p.got) < 2 || string(p.got[len(p.got)-2:]) != "\x03\xe8" {
				return fmt.Errorf("%s has not heard of a close with 1000: %q", n.Name(), p.got)
			}
		}
		return nil
	})
}

func crossingCloses(w *sim.World) {
	carriers(w)
	bye := func(_ *sim.Node, c *sim.Conn) {
		c.SendText("a")
		c.Close(frame.NormalClosure, "")
	}
	s, c := duet(w, bye, bye)
	anyCut(w, c)
	agree(w, s, c)
	w.Run(5 * time.Second)
}

func pingMeetsClose(w *sim.World) {
	carriers(w)
	s, c := duet(w,
		func(_ *sim.Node, c *sim.Conn) { c.Close(frame.NormalClosure, "") },
		func(_ *sim.Node, c *sim.Conn) { c.Ping([]byte("p")) })
	anyCut(w, c)
	agree(w, s, c)
	w.Run(5 * time.Second)
}

func splitFragments(w *sim.World) {
	carriers(w)
	s, c := duet(w, func(*sim.Node, *sim.Conn) {}, func(_ *sim.Node, c *sim.Conn) {
		c.SendFragment(frame.Text, []byte("a\xe2"), false)
		c.SendFragment(frame.Continuation, []byte("\x82"), false)
		c.Ping([]byte("p"))
		c.SendFragment(frame.Continuation, []byte("\xac"), true)
	})
	anyCut(w, c)
	w.Eventually("the text has arrived", func() error {
		got := s.App().(*player).got
		return unless(string(got) == "a€", "got %q", got)
	})
	w.Run(2 * time.Second)
}

func splitCompressed(w *sim.World) {
	over(w, sim.TCP)
	w.Config.Compression = &core.Compression{Threshold: -1}
	s, c := duet(w, func(*sim.Node, *sim.Conn) {}, func(_ *sim.Node, c *sim.Conn) {
		c.SendText("aaaaaaaaé")
		c.SendText("aaaaaaaaé")
	})
	anyCut(w, c)
	w.Eventually("the texts have arrived", func() error {
		got := s.App().(*player).got
		return unless(string(got) == "aaaaaaaaéaaaaaaaaé", "got %q", got)
	})
	w.Run(2 * time.Second)
}

func singleFaults(w *sim.World) {
	w.Strike(sim.AllFaults, 1)
	over(w, sim.TCP, sim.QUICStream, sim.HTTP2) // those that end differently; a pipe has five times as many orders
	hello := func(_ *sim.Node, c *sim.Conn) { c.SendText("a") }
	_, c := duet(w, hello, func(n *sim.Node, c *sim.Conn) {
		hello(n, c)
		c.Close(frame.NormalClosure, "")
	})
	c.Bare = c.Link.Carrier != sim.CarrierTCP || w.Choose("bare", 2) == 1
	w.Run(5 * time.Second)
}
