package core

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// ScratchSize is the length that the scratch of [Conn.Recv] needs. On a connection
// that compresses it needs more: what was compressed comes in pieces of the length of
// what follows, which is best some kilobytes.
const ScratchSize = frame.MaxControlPayload

// Recv takes input, in the order in which it came from the transport, and
// reports at most one event: n bytes of in are consumed, and the caller calls
// again with the rest, in[n:], until there is no event. n may be 0 with an
// event. No event means that all of in is consumed, except while a server's
// handshake request waits for its answer: then nothing is. Not calling is how
// a caller holds the peer back.
//
// Recv unmasks payloads in place. The event's Data aliases in[:n], or scratch
// where a ping or close came in pieces; both belong to the caller and are not
// touched by later calls. A scratch shorter than [ScratchSize] cuts such Data
// short. What was compressed is in scratch[ScratchSize:], and an event that consumes
// nothing may follow; without any of that the connection fails, with [ErrInflate].
//
// How the input is cut into calls changes nothing: the events are the same
// after joining adjacent chunks of a message.
func (c *Conn) Recv(now clock.Time, in, scratch []byte) (n int, ev Event) {
	c.advance(now)
	if len(in) > 0 {
		c.heard()
	}
	if c.between() {
		if n, p := c.takeWhole(in); n > 0 {
			return n, Event{Kind: EventMessage, Op: wholeOpcode(in), First: true, Last: true, Data: p}
		}
	}
	return c.recv(in, scratch)
}

// recv is Recv for whatever there may be.
func (c *Conn) recv(in, scratch []byte) (n int, ev Event) {
	if c.phase == phaseHandshake {
		return c.recvHandshake(in)
	}
	if c.hs != nil {
		c.releaseHandshake()
	}
	for c.phase == phaseOpen {
		if !c.has(inFrame) {
			k, e := c.recvHeader(in[n:])
			n += k
			if e != 0 {
				c.fail(e)
				break
			}
			if !c.has(inFrame) {
				return n, Event{}
			}
		}
		if c.frameOp.IsControl() {
			k, ev := c.recvControl(in[n:], scratch)
			return n + k, ev
		}
		if c.isCompressed() {
			if len(scratch) <= ScratchSize {
				c.fail(ErrInflate)
				break
			}
			k, p, last := c.recvCompressed(in[n:], scratch[ScratchSize:])
			n += k
			if len(p) > 0 || last {
				return n, c.chunk(p, last)
			}
			if c.has(inFrame) {
				return n, Event{}
			}
			continue
		}
		k, p, last := c.recvPayload(in[n:])
		n += k
		if len(p) > 0 || last {
			c.setChunk(&ev, p, last)
			return n, ev
		}
		if c.has(inFrame) {
			return n, Event{}
		}
	}
	return len(in), c.takeReport()
}

// Expects returns how many bytes of payload the data frame that has begun is still to
// bring, 0 if none has or if it is compressed: what comes next is handed on as it comes,
// at the place where it lies in the input, as far as it is so many bytes.
func (c *Conn) Expects() int {
	if c.phase != phaseOpen || !c.has(inFrame) || c.frameOp.IsControl() || c.isCompressed() {
		return 0
	}
	return int(c.left)
}

// RecvEOF tells that the peer has ended its output: no input will follow.
// Without a close frame before, the connection is lost
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5, code 1006).
func (c *Conn) RecvEOF(now clock.Time) Event {
	c.advance(now)
	if c.has(sawEOF) {
		return c.takeReport()
	}
	c.flags |= sawEOF
	switch c.phase {
	case phaseHandshake:
		c.failHandshake(ErrHandshakeLost)
	case phaseOpen:
		c.fail(ErrLost)
	}
	if c.has(replyHeld) {
		c.ensureDue() // the peer may not be there any more
	}
	return c.takeReport()
}

// Lost tells that the transport broke: nothing more can be read or written.
func (c *Conn) Lost(now clock.Time) Event {
	ev := c.RecvEOF(now)
	c.abort()
	return ev
}

