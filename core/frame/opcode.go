package frame

// An Opcode says how the payload of a frame is to be taken
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.2). It has four bits on
// the wire.
type Opcode uint8

// The opcodes that RFC 6455 defines
// (https://www.rfc-editor.org/rfc/rfc6455#section-11.8); all others are
// reserved.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// IsControl reports whether o is a control opcode, one of the reserved control
// opcodes included (https://www.rfc-editor.org/rfc/rfc6455#section-5.5).
func (o Opcode) IsControl() bool { return o&0x8 != 0 }

// IsData reports whether o begins a message, that is, whether it is [Text] or
// [Binary].
func (o Opcode) IsData() bool { return o == Text || o == Binary }

// Valid reports whether RFC 6455 defines o.
func (o Opcode) Valid() bool { return o <= Binary || o >= Close && o <= Pong }

// String returns the name of o in lower case, "reserved opcode 0xB" for one
// that RFC 6455 does not define.
func (o Opcode) String() string {
	switch o {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	const digits = "0123456789ABCDEF"
	if o > 0xF {
		return "invalid opcode 0x" + digits[o>>4:][:1] + digits[o&0xF:][:1]
	}
	return "reserved opcode 0x" + digits[o:][:1]
}
