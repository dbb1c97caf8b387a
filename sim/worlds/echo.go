package worlds

import (
	"bytes"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// echo has clients that say what they have to say, a few messages ahead of the
// answers, and begin anew when the connection fails.
func echo(w *sim.World) {
	network(w)
	e := &echoWorld{
		length: 10,
		sizes:  []int{10, 0, 125, 126, 127, 300},
		same:   always(w, "an echo is what was sent"),
		failed: sometimes(w, "a conversation begins anew"),
		long:   sometimes(w, "a message has a length of 64 bits"),
		ahead:  sometimes(w, "three messages are ahead of the answer"),
	}
	faults := sim.AllFaults
	if w.Choose("long", 8) == 7 {
		e.length = 5
		e.sizes = []int{10, 65535, 65536, 1000}
		faults &^= sim.Chunks | sim.SmallBuffers // they would make a thousand steps of each message
	}
	w.Faults(faults)
	e.server = policy(w.Server("server", sim.Echo))
	e.left = 1 + w.Choose("clients", 3)
	for i := range e.left {
		c := &echoClient{echoWorld: e}
		bare(w.Client(people[i], e.server, func() sim.App { return c.boot() }))
	}
	w.Eventually("every conversation comes to its end", func() error { return unless(e.left == 0, "%d did not", e.left) })
	w.Run(20 * time.Second)
}

type echoWorld struct {
	server              *sim.Node
	length              int   // of a conversation, in messages
	sizes               []int // of messages
	same                *rule
	failed, long, ahead *mark
	left                int // conversations that have not come to their end
}

// An echoClient keeps what it knows over a crash.
type echoClient struct {
	*echoWorld
	conn    *sim.Conn // that is open
	number  int       // of messages, over all conversations
	turns   int       // of this conversation
	waiting [][]byte  // sent and not yet answered
	done    bool
}

func (c *echoClient) boot() sim.App {
	c.conn = nil
	return c
}

func (c *echoClient) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		c.conn, c.turns, c.waiting = ev.Conn, 0, nil
		c.say(n, ev.Conn)
	case sim.Message:
		c.check(ev)
		c.next(n, ev.Conn)
	case sim.Closed:
		c.conn = nil
		if !c.done {
			c.failed.when(c.turns > 0)
			n.After(redial(n), "dial")
		}
	}
}

func (c *echoClient) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(c.server)
		return
	}
	if c.conn != nil {
		c.say(n, c.conn)
	}
}

// say sends up to four messages.
func (c *echoClient) say(n *sim.Node, conn *sim.Conn) {
	for range 1 + n.Choose(4) {
		size := pick(n, c.sizes...)
		op := pick(n, frame.Text, frame.Binary)
		p := text(n.Name(), c.number, size)
		if c.turns == c.length || conn.Send(op, p) != nil {
			return
		}
		c.long.when(size >= 65536)
		c.turns++
		c.number++
		c.waiting = append(c.waiting, p)
	}
	c.ahead.when(len(c.waiting) > 3)
}

func (c *echoClient) check(ev sim.Event) {
	if len(c.waiting) == 0 || !bytes.Equal(ev.Data, c.waiting[0]) {
		c.same.broken("%s got %.20q, with %d messages unanswered", ev.Conn.Name(), ev.Data, len(c.waiting))
		return
	}
	c.waiting = c.waiting[1:]
}

// next goes on with the conversation when all is answered.
func (c *echoClient) next(n *sim.Node, conn *sim.Conn) {
	switch {
	case len(c.waiting) > 0:
	case c.turns < c.length:
		n.After(pick(n, 0, time.Second, 100*time.Millisecond, 16*time.Second), "say")
	case !c.done:
		c.done = true
		c.left--
		conn.Close(frame.NormalClosure, "said")
	}
}