// recvHeader reads a frame's header, which may come in pieces, and sets
// inFrame once it is complete and acceptable.
func (c *Conn) recvHeader(in []byte) (n int, e Error) {
	if len(in) == 0 {
		return 0, 0
	}
	if c.hdrLen == 0 {
		var h frame.Header
		n, err := h.Parse(in)
		if n > 0 {
			return n, c.beginFrame(&h)
		}
		if err != nil {
			return 0, frameError(err)
		}
		c.hdrLen = uint8(copy(c.inPieces().hdr[:], in))
		return len(in), 0
	}
	for n < len(in) {
		var b [frame.MaxHeaderLen]byte
		have := copy(b[:], c.hdr[:c.hdrLen])
		b[have] = in[n]
		n++
		h, k, err := frame.ParseHeader(b[:have+1])
		if err != nil {
			return n, frameError(err)
		}
		if k > 0 {
			c.hdrLen = 0
			return n, c.beginFrame(&h)
		}
		c.hdr[have] = b[have]
		c.hdrLen++
	}
	return n, 0
}

// beginFrame checks a header against RFC 6455, the state of the message and
// the limits, in that order.
func (c *Conn) beginFrame(h *frame.Header) Error {
	if err := h.Check(c.role == Server, c.deflater() != nil); err != nil {
		return frameError(err)
	}
	var e Error
	if h.Opcode.IsControl() {
		e = c.beginControl(h.Opcode)
	} else {
		e = c.beginData(h)
	}
	if e != 0 {
		return e
	}
	c.left = uint32(h.Length)
	c.frameOp = h.Opcode
	c.mask = h.Mask
	c.maskPos = 0
	c.flags |= inFrame
	c.put(frameFin, h.Fin)
	return 0
}

func (c *Conn) beginControl(op frame.Opcode) Error {
	if !c.spendControl() {
		return ErrControlFlood
	}
	if op != frame.Pong {
		// The slot is about to be overwritten. Only when writing is blocked
		// is a pong still in it: then the newest ping alone is answered, and
		// none after a close (RFC 6455 sections 5.5.2 and 5.5.3).
		c.flags &^= pongPending
		c.clearControl()
	}
	return 0
}

func (c *Conn) beginData(h *frame.Header) Error {
	if h.Opcode == frame.Continuation {
		if c.msgOp == 0 {
			return ErrUnexpectedContinuation
		}
	} else {
		if c.msgOp != 0 {
			return ErrExpectedContinuation
		}
		c.msgOp = h.Opcode
		c.msgLen = 0
		c.fragments = 0
		c.utf8.Reset()
		c.flags &^= chunkGiven
		if h.RSV1 {
			c.beginCompressed()
		}
	}
	maxFrame, maxMessage := int64(c.set.maxFrame), int64(c.set.maxMessage)
	if c.isCompressed() {
		maxFrame, maxMessage = wireLimit(c.set.maxFrame), wireLimit(c.set.maxMessage)
	}
	if h.Length > maxFrame {
		return ErrFrameTooBig
	}
	if int64(c.msgLen)+h.Length > maxMessage {
		return ErrMessageTooBig
	}
	c.fragments++
	if c.set.maxFragments > 0 && c.fragments > c.set.maxFragments {
		return ErrTooManyFragments
	}
	c.msgLen += uint32(h.Length)
	return 0
}

// takePayload unmasks what in holds of the frame's payload.
func (c *Conn) takePayload(in []byte) []byte {
	p := in[:min(len(in), int(c.left))]
	if c.role == Server {
		c.mask.XOR(p, int(c.maskPos))
		c.maskPos = (c.maskPos + uint8(len(p))) & 3
	}
	c.left -= uint32(len(p))
	return p
}

// recvPayload reads the payload of a data frame. It returns the part that may
// be handed on, and whether that ends the message.
func (c *Conn) recvPayload(in []byte) (n int, p []byte, last bool) {
	p = c.takePayload(in)
	n = len(p)
	var e Error
	if c.msgOp == frame.Text {
		p, e = c.checkText(p)
	}
	if c.left == 0 {
		c.flags &^= inFrame
		last = e == 0 && c.has(frameFin)
	}
	if last && c.msgOp == frame.Text && !c.utf8.Complete() {
		last, e = false, ErrInvalidUTF8
	}
	if e != 0 {
		c.fail(e)
	}
	return n, p, last
}

