package core

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// Pending returns about how many bytes of output the connection itself has to
// send: its handshake, a pong, a ping, a close frame. It is 0 when
// [Conn.AppendOutput] would append nothing.
func (c *Conn) Pending() int {
	n := 0
	if c.hs != nil {
		n = len(c.hs.out)
	}
	if !c.has(outputPending) {
		return n
	}
	const most = 2 + 4 + frame.MaxControlPayload
	for _, f := range [...]flags{pongPending, pingPending, closePending} {
		if c.has(f) {
			n += most
		}
	}
	return n
}

// AppendOutput appends the pending output to dst: the handshake, a pong, a
// timer's ping, a close frame. The bytes must reach the wire in the order in
// which they and the frames of the other Append methods were handed out; the
// caller tells [Conn.Wrote] how far writing has come.
//
// Call it after every call that may leave output pending, unless writing is
// blocked: a pong that stays pending is dropped when a newer ping or a close
// begins to arrive, so that a flood of pings costs no memory.
func (c *Conn) AppendOutput(dst []byte) []byte {
	dst = c.appendBeforeClose(dst)
	if c.has(closePending) {
		c.flags &^= closePending
		reason := ""
		if c.err != 0 {
			reason = c.err.Reason()
		}
		var payload [frame.MaxControlPayload]byte
		p, _ := frame.AppendClosePayload(payload[:0], c.closeCode, reason)
		dst = c.appendFrame(dst, frame.Close, true, p)
	}
	return dst
}

func (c *Conn) appendBeforeClose(dst []byte) []byte {
	dst = c.appendHandshake(dst)
	if c.has(pongPending) {
		c.flags &^= pongPending
		dst = c.appendFrame(dst, frame.Pong, true, c.control())
	}
	if c.has(pingPending) {
		c.flags &^= pingPending
		dst = c.appendFrame(dst, frame.Ping, true, nil)
		c.markPing()
	}
	return dst
}

// AppendMessage appends p as a message of one frame. op is Text, whose p must
// be UTF-8, or Binary.
func (c *Conn) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	if len(p) < 1<<16 && c.sendsWhole() && (op == frame.Binary || op == frame.Text && frame.ValidUTF8(p)) {
		before := len(dst)
		dst = appendWhole(dst, op, p)
		c.unsent += int64(len(dst) - before)
		return dst, nil
	}
	if c.outOp != 0 || !op.IsData() {
		return dst, c.messageMisuse(op)
	}
	return c.AppendFragment(dst, op, p, true)
}

func (c *Conn) messageMisuse(op frame.Opcode) error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	if !op.IsData() {
		return ErrInvalidOpcode
	}
	return ErrMessageInProgress
}

// AppendFragment appends p as a fragment of a message
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.4). The first fragment's op
// is Text or Binary; later ones repeat it, or say Continuation. fin ends the
// message. A text may be cut anywhere, inside a character too. Control frames
// may come between.
func (c *Conn) AppendFragment(dst []byte, op frame.Opcode, p []byte, fin bool) ([]byte, error) {
	if err := c.checkSend(op, len(p)); err != nil {
		return dst, err
	}
	if c.outOp == frame.Text || op == frame.Text {
		if !c.outText(p, fin) {
			return dst, ErrInvalidText
		}
	}
	dst = c.appendHandshake(dst)
	first := c.outOp == 0
	op = c.nextOut(op, fin)
	if z := c.deflater(); z != nil {
		if first {
			z.compresses = !fin || len(p) >= c.set.compression.threshold
		}
		if z.compresses {
			return c.appendDeflated(dst, op, fin, first, p), nil
		}
	}
	return c.appendFrame(dst, op, fin, p), nil
}

// CheckMessage returns the error that [Conn.AppendMessage] would return, and changes
// nothing: for a caller that has to bring the entropy of a frame before it is sent.
func (c *Conn) CheckMessage(op frame.Opcode, p []byte) error {
	if c.outOp != 0 || !op.IsData() {
		return c.messageMisuse(op)
	}
	return c.CheckFragment(op, p, true)
}

