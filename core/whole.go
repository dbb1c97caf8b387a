package core

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// Nearly every message is one frame, and lies in the input in whole. What is here
// does for it, in one function, what recvHeader, beginFrame and recvPayload do for
// any: in half of the time natively, and in a third in WebAssembly, where calls and
// jumps are dear.

// A Record is an [Event] in 16 bytes of memory that may be shared with another
// language: it tells an address in place of a slice.
type Record struct {
	Kind  EventKind
	Op    frame.Opcode
	Flags RecordFlags
	_     uint8
	Code  frame.CloseCode
	_     uint16
	Addr  uint32 // of the data
	Len   uint32 // of the data, in bytes
}

// RecordFlags are First and Last of an [Event].
type RecordFlags uint8

const (
	RecordFirst RecordFlags = 1
	RecordLast  RecordFlags = 2

	recordWhole = RecordFirst | RecordLast
)

// Bits and lengths of a frame's header
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
const (
	finBit      = 0x80
	wholeText   = finBit | 1
	wholeBinary = finBit | 2
	maskedBit   = 0x80
	length16    = 126
	length64    = 127
)

// RecvRecords is [Conn.Recv] for many messages in one call, as far as they are of one
// frame each and lie in the input in whole: it writes a record for each of those with
// which in begins, and returns the size of their frames and how many they are. What
// comes next, if records are left, is for Recv, and all of it while output is pending.
// addr is the address of in.
func (c *Conn) RecvRecords(now clock.Time, in []byte, addr uint32, records []Record) (n, count int) {
	c.advance(now)
	if len(in) == 0 {
		return 0, 0
	}
	c.heard()
	if !c.between() || c.has(outputPending) {
		return 0, 0
	}
	for count < len(records) {
		size, p := c.takeWhole(in[n:])
		if size == 0 {
			break
		}
		r := &records[count]
		r.Kind = EventMessage
		r.Op = wholeOpcode(in[n:])
		r.Flags = recordWhole
		r.Code = 0
		n += size
		r.Addr = addr + uint32(n-len(p))
		r.Len = uint32(len(p))
		count++
	}
	return n, count
}

// takeWhole takes the message of one frame with which in begins, and returns the size
// of the frame and its payload, 0 if in begins with something else. Only between two
// messages is it to be called.
func (c *Conn) takeWhole(in []byte) (n int, p []byte) {
	if len(in) < 2 || in[0] != wholeText && in[0] != wholeBinary {
		return 0, nil
	}
	head, length := 2, int(in[1]&^maskedBit)
	if length >= length16 {
		if length == length64 || len(in) < 4 {
			return 0, nil
		}
		head, length = 4, int(in[2])<<8|int(in[3])
		if length < length16 {
			return 0, nil
		}
	}
	masked := in[1] >= maskedBit
	if masked != (c.role == Server) || length > int(c.set.maxFrame) || length > int(c.set.maxMessage) {
		return 0, nil
	}
	var mask frame.Mask
	if masked {
		if len(in) < head+len(mask) {
			return 0, nil
		}
		mask = frame.Mask(in[head:])
		head += len(mask)
	}
	if length > len(in)-head {
		return 0, nil
	}
	p = in[head : head+length]
	if masked {
		mask.XOR(p, 0)
	}
	if in[0] == wholeText && !frame.ValidUTF8(p) {
		if masked {
			mask.XOR(p, 0) // as it came
		}
		return 0, nil
	}
	c.flags |= frameFin | chunkGiven
	return head + length, p
}

// wholeOpcode returns the opcode of the frame with which in begins.
func wholeOpcode(in []byte) frame.Opcode { return frame.Opcode(in[0] &^ finBit) }

// between reports whether the input stands between two messages.
func (c *Conn) between() bool {
	return c.phase == phaseOpen && c.msgOp == 0 && c.hdrLen == 0 && c.hs == nil && !c.has(inFrame)
}

// AppendRecords is [Conn.AppendMessage] for many messages in one call, as far as they
// are whole, lie in memory, whose address is addr, and fit into dst as it is. It
// returns how many they are. What comes next is for AppendMessage. For a client it
// appends nothing.
func (c *Conn) AppendRecords(dst, memory []byte, addr uint32, records []Record) (_ []byte, count int) {
	if !c.sendsWhole() {
		return dst, 0
	}
	before := len(dst)
	for count < len(records) {
		r := &records[count]
		from, length := uint64(r.Addr-addr), uint64(r.Len)
		if r.Flags != recordWhole || length > 1<<16-1 || from+length > uint64(len(memory)) {
			break
		}
		p := memory[from : from+length]
		if r.Op != frame.Binary && (r.Op != frame.Text || !frame.ValidUTF8(p)) {
			break
		}
		if len(dst)+4+len(p) > cap(dst) {
			break
		}
		dst = appendWhole(dst, r.Op, p)
		count++
	}
	c.unsent += int64(len(dst) - before)
	return dst, count
}

// sendsWhole reports whether messages can go out as they are: those of a server,
// with nothing in their way.
func (c *Conn) sendsWhole() bool {
	return c.role == Server && c.phase == phaseOpen && c.hs == nil && c.outOp == 0 && !c.has(closeSent)
}

// appendWhole appends a message of at most 65,535 bytes in one frame.
func appendWhole(dst []byte, op frame.Opcode, p []byte) []byte {
	if len(p) < length16 {
		dst = append(dst, finBit|byte(op), byte(len(p)))
	} else {
		dst = append(dst, finBit|byte(op), length16, byte(len(p)>>8), byte(len(p)))
	}
	return append(dst, p...)
}
