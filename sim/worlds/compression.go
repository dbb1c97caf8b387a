package worlds

import (
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// compression has two ends that compress, each in its own way. They send messages that
// repeat what earlier ones had, near and far, and some that cannot be compressed, whole
// and in fragments, with pings between.
func compression(w *sim.World) {
	w.Faults(sim.AllFaults)
	carriers(w)
	w.Config.Compression = &core.Compression{}
	z := &compressionWorld{
		both:    sometimes(w, "both ends keep what they sent"),
		none:    sometimes(w, "the ends do not agree on compression"),
		small:   sometimes(w, "both windows have 256 bytes"),
		between: sometimes(w, "a ping is sent between two fragments"),
		quit:    sometimes(w, "a message is given up by a close"),
		long:    sometimes(w, "a message is longer than the window"),
	}
	server := policy(w.Server("server", func() sim.App { return z.newEnd(nil) }))
	bare(w.Client("ann", server, func() sim.App { return z.newEnd(server) }))
	w.Eventually("messages arrive at both ends", func() error {
		return unless(z.heard[0] && z.heard[1], "they do not")
	})
	w.Run(15 * time.Second)
	w.Heal()
	z.healed = true
}

type compressionWorld struct {
	both, none, small, between, quit, long *mark
	healed                                 bool
	heard                                  [2]bool // by the server, by the client, after all was healed
}

// A compressionEnd is the App of either end. That what it sends arrives, the simulator
// sees to.
type compressionEnd struct {
	*compressionWorld
	server *sim.Node          // that a client dials
	begun  map[*sim.Conn]bool // a message is sent in fragments
}

func (z *compressionWorld) newEnd(server *sim.Node) sim.App {
	return &compressionEnd{z, server, make(map[*sim.Conn]bool)}
}

func (e *compressionEnd) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		e.look(ev.Conn)
		n.After(0, "send")
	case sim.Message:
		e.heard[0] = e.heard[0] || e.healed && e.server == nil
		e.heard[1] = e.heard[1] || e.healed && e.server != nil
	case sim.Closed:
		delete(e.begun, ev.Conn)
		if e.server != nil {
			n.After(redial(n), "dial")
		}
	}
}

// look notes what was agreed on.
func (e *compressionEnd) look(c *sim.Conn) {
	agreed, ok := c.Compression()
	e.none.when(!ok)
	e.both.when(agreed.SendTakeover && agreed.ReceiveTakeover)
	e.small.when(agreed.SendBits == 8 && agreed.ReceiveBits == 8)
}

func (e *compressionEnd) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(e.server)
		return
	}
	for _, c := range n.Conns() {
		e.act(n, c)
	}
	n.After(pick(n, 300*time.Millisecond, 0, 10*time.Millisecond, 2*time.Second), "send")
}

// act sends a message or a part of one, and perhaps a ping, or gives up.
func (e *compressionEnd) act(n *sim.Node, c *sim.Conn) {
	action := n.Choose(24)
	if action == 23 && !e.healed {
		e.quit.when(e.begun[c] && c.Open())
		c.Close(4000, "enough")
		return
	}
	if action > 18 {
		e.between.when(e.begun[c])
		c.Ping([]byte("a ping is never compressed"))
	}
	op, p := compose(n)
	agreed, ok := c.Compression()
	e.long.when(ok && len(p) > 1<<agreed.SendBits)
	if !e.begun[c] && action < 12 {
		c.Send(op, p)
		return
	}
	if e.begun[c] {
		op = frame.Continuation
	}
	if fin := n.Choose(3) != 2; c.SendFragment(op, p, fin) == nil {
		e.begun[c] = !fin
	}
}

// compose writes a message: a passage of the book, of which there are few, or noise.
func compose(n *sim.Node) (frame.Opcode, []byte) {
	size, at := pick(n, 200, 0, 1, 63, 64, 65, 100, 700, 3000), n.Choose(16)
	switch n.Choose(4) {
	case 3:
		return frame.Binary, scramble(size, at)
	case 2:
		return frame.Binary, book()[at*97:][:size]
	}
	return frame.Text, book()[at*at*17:][:size]
}

// scramble returns bytes without a pattern.
func scramble(size, seed int) []byte {
	p := make([]byte, size)
	x := uint32(seed)*2654435761 + 1
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// book is a text of words that come back at all distances.
var book = sync.OnceValue(func() []byte {
	words := [...]string{"window", "deflate", "message", "frame", "takeover", "context", "the", "of", "a", "tail", "offer", "limit", "peer"}
	var p []byte
	for _, b := range scramble(2000, 1) {
		p = append(append(p, words[int(b)%len(words)]...), ' ')
	}
	return p
})
