package worlds

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// chatPatience is how many bytes may wait for a member.
const chatPatience = 500

// chat has a room that numbers what its members say and tells everybody, the
// speaker too. Who takes too long is sent away; members come back.
func chat(w *sim.World) {
	w.Faults(sim.AllFaults)
	network(w)
	room := &chatRoom{
		order: always(w, "what a member hears is what the room said, without a gap"),
		slow:  sometimes(w, "a member that is too slow is sent away"),
		left:  sometimes(w, "a member leaves and comes back"),
		full:  sometimes(w, "four members hear the same"),
	}
	server := policy(w.Server("room", func() sim.App {
		room.members = nil
		return room
	}))
	members := make([]*chatMember, 2+w.Choose("members", 3))
	for i := range members {
		m := &chatMember{room: room, server: server}
		members[i] = m
		policy(w.Client(people[i], server, func() sim.App { return m.wake() }))
	}
	w.Eventually("everybody hears the room", func() error {
		for i, m := range members {
			if !m.heardSettled {
				return unless(false, "%s hears nothing", people[i])
			}
		}
		return nil
	})
	w.Run(30 * time.Second)
	w.Heal()
	for _, m := range members {
		m.settled = true
	}
}

// A chatRoom remembers what was said over a crash.
type chatRoom struct {
	order            *rule
	slow, left, full *mark
	members          []*sim.Conn
	said             [][]byte
}

func (r *chatRoom) OnTimer(*sim.Node, string) {}

func (r *chatRoom) OnEvent(_ *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		r.members = append(r.members, ev.Conn)
	case sim.Closed:
		r.dismiss(ev.Conn)
	case sim.Message:
		r.tell(ev.Data)
	}
}

func (r *chatRoom) dismiss(c *sim.Conn) {
	r.members = slices.DeleteFunc(r.members, func(m *sim.Conn) bool { return m == c })
}

// tell gives a line its number and passes it on.
func (r *chatRoom) tell(line []byte) {
	number := uint32(len(r.said))
	r.said = append(r.said, line)
	r.full.when(len(r.members) >= 4)
	for _, m := range slices.Clone(r.members) {
		if m.Buffered() > chatPatience {
			r.slow.when(true)
			r.dismiss(m)
			m.Close(frame.TryAgainLater, "too slow")
			continue
		}
		m.Send(frame.Binary, append(binary.BigEndian.AppendUint32(nil, number), line...))
	}
}

// A chatMember keeps what it knows over a crash.
type chatMember struct {
	room         *chatRoom
	server       *sim.Node
	conn         *sim.Conn
	lines        int
	next         uint32 // number of the line to be heard next
	joined       bool   // a line was heard since the connection opened
	settled      bool   // all was healed
	heardSettled bool
}

func (m *chatMember) wake() sim.App {
	m.conn = nil
	return m
}

func (m *chatMember) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		m.conn, m.joined = ev.Conn, false
		m.speak(n)
	case sim.Message:
		m.hear(ev)
	case sim.Closed:
		m.conn = nil
		m.room.left.when(ev.Err == nil && ev.Code == 4000)
		n.After(redial(n), "dial")
	}
}

func (m *chatMember) OnTimer(n *sim.Node, name string) {
	switch {
	case name == "dial":
		n.Dial(m.server)
	case m.conn != nil:
		m.speak(n)
	}
}

// speak says something, stays silent, or leaves; and so on after a while.
func (m *chatMember) speak(n *sim.Node) {
	lines, size := pick(n, 1, 0, 2, 3), pick(n, 20, 100, 5, 300)
	if n.Choose(12) == 1 {
		m.conn.Close(4000, "bye")
	}
	for range lines {
		m.lines++
		m.conn.Send(frame.Text, text(n.Name(), m.lines, size))
	}
	n.After(pick(n, 3*time.Second, time.Second, 17*time.Second, 10*time.Second), "speak")
}

func (m *chatMember) hear(ev sim.Event) {
	order, room := m.room.order, m.room
	if len(ev.Data) < 4 {
		order.broken("%s heard %q, without a number", ev.Conn.Name(), ev.Data)
		return
	}
	number, line := binary.BigEndian.Uint32(ev.Data), ev.Data[4:]
	switch {
	case m.joined && number != m.next || number < m.next:
		order.broken("%s heard line %d, want %d", ev.Conn.Name(), number, m.next)
	case int(number) >= len(room.said) || !slices.Equal(room.said[number], line):
		order.broken("%s heard %.20q as line %d", ev.Conn.Name(), line, number)
	}
	m.next, m.joined = number+1, true
	m.heardSettled = m.heardSettled || m.settled
}
