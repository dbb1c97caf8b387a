package core

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// Nearly every message is one frame, and lies in the input in whole. What is here
// does for it, in one function, what recvHeader, beginFrame and recvPayload do for
// any: in half of the time natively, and in a third in WebAssembly, where calls and
// jumps are dear.

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

// recvWhole takes the time that Recv was told, and the message of one frame with
// which in begins. It returns the size of the frame and its payload, or 0 if in begins
// with something else: then it took the time alone.
func (c *Conn) recvWhole(now clock.Time, in []byte) (n int, p []byte) {
	c.advance(now)
	if len(in) > 0 {
		c.heard()
	}
	if len(in) < 2 || in[0] != wholeText && in[0] != wholeBinary || !c.between() {
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
func wholeOpcode(in []byte) frame.Opcode { return frame.Opcode(in[0] & 0xF) }

// between reports whether the input stands between two messages.
func (c *Conn) between() bool {
	return c.phase == phaseOpen && c.msgOp == 0 && c.hdrLen == 0 && c.hs == nil && !c.has(inFrame)
}

// appendWhole appends a server's message of one frame with a short payload, if
// nothing is in the way; ok tells whether it did. That a text is UTF-8 was checked.
func (c *Conn) appendWhole(dst []byte, op frame.Opcode, p []byte) (_ []byte, ok bool) {
	if c.role != Server || c.phase != phaseOpen || c.hs != nil || c.outOp != 0 || c.has(closeSent) || len(p) > 1<<16-1 {
		return dst, false
	}
	before := len(dst)
	if len(p) < length16 {
		dst = append(dst, finBit|byte(op), byte(len(p)))
	} else {
		dst = append(dst, finBit|byte(op), length16, byte(len(p)>>8), byte(len(p)))
	}
	dst = append(dst, p...)
	c.unsent += int64(len(dst) - before)
	return dst, true
}
