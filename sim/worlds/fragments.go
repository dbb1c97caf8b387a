package worlds

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// fragments has two ends that send texts of characters of one to four bytes, in
// fragments cut anywhere, with pings and pauses between the fragments.
func fragments(w *sim.World) {
	w.Faults(sim.AllFaults)
	network(w)
	f := &fragmentsWorld{
		whole:   always(w, "a message arrives as it was sent, whatever its fragments"),
		pongs:   always(w, "pongs answer pings, in order, each at most once"),
		split:   sometimes(w, "a character is spread over two fragments"),
		empty:   sometimes(w, "a fragment is empty"),
		between: sometimes(w, "a ping is sent between two fragments"),
		quit:    sometimes(w, "a message is given up by a close"),
		ponged:  sometimes(w, "a pong comes back between two fragments"),
	}
	server := policy(w.Server("server", func() sim.App { return f.newEnd(nil) }))
	bare(w.Client("ann", server, func() sim.App { return f.newEnd(server) }))
	w.Eventually("messages arrive at both ends", func() error {
		return unless(f.heard[0] && f.heard[1], "they do not")
	})
	w.Run(15 * time.Second)
	w.Heal()
	f.healed = true
}

type fragmentsWorld struct {
	whole, pongs                        *rule
	split, empty, between, quit, ponged *mark
	healed                              bool
	heard                               [2]bool // by the server, by the client, after all was healed
}

// A fragmentsEnd is the App of either end.
type fragmentsEnd struct {
	*fragmentsWorld
	server *sim.Node // that a client dials
	lines  map[*sim.Conn]*fragmentsLine
}

func (f *fragmentsWorld) newEnd(server *sim.Node) sim.App {
	return &fragmentsEnd{f, server, make(map[*sim.Conn]*fragmentsLine)}
}

// A fragmentsLine is what an end knows of a connection.
type fragmentsLine struct {
	mailbox
	rest           []byte // of the message that is being sent
	pinged, ponged int
}

func (f *fragmentsEnd) OnEvent(n *sim.Node, ev sim.Event) {
	line := f.lines[ev.Conn]
	switch ev.Kind {
	case sim.Opened:
		f.lines[ev.Conn] = &fragmentsLine{mailbox: mailbox{conn: ev.Conn}}
		n.After(0, "send")
	case sim.Message:
		line.take(ev.Data, f.whole)
		f.hear(0, f.server == nil)
		f.hear(1, f.server != nil)
	case sim.Ponged:
		f.ponged.when(len(line.rest) > 0)
		line.pong(ev.Data, f.pongs)
	case sim.Closed:
		delete(f.lines, ev.Conn)
		if f.server != nil {
			n.After(redial(n), "dial")
		}
	}
}

func (f *fragmentsEnd) hear(end int, here bool) {
	f.heard[end] = f.heard[end] || here && f.healed
}

func (f *fragmentsEnd) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(f.server)
		return
	}
	for _, c := range n.Conns() {
		if line := f.lines[c]; line != nil {
			f.send(n, line)
		}
	}
	n.After(pick(n, 300*time.Millisecond, 0, 10*time.Millisecond, 2*time.Second), "send")
}

// send sends up to four fragments, or a ping, or gives up.
func (f *fragmentsEnd) send(n *sim.Node, line *fragmentsLine) {
	action := n.Choose(32)
	switch {
	case action == 1 && !f.healed:
		f.quit.when(len(line.rest) > 0 && line.conn.Open())
		line.conn.Close(4000, "enough")
		return
	case action < 8:
		f.between.when(len(line.rest) > 0)
		line.conn.Ping(fmt.Appendf(nil, "%s %d", line.conn.Name(), line.pinged))
		line.pinged++
	}
	for range 1 + n.Choose(4) {
		f.sendFragment(n, line)
	}
}

func (f *fragmentsEnd) sendFragment(n *sim.Node, line *fragmentsLine) {
	size, length, fin := pick(n, 100, 200, 300), pick(n, 20, 7, 1, 0, 2, 3, 125, 126), n.Choose(3) != 1
	op := frame.Continuation
	if line.rest == nil {
		op = frame.Text
		line.rest = line.next(size)
	}
	length = min(length, len(line.rest))
	fin = fin && length == len(line.rest)
	if line.conn.SendFragment(op, line.rest[:length], fin) != nil {
		return
	}
	f.empty.when(length == 0)
	f.split.when(length < len(line.rest) && !utf8.RuneStart(line.rest[length]))
	line.rest = line.rest[length:]
	if fin {
		line.rest = nil
	}
}

// pong checks a pong. Of several pings that were not answered yet, the newest
// may be answered alone (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3).
func (l *fragmentsLine) pong(payload []byte, r *rule) {
	if len(payload) == 0 {
		return // of a ping of the core's own
	}
	var from string
	var number int
	_, err := fmt.Sscanf(string(payload), "%s %d", &from, &number)
	if err != nil || from != l.conn.Name() || number < l.ponged || number >= l.pinged {
		r.broken("%s got a pong %q after %d pings, of which %d are settled", l.conn.Name(), payload, l.pinged, l.ponged)
	}
	l.ponged = number + 1
}