// setChunk makes ev report a part of the message. Setting it in place spares
// copies that cost more than the rest of a short message.
func (c *Conn) setChunk(ev *Event, p []byte, last bool) {
	ev.Kind = EventMessage
	ev.Op = c.msgOp
	ev.First = !c.has(chunkGiven)
	ev.Last = last
	ev.Data = p
	c.flags |= chunkGiven
	if last {
		c.msgOp = 0
	}
}

// checkText returns the part of p before the first byte that cannot be UTF-8.
func (c *Conn) checkText(p []byte) ([]byte, Error) {
	n, ok := c.utf8.Write(p)
	if !ok {
		return p[:n], ErrInvalidUTF8
	}
	return p, 0
}

// recvControl reads the payload of a control frame. A pong is reported as it
// comes; pings and closes are reported whole.
func (c *Conn) recvControl(in, scratch []byte) (int, Event) {
	p := c.takePayload(in)
	if c.frameOp == frame.Pong {
		return len(p), c.recvPong(p)
	}
	whole := p
	if c.left > 0 || len(c.control()) > 0 {
		c.addControl(p)
		if c.left > 0 {
			return len(p), Event{}
		}
		whole = c.control()
	}
	c.flags &^= inFrame
	var ev Event
	if c.frameOp == frame.Close {
		ev = c.recvClose(whole)
	} else {
		ev = c.recvPing(whole)
	}
	if len(p) < len(whole) {
		ev.Data = scratch[:copy(scratch, ev.Data)]
	}
	return len(p), ev
}

func (c *Conn) recvPing(payload []byte) Event {
	if c.answersPings() {
		c.clearControl()
		c.addControl(payload)
		c.flags |= pongPending
	}
	return Event{Kind: EventPing, Op: frame.Ping, First: true, Last: true, Data: payload}
}

func (c *Conn) answersPings() bool {
	if c.has(closeSent) {
		return false
	}
	if c.set.pings == PingDefault {
		return c.role == Client
	}
	return c.set.pings == PingAnswer
}

func (c *Conn) recvPong(p []byte) Event {
	last := c.left == 0
	if len(p) == 0 && !last {
		return Event{}
	}
	ev := Event{Kind: EventPong, Op: frame.Pong, First: !c.has(pongGiven), Last: last, Data: p}
	if last {
		c.flags &^= inFrame | pongGiven
	} else {
		c.flags |= pongGiven
	}
	return ev
}

// recvClose acts on the peer's close frame: the input ends here, and the
// frame is answered, unless ours was sent before
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1).
func (c *Conn) recvClose(payload []byte) Event {
	code, reason, err := frame.ParseClose(payload)
	if err != nil {
		c.fail(frameError(err))
		return c.takeReport()
	}
	c.phase = phaseEnded
	c.endCompressed()
	c.flags |= closeGot
	c.flags &^= pingOut | pongWait
	switch {
	case c.has(closeSent):
		c.ensureDue()
	case c.has(readingAhead):
		c.closeCode = code
		c.flags |= replyHeld
		c.beginClosing()
	default:
		c.answerClose(code)
	}
	return Event{Kind: EventClose, Op: frame.Close, First: true, Last: true, Code: code, Data: reason}
}

// answerClose queues the answer to the peer's close frame: the same code
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1).
func (c *Conn) answerClose(code frame.CloseCode) {
	c.queueClose(code)
	c.beginClosing()
	c.ensureDue()
}

// frameError translates an error of the frame layer.
//
//go:noinline
func frameError(err error) Error {
	e, _ := err.(frame.Error)
	switch e {
	case frame.ErrReservedBits:
		return ErrReservedBits
	case frame.ErrOpcode:
		return ErrOpcode
	case frame.ErrMaskRequired:
		return ErrMaskRequired
	case frame.ErrMaskForbidden:
		return ErrMaskForbidden
	case frame.ErrLengthNotMinimal:
		return ErrLengthNotMinimal
	case frame.ErrLengthTopBit:
		return ErrLengthTopBit
	case frame.ErrControlFragmented:
		return ErrControlFragmented
	case frame.ErrControlLength:
		return ErrControlLength
	case frame.ErrCloseLength:
		return ErrCloseLength
	case frame.ErrCloseCode:
		return ErrCloseCode
	}
	return ErrCloseReason
}