// CheckFragment is CheckMessage for [Conn.AppendFragment].
func (c *Conn) CheckFragment(op frame.Opcode, p []byte, fin bool) error {
	if err := c.checkSend(op, len(p)); err != nil {
		return err
	}
	if c.outOp != frame.Text && op != frame.Text {
		return nil
	}
	if v := c.outUTF8; !goesOn(&v, p, fin) {
		return ErrInvalidText
	}
	return nil
}

// HeaderOptions say what [Conn.AppendHeader] begins.
type HeaderOptions struct {
	// More tells that other fragments of the message will follow.
	More bool
}

// AppendHeader appends only the header of a fragment of n bytes, for a caller
// that writes the payload from its own memory. op is Text or Binary for the
// first fragment of a message and Continuation for those that follow. The
// payload follows at once, masked with the [frame.Mask] that is returned if the
// role is Client: nothing else may be written before its last byte. That a text
// is UTF-8 is the caller's to check, and where fragments of
// [Conn.AppendFragment] follow, that it ends between two characters. The message
// is not compressed; one that has begun compressed must be ended by AppendFragment.
func (c *Conn) AppendHeader(dst []byte, op frame.Opcode, o HeaderOptions, n int) ([]byte, frame.Mask, error) {
	if err := c.checkSend(op, n); err != nil {
		return dst, frame.Mask{}, err
	}
	z := c.deflater()
	if c.outOp != 0 && (op != frame.Continuation || z != nil && z.compresses) {
		return dst, frame.Mask{}, ErrMessageInProgress
	}
	dst = c.appendHandshake(dst)
	before := len(dst)
	var h frame.Header
	c.setHeader(&h, c.nextOut(op, !o.More), !o.More, n)
	c.outUTF8.Reset()
	dst = h.Append(dst)
	c.unsent += int64(len(dst)-before) + int64(n)
	return dst, h.Mask, nil
}

// AppendPing appends a ping with a payload of at most 125 bytes
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2).
func (c *Conn) AppendPing(dst, payload []byte) ([]byte, error) {
	return c.appendControl(dst, frame.Ping, payload)
}

// AppendPong appends a pong that nobody asked for
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3).
func (c *Conn) AppendPong(dst, payload []byte) ([]byte, error) {
	return c.appendControl(dst, frame.Pong, payload)
}

func (c *Conn) appendControl(dst []byte, op frame.Opcode, payload []byte) ([]byte, error) {
	if err := c.checkOpen(); err != nil {
		return dst, err
	}
	if len(payload) > frame.MaxControlPayload {
		return dst, ErrControlTooLong
	}
	dst = c.appendFrame(c.appendHandshake(dst), op, true, payload)
	if op == frame.Ping {
		c.markPing()
	}
	return dst, nil
}

// AppendClose appends a close frame and begins the closing handshake
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2). [frame.NoStatus] with
// an empty reason sends no code. A fragmented message may be left unfinished.
// Messages of the peer still arrive until its close frame does.
func (c *Conn) AppendClose(now clock.Time, dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	c.advance(now)
	if err := c.checkOpen(); err != nil {
		return dst, err
	}
	var payload [frame.MaxControlPayload]byte
	p, err := frame.AppendClosePayload(payload[:0], code, reason)
	if err != nil {
		return dst, closeMisuse(err)
	}
	dst = c.appendBeforeClose(dst)
	dst = c.appendFrame(dst, frame.Close, true, p)
	c.closeCode = code
	c.flags |= closeSent
	c.endHold()
	c.beginClosing()
	if c.has(closeGot) {
		c.ensureDue()
	}
	return dst, nil
}

func closeMisuse(err error) Error {
	switch err {
	case frame.ErrReasonTooLong:
		return ErrControlTooLong
	case frame.ErrCloseReason:
		return ErrInvalidText
	}
	return ErrUnsendableCode
}

