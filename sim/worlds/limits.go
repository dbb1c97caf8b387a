package worlds

import (
	"bytes"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// What the server of the world limits takes.
const (
	mostMessage   = 200
	mostFrame     = 100
	mostFragments = 5
	mostPings     = 10 // a second, or at once
)

// limits has a client that sends what is exactly within the limits of the
// server, and at last, on some connections, a little more.
func limits(w *sim.World) {
	w.Faults(sim.AllFaults)
	network(w)
	l := &limitsWorld{exceeds: make(map[string]int), fair: always(w, "only what exceeds a limit is refused, with its code")}
	for i, e := range limitErrors {
		l.refused[i] = sometimes(w, "refused: "+e.Error())
	}
	l.within = sometimes(w, "all that is within the limits is taken")
	l.server = policy(w.Server("server", func() sim.App { return sim.AppFunc(l.serve) }))
	l.server.Config.MaxMessageSize = mostMessage
	l.server.Config.MaxFrameSize = mostFrame
	l.server.Config.MaxFragments = mostFragments
	l.server.Config.MaxControlRate = mostPings
	bare(w.Client("ann", l.server, func() sim.App { return limitsClient{l} }))
	w.Run(10 * time.Second)
}

// limitErrors are those of the limits, in the order in which they are numbered.
var limitErrors = [...]core.Error{core.ErrMessageTooBig, core.ErrFrameTooBig, core.ErrTooManyFragments, core.ErrControlFlood}

type limitsWorld struct {
	server  *sim.Node
	exceeds map[string]int // what the client exceeds, by the name of its end: of limitErrors, or one more for nothing
	fair    *rule
	refused [len(limitErrors)]*mark
	within  *mark
}

func (l *limitsWorld) serve(_ *sim.Node, ev sim.Event) {
	switch {
	case ev.Kind == sim.Message && len(ev.Data) > mostMessage:
		l.fair.broken("a message of %d bytes is taken", len(ev.Data))
	case ev.Kind == sim.Message:
		l.within.when(string(ev.Data) == "done")
	case ev.Kind == sim.Closed:
		l.judge(ev)
	}
}

// judge looks at how the server's end ended.
func (l *limitsWorld) judge(ev sim.Event) {
	for i, e := range limitErrors {
		if ev.Err != e {
			continue
		}
		l.refused[i].when(true)
		near, far, _ := strings.Cut(ev.Conn.Name(), ">")
		if e != core.ErrControlFlood && i != l.exceeds[far+">"+near] { // pongs to timers' pings count as well
			l.fair.broken("%s failed with %q, which the client did not exceed", ev.Conn.Name(), e)
		}
	}
}

type limitsClient struct{ *limitsWorld }

func (l limitsClient) OnTimer(n *sim.Node, _ string) { n.Dial(l.server) }

// OnEvent sends what is within the limits and then what is not.
func (l limitsClient) OnEvent(n *sim.Node, ev sim.Event) {
	c := ev.Conn
	switch ev.Kind {
	case sim.Opened:
		l.exceeds[c.Name()] = n.Choose(len(limitErrors) + 1)
		sendParts(c, mostFrame, mostMessage-mostFrame)
		sendParts(c, 1, 0, 2, 0, 3)
		for range mostPings {
			c.Ping(nil)
		}
		l.exceed(c)
		c.SendText("done")
	case sim.Closed:
		if ev.Err == nil && ev.Code != frame.NormalClosure && !l.isCode(c, ev.Code) {
			l.fair.broken("%s was closed with %v", c.Name(), ev.Code)
		}
		n.After(redial(n), "dial")
	}
}

// isCode reports whether the server may close with code for what it was sent, for
// the silence of a client that is suspended, or for pongs to timers' pings.
func (l *limitsWorld) isCode(c *sim.Conn, code frame.CloseCode) bool {
	if code == frame.GoingAway || code == core.ErrControlFlood.CloseCode() {
		return true
	}
	i := l.exceeds[c.Name()]
	return i < len(limitErrors) && code == limitErrors[i].CloseCode()
}

func (l *limitsWorld) exceed(c *sim.Conn) {
	switch l.exceeds[c.Name()] {
	case 0:
		sendParts(c, mostFrame, mostMessage-mostFrame, 1)
	case 1:
		sendParts(c, mostFrame+1)
	case 2:
		sendParts(c, 1, 0, 2, 0, 3, 0)
	case 3:
		c.Ping(nil)
	}
}

// sendParts sends a message in fragments of these sizes.
func sendParts(c *sim.Conn, sizes ...int) {
	op := frame.Binary
	for i, size := range sizes {
		c.SendFragment(op, bytes.Repeat([]byte{byte(i)}, size), i == len(sizes)-1)
		op = frame.Continuation
	}
}
