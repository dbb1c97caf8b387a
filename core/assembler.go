package core

import "github.com/fb1e3c20/websockets/core/frame"

// A Message is a whole message. Data aliases the memory of its events, when it
// came in one chunk, or the Assembler's.
type Message struct {
	Op   frame.Opcode
	Data []byte
}

// An Assembler joins the chunks of messages. The zero Assembler is ready; its
// memory is bounded by [Config.MaxMessageSize], since the connection fails
// before it reports more, and grows only with what has arrived.
type Assembler struct {
	buf []byte
}

// Add takes an event and reports whether it completes a message. Events other
// than [EventMessage] are ignored. A message that came in one chunk is not
// copied; any other is valid until the next Add.
func (a *Assembler) Add(ev Event) (m Message, done bool) {
	if ev.Kind != EventMessage {
		return Message{}, false
	}
	if ev.First && ev.Last {
		return Message{ev.Op, ev.Data}, true
	}
	if ev.First {
		a.buf = a.buf[:0]
	}
	a.buf = append(a.buf, ev.Data...)
	if !ev.Last {
		return Message{}, false
	}
	return Message{ev.Op, a.buf}, true
}

// Release lets go of the memory that the Assembler keeps for the next message.
func (a *Assembler) Release() { a.buf = nil }