// checkOpen tells whether a frame may be sent. While the answer to the peer's
// close is held, the application may still send.
func (c *Conn) checkOpen() error {
	switch {
	case c.has(closeSent):
		return ErrCloseSent
	case c.phase != phaseOpen && !c.has(replyHeld):
		return ErrNotOpen
	}
	return nil
}

func (c *Conn) checkSend(op frame.Opcode, n int) error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	switch {
	case op != frame.Continuation && !op.IsData():
		return ErrInvalidOpcode
	case n < 0 || n > MaxSize:
		return ErrTooLong
	case c.outOp == 0 && op == frame.Continuation:
		return ErrNoMessage
	case c.outOp != 0 && op != frame.Continuation && op != c.outOp:
		return ErrMessageInProgress
	}
	return nil
}

// outText reports whether the text may go on with p.
func (c *Conn) outText(p []byte, fin bool) bool {
	v := c.outUTF8
	if !goesOn(&v, p, fin) {
		return false
	}
	c.outUTF8 = v
	return true
}

// goesOn reports whether a text of which v has seen the beginning may go on with p.
func goesOn(v *frame.UTF8, p []byte, fin bool) bool {
	_, ok := v.Write(p)
	return ok && (!fin || v.Complete())
}

// nextOut returns the opcode on the wire and notes where the message stands.
func (c *Conn) nextOut(op frame.Opcode, fin bool) frame.Opcode {
	wire := op
	if c.outOp != 0 {
		wire = frame.Continuation
	} else {
		c.outOp = op
	}
	if fin {
		c.outOp = 0
		c.outUTF8.Reset()
	}
	return wire
}

// Fragmenting reports whether a message goes out in fragments, of which the last is
// still to be sent.
func (c *Conn) Fragmenting() bool { return c.outOp != 0 }

func (c *Conn) setHeader(h *frame.Header, op frame.Opcode, fin bool, n int) {
	h.Fin = fin
	h.Opcode = op
	h.Length = int64(n)
	if c.role == Client {
		h.Masked = true
		h.Mask = c.newMask()
	}
}

// newMask draws a mask key that the application behind the peer cannot predict
// (https://www.rfc-editor.org/rfc/rfc6455#section-10.3).
func (c *Conn) newMask() frame.Mask {
	u := c.set.entropy()
	return frame.Mask{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24)}
}

func (c *Conn) appendFrame(dst []byte, op frame.Opcode, fin bool, payload []byte) []byte {
	before := len(dst)
	var h frame.Header
	c.setHeader(&h, op, fin, len(payload))
	if h.Masked {
		dst = frame.AppendFrame(dst, h, payload)
	} else {
		dst = append(h.Append(dst), payload...)
	}
	c.unsent += int64(len(dst) - before)
	return dst
}

// markPing notes where in the output a ping ends: the time for its pong
// begins when that is written.
func (c *Conn) markPing() {
	if c.set.pong == 0 || c.phase != phaseOpen || c.has(pingOut) {
		return
	}
	c.flags |= pingOut
	c.pingMark = c.unsent
}

// Wrote tells that the transport took n more of the bytes that were handed
// out. n is 0 when it takes none for now: the time in which it must begins. An
// n below 0, or above what was handed out, is taken as that.
func (c *Conn) Wrote(now clock.Time, n int) {
	c.advance(now)
	n = int(min(int64(max(n, 0)), c.unsent))
	c.unsent -= int64(n)
	if c.has(pingOut) {
		c.pingWrote(n)
	}
	switch {
	case c.unsent == 0:
		c.flags &^= stalled
	case n > 0 || !c.has(stalled):
		c.put(stalled, c.set.conn > 0)
		c.stall = c.now.Add(c.set.conn)
	}
}

func (c *Conn) pingWrote(n int) {
	c.pingMark -= int64(n)
	if c.pingMark > 0 {
		return
	}
	c.flags &^= pingOut
	if !c.has(pongWait) {
		c.flags |= pongWait
		c.pongBy = c.now.Add(c.set.pong)
	}
}
