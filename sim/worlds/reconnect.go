package worlds

import (
	"bytes"
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// sessionOrders and sessionNews are how many a session has.
const (
	sessionOrders = 12
	sessionNews   = 12
)

// reconnect has clients whose sessions outlive their connections: on each new
// one a client says what it has heard, and both ends go on from there. What a
// client wants stored is stored once, and in order; so comes what the server has
// to tell.
func reconnect(w *sim.World) {
	w.Faults(sim.AllFaults)
	network(w)
	r := &sessionWorld{
		stored:   always(w, "an order is stored once, in order"),
		told:     always(w, "news come once, in order"),
		again:    sometimes(w, "an order comes again that was stored"),
		replaced: sometimes(w, "a session comes back before its connection was missed"),
		resumed:  sometimes(w, "a session goes on in its middle"),
		crashed:  sometimes(w, "a server comes up again amid the sessions"),
	}
	r.server = policy(w.Server("server", func() sim.App {
		r.crashed.when(len(r.sessions) > 0 && r.sessions[0].stored > 0)
		return &sessionServer{sessionWorld: r}
	}))
	for i := range 1 + w.Choose("clients", 3) {
		s := &session{name: people[i]}
		r.sessions = append(r.sessions, s)
		bare(w.Client(s.name, r.server, func() sim.App { return &sessionClient{sessionWorld: r, session: s} }))
	}
	w.Eventually("each session comes to its end", r.unfinished)
	w.Run(30 * time.Second)
}

type sessionWorld struct {
	stored, told                      *rule
	again, replaced, resumed, crashed *mark
	server                            *sim.Node
	sessions                          []*session
}

// A session is what either side has on its disk: it outlives crashes.
type session struct {
	name string

	// of the client
	acknowledged int // orders
	heard        int // news

	// of the server
	stored int // orders
}

func (w *sessionWorld) unfinished() error {
	for _, s := range w.sessions {
		if s.acknowledged < sessionOrders || s.heard < sessionNews {
			return fmt.Errorf("%s has %d orders acknowledged and %d news heard", s.name, s.acknowledged, s.heard)
		}
	}
	return nil
}

// parse reads a message: a word, a number and a name.
func parse(p []byte) (word string, number int, name string) {
	fmt.Sscanf(string(p), "%s %d %s", &word, &number, &name)
	return word, number, name
}

type sessionServer struct {
	*sessionWorld
	lines []*sessionLine
}

// A sessionLine is a connection that belongs to a session.
type sessionLine struct {
	conn    *sim.Conn
	session *session
	told    int // news
}

func (r *sessionServer) OnEvent(n *sim.Node, ev sim.Event) {
	if ev.Kind != sim.Message {
		return
	}
	word, number, name := parse(ev.Data)
	switch word {
	case "resume":
		r.resume(n, ev.Conn, name, number)
	case "order":
		r.store(ev.Conn, number)
	}
}

// resume takes a connection for that of the session from now on.
func (r *sessionServer) resume(n *sim.Node, c *sim.Conn, name string, heard int) {
	for _, line := range r.lines {
		if line.session.name == name && line.conn.Open() {
			r.replaced.when(true)
			line.conn.Close(4000, "replaced")
		}
	}
	for _, s := range r.sessions {
		if s.name == name {
			r.lines = append(r.lines, &sessionLine{c, s, heard})
			r.resumed.when(heard > 0 && heard < sessionNews)
			c.SendText(fmt.Sprintf("stored %d", s.stored))
		}
	}
	n.After(0, "tell")
}

func (r *sessionServer) store(c *sim.Conn, number int) {
	for _, line := range r.lines {
		if line.conn != c {
			continue
		}
		s := line.session
		switch {
		case number == s.stored:
			s.stored++
		case number < s.stored:
			r.again.when(true)
		default:
			r.stored.broken("%s got order %d, and %d are stored", c.Name(), number, s.stored)
		}
		c.SendText(fmt.Sprintf("stored %d", s.stored))
	}
}

// OnTimer tells every client the next of the news.
func (r *sessionServer) OnTimer(n *sim.Node, _ string) {
	for _, line := range r.lines {
		if line.told < sessionNews && line.conn.Open() && line.conn.SendText(fmt.Sprintf("news %d", line.told)) == nil {
			line.told++
		}
	}
	n.After(pick(n, time.Second, 100*time.Millisecond, 5*time.Second), "tell")
}

type sessionClient struct {
	*sessionWorld
	*session
	asked int // orders, on this connection
}

func (c *sessionClient) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		ev.Conn.SendText(fmt.Sprintf("resume %d %s", c.heard, c.name))
		c.asked = c.acknowledged
		n.After(0, "order")
	case sim.Message:
		c.learn(ev.Data)
	case sim.Closed:
		n.After(redial(n), "dial")
	}
}

func (c *sessionClient) learn(p []byte) {
	word, number, _ := parse(p)
	switch word {
	case "stored":
		c.acknowledged = max(c.acknowledged, number)
	case "news":
		if number != c.heard {
			c.told.broken("%s heard news %d, want %d", c.name, number, c.heard)
		}
		c.heard++
	}
}

func (c *sessionClient) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(c.server)
		return
	}
	for _, conn := range n.Conns() {
		order := fmt.Appendf(nil, "order %d %s", c.asked, bytes.Repeat([]byte("x"), pick(n, 10, 0, 150)))
		if c.asked < sessionOrders && conn.Send(frame.Text, order) == nil {
			c.asked++
		}
	}
	n.After(pick(n, time.Second, 100*time.Millisecond, 4*time.Second), "order")
}
