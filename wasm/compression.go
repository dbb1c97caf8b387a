package wasm

import (
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// Compression returns what both sides have agreed on, false if nothing is compressed.
func (c *Conn) Compression() (agreed deflate.Params, ok bool) {
	defer c.lock().Unlock()
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
