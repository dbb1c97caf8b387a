package wasm

import (
	"math"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// AppendOutput appends the pending output.
func (c *Conn) AppendOutput(dst []byte) []byte {
	defer c.lock().Unlock()
	if !c.live() || c.status.pending == 0 {
		return dst
	}
	dst, _ = c.appendOf(dst, fnOutput, c.handle)
	return dst
}

// appendOf makes a call that puts output out, and appends that.
func (c *Conn) appendOf(dst []byte, fn int, args ...uint64) ([]byte, error) {
	r := c.do(fn, args...)
	switch {
	case c.err != nil:
		return dst, c.err
	case r == -int32(abi.CodeLimit):
		return dst, ErrTooLong
	case r < 0:
		return dst, refusal(abi.Code(-r))
	}
	return append(dst, c.x.output()...), nil
}

// AppendMessage appends p as a message of one frame. A p that is longer than an eighth
// of [Options.HandshakeMemory] may be refused with [ErrTooLong].
func (c *Conn) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	return c.appendFrame(dst, op, abi.First|abi.Last, p)
}

// AppendFragment appends p as a fragment of a message; [ErrTooLong] is as for
// AppendMessage.
func (c *Conn) AppendFragment(dst []byte, op frame.Opcode, p []byte, fin bool) ([]byte, error) {
	return c.appendFrame(dst, op, lastIf(fin), p)
}

func lastIf(on bool) uint64 {
	if on {
		return abi.Last
	}
	return 0
}

func (c *Conn) appendFrame(dst []byte, op frame.Opcode, flags uint64, p []byte) ([]byte, error) {
	defer c.lock().Unlock()
	ptr, err := c.place(p)
	if err != nil {
		return dst, err
	}
	return c.appendOf(dst, fnSend, c.handle, uint64(op), flags, ptr, uint64(len(p)))
}

// place puts a payload into the buffer.
func (c *Conn) place(p []byte) (ptr uint64, err error) {
	if !c.live() {
		return 0, c.gone()
	}
	ptr, ok := c.x.put(p)
	switch {
	case c.err != nil:
		return 0, c.err
	case !ok:
		return 0, ErrTooLong
	}
	return ptr, nil
}

// gone tells why a connection that is not live cannot send.
func (c *Conn) gone() error {
	if c.err != nil {
		return c.err
	}
	return core.ErrNotOpen
}

// AppendHeader appends only the header of a fragment of n bytes. The payload does
// not pass through the sandbox.
func (c *Conn) AppendHeader(dst []byte, op frame.Opcode, o core.HeaderOptions, n int) ([]byte, frame.Mask, error) {
	defer c.lock().Unlock()
	if !c.live() {
		return dst, frame.Mask{}, c.gone()
	}
	length := uint64(clamp(n))
	if n < 0 {
		length = math.MaxUint32 // is refused as well
	}
	dst, err := c.appendOf(dst, fnHeader, c.handle, uint64(op), lastIf(!o.More), length)
	var mask frame.Mask
	if err == nil && c.role == core.Client {
		copy(mask[:], c.x.at(abi.StatusMask, len(mask)))
	}
	return dst, mask, err
}

// mostControl is more than a control frame may carry.
const mostControl = 4 << 10

// AppendPing appends a ping.
func (c *Conn) AppendPing(dst, payload []byte) ([]byte, error) {
	return c.control(dst, fnPing, payload)
}

// AppendPong appends a pong that nobody asked for.
func (c *Conn) AppendPong(dst, payload []byte) ([]byte, error) {
	return c.control(dst, fnPong, payload)
}

func (c *Conn) control(dst []byte, fn int, payload []byte) ([]byte, error) {
	defer c.lock().Unlock()
	payload = payload[:min(len(payload), mostControl)]
	ptr, err := c.place(payload)
	if err != nil {
		return dst, err
	}
	return c.appendOf(dst, fn, c.handle, ptr, uint64(len(payload)))
}

// AppendClose appends a close frame.
func (c *Conn) AppendClose(now clock.Time, dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	defer c.lock().Unlock()
	reason = reason[:min(len(reason), mostControl)]
	ptr, err := c.place([]byte(reason))
	if err != nil {
		return dst, err
	}
	return c.appendOf(dst, fnClose, c.handle, uint64(now), uint64(code), ptr, uint64(len(reason)))
}
