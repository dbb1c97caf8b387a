package core

import "github.com/fb1e3c20/websockets/core/frame"

// AppendCompressed is [Conn.AppendMessage] for a p that was compressed before, for any
// number of connections: compressed is what a Compressor of package deflate makes of p
// without a window before it, as the last part of a message, and refers no further back than
// [Conn.Compression] says of what is sent. With context takeover p enters the window
// as if it had been compressed here. On a connection that does not compress, p is
// sent as it is.
//
// The caller sees to it that compressed is p, and that p is UTF-8 where op is Text.
func (c *Conn) AppendCompressed(dst []byte, op frame.Opcode, p, compressed []byte) ([]byte, error) {
	if c.outOp != 0 || !op.IsData() {
		return dst, c.messageMisuse(op)
	}
	if err := c.checkSend(op, max(len(p), len(compressed))); err != nil {
		return dst, err
	}
	dst = c.appendHandshake(dst)
	z := c.deflater()
	if z == nil {
		return c.appendFrame(dst, op, true, p), nil
	}
	if z.params.SendTakeover {
		window(&z.send, z.params.SendBits).Push(p)
	}
	var h frame.Header
	c.setHeader(&h, op, true, 0)
	h.RSV1 = true
	before := len(dst)
	dst = frame.AppendFrame(dst, h, compressed)
	c.unsent += int64(len(dst) - before)
	return dst, nil
}
