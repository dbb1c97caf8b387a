package worlds

import (
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

const (
	flowMessage = 20 << 10 // bytes of the largest message
	flowTotal   = 96 << 10 // bytes that each end has to send
	flowQueue   = 64<<10 + flowMessage + 1024
)

// flow has two ends that both send as fast as they are let, and stop reading
// now and then.
func flow(w *sim.World) {
	w.Faults(sim.AllFaults &^ sim.Chunks)
	network(w)
	w.Link.Bandwidth = []int{0, 1 << 20, 100 << 10}[w.Choose("bandwidth", 3)]
	if w.Choose("narrow", 4) == 3 {
		w.Link.Buffer = 1 << 10
	}
	f := &flowWorld{
		order: always(w, "letters come in order"),
		bound: always(w, "no more than 64 KiB and a message wait to be sent"),
		full:  sometimes(w, "an application has to wait for room"),
		held:  sometimes(w, "an application stops reading while more comes"),
		both:  sometimes(w, "both ends have to wait at once"),
	}
	server := policy(w.Server("server", func() sim.App { return f.newEnd(nil) }))
	bare(w.Client("ann", server, func() sim.App { return f.newEnd(server) }))
	w.Eventually("all that was to be sent arrives at both ends", func() error {
		return unless(f.whole[0] && f.whole[1], "it does not")
	})
	w.Run(20 * time.Second)
}

type flowWorld struct {
	order, bound     *rule
	full, held, both *mark
	waits            [2]bool // for room: the server, the client
	whole            [2]bool // all was received by the server, the client
}

// A flowEnd is the App of either end.
type flowEnd struct {
	*flowWorld
	server *sim.Node // that a client dials
	side   int
	lines  map[*sim.Conn]*flowLine
}

// A flowLine is what an end knows of a connection.
type flowLine struct {
	mailbox
	written, read int // bytes
}

func (f *flowWorld) newEnd(server *sim.Node) sim.App {
	e := &flowEnd{flowWorld: f, server: server, lines: make(map[*sim.Conn]*flowLine)}
	if server != nil {
		e.side = 1
	}
	f.waits[e.side] = false
	return e
}

func (f *flowEnd) OnEvent(n *sim.Node, ev sim.Event) {
	line := f.lines[ev.Conn]
	switch ev.Kind {
	case sim.Opened:
		line = &flowLine{mailbox: mailbox{conn: ev.Conn}}
		f.lines[ev.Conn] = line
		f.send(n, line)
	case sim.Drained:
		f.waits[f.side] = false
		f.send(n, line)
	case sim.Message:
		f.receive(n, line, ev.Data)
	case sim.Closed:
		delete(f.lines, ev.Conn)
		f.waits[f.side] = false
		if f.server != nil && !(f.whole[0] && f.whole[1]) {
			n.After(redial(n), "dial")
		}
	}
}

func (f *flowEnd) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(f.server)
		return
	}
	for _, c := range n.Conns() {
		c.Hold(false)
	}
}

// send sends until there is no room, or nothing is left.
func (f *flowEnd) send(n *sim.Node, line *flowLine) {
	c := line.conn
	for line.written < flowTotal {
		size := pick(n, 4<<10, 0, flowMessage, 100, 1<<10)
		p := letter(c, line.sent, size)
		err := c.Send(pick(n, frame.Binary, frame.Text), p)
		if c.Buffered() > flowQueue {
			f.bound.broken("%s has %d bytes waiting", c.Name(), c.Buffered())
		}
		if err != nil {
			f.waits[f.side] = err == sim.ErrFull
			f.full.when(err == sim.ErrFull)
			f.both.when(f.waits[0] && f.waits[1])
			return
		}
		line.sent++
		line.written += len(p)
	}
}

// receive takes a letter and may want no more for some seconds: not so long that
// the peer would have to take it for dead.
func (f *flowEnd) receive(n *sim.Node, line *flowLine, p []byte) {
	line.take(p, f.order)
	line.read += len(p)
	f.whole[f.side] = f.whole[f.side] || line.read >= flowTotal
	pause := pick(n, 0, 100*time.Millisecond, 3*time.Second, 15*time.Second)
	if n.Choose(16) == 1 {
		f.held.when(line.read < flowTotal)
		line.conn.Hold(true)
		n.After(pause, "go on")
	}
}
