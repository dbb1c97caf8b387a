package websockets

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// A Prepared is a message to be sent on many connections: it is checked once,
// compressed once for all connections that agreed on a window of one size, and its
// memory is shared by all of them. Any number of goroutines may send it at once.
type Prepared struct {
	typ        MessageType
	data       []byte
	compressed [deflate.MaxWindowBits - deflate.MinWindowBits + 1]atomic.Pointer[[]byte] // by the size of the window
}

// NewPrepared prepares a message. p is copied. A p that is not of the type is an
// [ErrMisuse].
func NewPrepared(typ MessageType, p []byte) (*Prepared, error) {
	switch {
	case typ != Text && typ != Binary:
		return nil, wrap(core.ErrInvalidOpcode)
	case len(p) > core.MaxSize:
		return nil, wrap(core.ErrTooLong)
	case typ == Text && !frame.ValidUTF8(p):
		return nil, wrap(core.ErrInvalidText)
	}
	return &Prepared{typ: typ, data: bytes.Clone(p)}, nil
}

var errNotPrepared = errors.New("websocket: the message was not made by NewPrepared")

// SendPrepared sends m as [Conn.Send] sends its content, but that what is compressed
// refers to no message before it, and that what does not become shorter is sent as it
// is. Short messages that resemble each other become shorter by Send, at the price of
// compressing them for each connection.
func (c *Conn) SendPrepared(ctx context.Context, m *Prepared) error {
	if err := c.inTurn(ctx); err != nil {
		return err
	}
	if m == nil || m.typ == 0 {
		return &Error{Kind: ErrMisuse, Code: Abnormal, Err: errNotPrepared, conn: c}
	}
	return c.wrap(c.t.SendShared(ctx, transport.Shared{Op: m.typ, Payload: m.data, Compressed: m.compressedFor(c)}))
}

// compressedFor returns m compressed as c agreed, nil if it is not to be.
func (m *Prepared) compressedFor(c *Conn) []byte {
	agreed, ok := c.t.Compression()
	if !ok || !c.compression().wants(m.typ, m.data) {
		return nil
	}
	at := &m.compressed[agreed.SendBits-deflate.MinWindowBits]
	p := at.Load()
	if p == nil {
		p = m.compress(agreed.SendBits, c.compression().level())
		at.Store(p)
	}
	return *p
}

// compress returns m compressed, nil if that is no shorter.
func (m *Prepared) compress(bits, level uint8) *[]byte {
	d := compressionPool.Deflater(bits, level)
	defer compressionPool.ReturnDeflater(bits, level, d)
	p := bytes.Clone(d.Deflate(nil, m.data, true))
	d.Trim()
	if len(p) >= len(m.data) {
		p = nil
	}
	return &p
}
