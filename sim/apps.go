package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// Echo makes an [App] that sends each message back. While too much waits to be
// sent it takes no more, which holds the peer back.
//
//	server := w.Server("server", sim.Echo)
func Echo() App { return &echo{} }

type echo struct{ waiting []echoed }

type echoed struct {
	conn *Conn
	op   frame.Opcode
	data []byte
}

func (e *echo) OnTimer(*Node, string) {}

func (e *echo) OnEvent(_ *Node, ev Event) {
	e.forget()
	switch ev.Kind {
	case Message:
		if ev.Conn.Send(ev.Op, ev.Data) == ErrFull {
			e.waiting = append(e.waiting, echoed{ev.Conn, ev.Op, ev.Data})
			ev.Conn.Hold(true)
		}
	case Drained:
		for i, m := range e.waiting {
			if m.conn == ev.Conn {
				e.waiting = append(e.waiting[:i], e.waiting[i+1:]...)
				ev.Conn.Send(m.op, m.data)
				ev.Conn.Hold(false)
				return
			}
		}
	}
}

// forget drops what can no longer be sent. Its connections, which were held, then
// report how they ended.
func (e *echo) forget() {
	e.waiting = slices.DeleteFunc(e.waiting, func(m echoed) bool {
		if m.conn.Open() {
			return false
		}
		m.conn.Hold(false)
		return true
	})
}

// AppendState writes down the messages that wait; see [Stater].
func (e *echo) AppendState(dst []byte) []byte {
	for _, m := range e.waiting {
		dst = fmt.Appendf(dst, "%s %d %d ", m.conn.name, m.op, len(m.data))
		dst = append(dst, m.data...)
	}
	return dst
}

// Chat makes an [App] that sends each message to all that are connected, in the
// order in which they came, its sender included. A member that takes its
// messages too slowly is sent away with the close code 1013, Try Again Later.
//
//	room := w.Server("room", sim.Chat)
func Chat() App { return chat{} }

type chat struct{}

func (chat) OnTimer(*Node, string) {}

func (chat) OnEvent(n *Node, ev Event) {
	if ev.Kind != Message {
		return
	}
	for _, c := range n.Conns() {
		if c.Open() && c.Send(ev.Op, ev.Data) == ErrFull {
			c.Close(frame.TryAgainLater, "too slow")
		}
	}
}

func (chat) AppendState(dst []byte) []byte { return dst }

// An Action is something that an App of [Script] does.
type Action struct {
	At time.Duration // since the node came up, on its clock
	Do func(n *Node)
}

// Script returns what makes an [App] that does no more than the given actions,
// each at its time. [Node.Conns] has the connections to act on.
func Script(actions ...Action) func() App {
	return func() App { return script(actions) }
}

type script []Action

func (s script) OnEvent(n *Node, ev Event) {
	if ev.Kind == Started {
		for i, a := range s {
			if a.Do == nil {
				n.w.misuse("action %d of the script of %s, at %v, has no Do", i, n.name, a.At)
				return
			}
			n.After(a.At, strconv.Itoa(i))
		}
	}
}

func (s script) OnTimer(n *Node, name string) {
	if i, err := strconv.Atoi(name); err == nil && i < len(s) {
		s[i].Do(n)
	}
}
