package wasm

import (
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// Compression returns what both sides have agreed on, false if nothing is compressed.
func (c *Conn) Compression() (agreed deflate.Params, ok bool) {
	defer c.lock().Unlock()
	return c.compression()
}

// compression is Compression, for who has the lock.
func (c *Conn) compression() (agreed deflate.Params, ok bool) {
	if c.agreed == 0 && c.compresses() {
		c.agreed = uint32(max(c.do(fnCompression, c.handle), 0))
	}
	if c.agreed == 0 {
		return deflate.Params{}, false
	}
	return abi.ParamsOf(c.agreed)
}

// compresses reports whether what comes in may be compressed.
func (c *Conn) compresses() bool { return c.status.flags&abi.FlagCompressed != 0 }

// AppendCompressed appends a message that was compressed before. Where no context takeover
// needs p, it stays outside of the sandbox. [ErrTooLong] is as for AppendMessage, of both
// together.
func (c *Conn) AppendCompressed(dst []byte, op frame.Opcode, p, compressed []byte) ([]byte, error) {
	defer c.lock().Unlock()
	if !c.live() {
		return dst, c.gone()
	}
	switch agreed, ok := c.compression(); {
	case !ok:
		compressed = nil
	case !agreed.SendTakeover:
		p = nil
	}
	ptr, ok := c.x.putBoth(p, compressed)
	switch {
	case c.err != nil:
		return dst, c.err
	case !ok:
		return dst, ErrTooLong
	}
	n, size := uint64(len(p)), uint64(len(compressed))
	return c.appendOf(dst, fnSendCompressed, c.handle, uint64(op), ptr, n, ptr+n, size)
}
