package worlds

import (
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

const off = -1

// A pace is a setting of the timers under which a healthy connection lives for
// ever, whatever the pace of the other end.
type pace struct{ ping, pong, conn, close time.Duration }

var paces = [...]pace{
	{}, // the defaults
	{ping: 5 * time.Second, conn: 15 * time.Second, close: 2 * time.Second},
	{ping: 7 * time.Second, pong: 6 * time.Second, conn: 40 * time.Second},
	{ping: 20 * time.Second, pong: 8 * time.Second, conn: off},
	{ping: time.Minute, pong: off, conn: 90 * time.Second, close: 30 * time.Second},
	{ping: off, conn: off, close: off}, // notices nothing
}

// timeouts has ends that are silent for the most part, with every setting of
// the timers. A live connection stays alive; a dead one is noticed.
func timeouts(w *sim.World) {
	network(w)
	t := &timeoutsWorld{
		order:   always(w, "letters come in order"),
		ponged:  sometimes(w, "a pong comes"),
		hushed:  sometimes(w, "the peer is silent for too long"),
		unheard: sometimes(w, "a ping stays without answer for too long"),
		closing: sometimes(w, "the closing handshake takes too long"),
		lived:   sometimes(w, "a connection lives for two minutes"),
		lines:   make(map[*sim.Conn]*timeoutsLine),
	}
	server := policy(w.Server("server", func() sim.App { return &timeoutsEnd{timeoutsWorld: t} }))
	t.set(server)
	for i := range 1 + w.Choose("clients", 2) {
		n := w.Client(people[i], server, func() sim.App { return &timeoutsEnd{t, server} })
		bare(n)
		t.set(n)
	}
	faults := sim.AllFaults
	if t.blind {
		faults &^= sim.HalfOpen | sim.Vanishes
	}
	if t.unwritten {
		faults &^= sim.SmallBuffers
	}
	w.Faults(faults)
	w.Eventually("a dead connection is noticed", t.noticed)
	if !t.blind && w.Choose("dead line", 2) == 1 {
		w.At(time.Duration(1+w.Choose("dead at", 60))*time.Second, func() { t.lose(server) })
	}
	w.Run(150 * time.Second)
}

type timeoutsWorld struct {
	order                                   *rule
	ponged, hushed, unheard, closing, lived *mark
	lines                                   map[*sim.Conn]*timeoutsLine
	lost                                    []*sim.Conn
	blind                                   bool // somebody notices nothing
	unwritten                               bool // somebody waits for ever to write a ping
}

// A timeoutsLine is what is known of one end of a connection.
type timeoutsLine struct {
	mailbox
	since time.Duration
}

// set chooses the timers of a node.
func (t *timeoutsWorld) set(n *sim.Node) {
	p := paces[n.World().Choose(n.Name()+" pace", len(paces))]
	t.blind = t.blind || p.ping == off
	t.unwritten = t.unwritten || p.conn == off // the time for a pong begins when the ping is written
	n.Config.PingInterval, n.Config.PongTimeout = p.ping, p.pong
	n.Config.ConnectionTimeout, n.Config.CloseTimeout = p.conn, p.close
}

// lose makes the links that there are lose everything, without a word.
func (t *timeoutsWorld) lose(server *sim.Node) {
	for _, c := range server.Conns() {
		if c.Open() {
			c.Lose(true)
			t.lost = append(t.lost, c)
		}
	}
}

// noticed returns which end has not noticed that its link is dead.
func (t *timeoutsWorld) noticed() error {
	for _, c := range t.lost {
		if t.lines[c] != nil && c.Node().Up() && slices.Contains(c.Node().Conns(), c) {
			return unless(false, "%s has not", c.Name())
		}
	}
	return nil
}

// A timeoutsEnd is the App of either end.
type timeoutsEnd struct {
	*timeoutsWorld
	server *sim.Node // that a client dials
}

func (e *timeoutsEnd) OnEvent(n *sim.Node, ev sim.Event) {
	line := e.lines[ev.Conn]
	switch ev.Kind {
	case sim.Opened:
		e.lines[ev.Conn] = &timeoutsLine{mailbox{conn: ev.Conn}, n.World().Now()}
		n.After(pick(n, 20*time.Second, 3*time.Second), "act")
	case sim.Message:
		line.take(ev.Data, e.order)
	case sim.Ponged:
		e.ponged.when(true)
		e.lived.when(n.World().Now()-line.since > 2*time.Minute)
	case sim.Closed:
		delete(e.lines, ev.Conn)
		e.hushed.when(ev.Err == core.ErrConnectionTimeout)
		e.unheard.when(ev.Err == core.ErrPongTimeout)
		e.closing.when(ev.Err == core.ErrCloseTimeout)
		if e.server != nil {
			n.After(redial(n), "dial")
		}
	}
}

func (e *timeoutsEnd) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(e.server)
		return
	}
	for _, c := range n.Conns() {
		if line := e.lines[c]; line != nil {
			e.act(n, line)
		}
	}
	n.After(pick(n, 20*time.Second, 50*time.Second, time.Second), "act")
}

// act sends a letter, pings, closes, or most often does nothing.
func (e *timeoutsEnd) act(n *sim.Node, line *timeoutsLine) {
	switch n.Choose(16) {
	case 1, 2, 3:
		if line.conn.Send(frame.Text, letter(line.conn, line.sent, 50)) == nil {
			line.sent++
		}
	case 4:
		line.conn.Ping([]byte("there?"))
	case 5:
		line.conn.Close(frame.NormalClosure, "")
	}
}
