package transport

import "github.com/fb1e3c20/websockets/core/frame"

// incoming is a message that comes in and that nobody takes whole in one Receive. It is
// for whoever has the turn to receive. A connection has none before the first.
type incoming struct {
	part []byte       // what has come and nobody has taken
	op   frame.Opcode // 0: none has begun
	last bool         // nothing follows part

	open    bool   // the latest Reader has the message, and the turn
	ended   bool   // that Reader came to the end
	reading bool   // that Reader has the turn to read
	skip    bool   // the rest of a message is thrown away
	id      uint64 // of that Reader

	head [peekSize]byte // the memory of part when a Reader has begun
}

// peekSize is how much input is parsed to learn the type of the next message.
const peekSize = frame.MaxHeaderLen

// partial returns c's incoming message, which it makes the first time.
func (c *Conn) partial() *incoming {
	if c.incoming == nil {
		c.incoming = new(incoming)
	}
	return c.incoming
}

// begun returns what has come of the message that nobody has taken.
func (m *incoming) begun() []byte {
	if m == nil {
		return nil
	}
	return m.part
}

// waits reports whether some of a message stands before what comes next.
func (m *incoming) waits() bool { return m != nil && (len(m.part) > 0 || m.op != 0 || m.skip) }

// reset forgets the message: it was taken as a whole, or never can be.
func (m *incoming) reset() {
	if m != nil {
		m.op, m.part, m.last = 0, nil, false
	}
}

// hasReader reports whether a Reader is open.
func (m *incoming) hasReader() bool { return m != nil && m.open }

// interrupted reports whether the Reader that reads has been closed meanwhile.
func (m *incoming) interrupted() bool { return m != nil && m.reading && !m.open }

// skips reports whether the rest of a message, of which this is a chunk, is thrown away.
func (m *incoming) skips(last bool) bool {
	if m == nil || !m.skip {
		return false
	}
	m.skip = !last
	return true
}
