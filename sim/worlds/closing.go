package worlds

import (
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// closing has two ends that exchange letters and close, or give up, whenever
// they like: each first, both at once, with letters on the way. The client
// dials again.
func closing(w *sim.World) {
	w.Faults(sim.AllFaults)
	network(w)
	w.Config.CloseTimeout = []time.Duration{0, time.Second, 20 * time.Second}[w.Choose("close timeout", 3)]
	c := &closingWorld{
		order:    always(w, "letters come in order"),
		truth:    always(w, "a close has the code and the reason of the peer"),
		late:     always(w, "nothing follows a close"),
		crossed:  sometimes(w, "both ends close at once"),
		answered: sometimes(w, "the close is the answer to one's own"),
		after:    sometimes(w, "a letter comes after one's own close"),
		silent:   sometimes(w, "a close without a code"),
		broken:   sometimes(w, "the peer gives up in place of an answer"),
		ends:     make(map[string]*closingLine),
	}
	server := policy(w.Server("server", func() sim.App { return &closingEnd{closingWorld: c} }))
	bare(w.Client("ann", server, func() sim.App { return &closingEnd{closingWorld: c, server: server} }))
	w.Eventually("a connection is closed by either end", func() error { return unless(c.closed, "none was") })
	w.Run(20 * time.Second)
	w.Heal()
	c.healed = true
}

type closingWorld struct {
	order, truth, late                       *rule
	crossed, answered, after, silent, broken *mark
	ends                                     map[string]*closingLine // by name of the connection
	healed, closed                           bool
}

// A closingLine is what is known of one end of a connection.
type closingLine struct {
	mailbox
	asked, over bool
	code        frame.CloseCode // that it was asked to close with
	reason      string
}

type closingEnd struct {
	*closingWorld
	server *sim.Node // that a client dials
}

func (e *closingEnd) OnEvent(n *sim.Node, ev sim.Event) {
	line := e.line(ev.Conn)
	if line != nil && line.over {
		e.late.broken("%v on %s", ev.Kind, ev.Conn.Name())
	}
	switch ev.Kind {
	case sim.Opened:
		e.act(n, line)
	case sim.Message:
		e.after.when(line.asked)
		line.take(ev.Data, e.order)
	case sim.Closed:
		e.ended(line, ev)
		if e.server != nil {
			n.After(redial(n), "dial")
		}
	}
}

// line returns what is known of c.
func (w *closingWorld) line(c *sim.Conn) *closingLine {
	if c == nil {
		return nil
	}
	line := w.ends[c.Name()]
	if line == nil {
		line = &closingLine{mailbox: mailbox{conn: c}}
		w.ends[c.Name()] = line
	}
	return line
}

// peer returns what is known of the other end, nil if it never heard of it.
func (w *closingWorld) peer(c *sim.Conn) *closingLine {
	near, far, _ := strings.Cut(c.Name(), ">")
	return w.ends[far+">"+near]
}

func (e *closingEnd) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(e.server)
		return
	}
	for _, c := range n.Conns() {
		e.act(n, e.line(c))
	}
}

// act sends a letter, closes, or gives up; again after a while.
func (e *closingEnd) act(n *sim.Node, line *closingLine) {
	c, action, size := line.conn, n.Choose(16), pick(n, 20, 0, 200)
	code := pick(n, frame.NormalClosure, frame.NoStatus, frame.GoingAway, 3000, 4999, frame.InternalError)
	reason := pick(n, "", "bye", strings.Repeat("€", frame.MaxReason/3))
	switch {
	case action < 9:
		if c.Send(frame.Text, letter(c, line.sent, size)) == nil {
			line.sent++
		}
	case action < 14:
		e.close(line, code, reason)
	case action == 15 && !e.healed:
		c.Abort()
	}
	n.After(pick(n, 300*time.Millisecond, 5*time.Millisecond, 0, 2*time.Second), "act")
}

func (e *closingEnd) close(line *closingLine, code frame.CloseCode, reason string) {
	if code == frame.NoStatus {
		reason = ""
	}
	if line.conn.Close(code, reason) != nil {
		return
	}
	line.asked, line.code, line.reason = true, code, reason
	e.silent.when(code == frame.NoStatus)
	peer := e.peer(line.conn)
	e.crossed.when(peer != nil && peer.asked)
}

// timedOut reports whether the core at the other end gave this end up.
func timedOut(ev sim.Event) bool {
	for _, e := range []core.Error{core.ErrConnectionTimeout, core.ErrPongTimeout, core.ErrWriteTimeout} {
		if ev.Code == e.CloseCode() && ev.Reason == e.Reason() {
			return true
		}
	}
	return false
}

// ended checks what a connection ended with: what the peer's application closed
// with, or the echo of what this end's did.
func (e *closingEnd) ended(line *closingLine, ev sim.Event) {
	line.over = true
	if ev.Err != nil {
		e.broken.when(line.asked && ev.Err != sim.ErrAborted && slices.Contains([]error{core.ErrLost, core.ErrCloseTimeout}, ev.Err))
		return
	}
	e.closed = e.closed || e.healed
	peer := e.peer(line.conn)
	switch {
	case timedOut(ev):
	case peer != nil && peer.asked:
		if ev.Code != peer.code || ev.Reason != peer.reason {
			e.truth.broken("%s was told %v %q, the peer closed with %v %q", line.conn.Name(), ev.Code, ev.Reason, peer.code, peer.reason)
		}
	case line.asked:
		e.answered.when(true)
		if ev.Code != line.code {
			e.truth.broken("%s closed with %v and was answered %v", line.conn.Name(), line.code, ev.Code)
		}
	default:
		e.truth.broken("%s was told %v %q, and nobody had closed", line.conn.Name(), ev.Code, ev.Reason)
	}
}
