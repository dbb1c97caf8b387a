package transport

import "github.com/fb1e3c20/websockets/core/frame"

// incoming is the message that comes in, for whoever has the turn to receive.
type incoming struct {
	op   frame.Opcode // 0: none has begun
	part []byte       // what has come and nobody has taken
	last bool         // nothing follows part

	id      uint64 // of the latest Reader
	open    bool   // that Reader has the message, and the turn
	ended   bool   // that Reader came to the end
	reading bool   // that Reader has the turn to read
	skip    bool   // the rest of a message is thrown away

	head [peekSize]byte // the memory of part when a Reader has begun
}

// peekSize is how much input is parsed to learn the type of the next message.
const peekSize = frame.MaxHeaderLen

// reset forgets the message: it was taken as a whole, or never can be.
func (m *incoming) reset() { m.op, m.part, m.last = 0, nil, false }

// interrupted reports whether the Reader that reads has been closed meanwhile.
func (m *incoming) interrupted() bool { return m.reading && !m.open }
