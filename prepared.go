package websockets

import (
	"bytes"
	"context"
	"errors"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Prepared is a message to be sent on many connections: it is checked once,
// and its memory is shared by all of them. Any number of goroutines may send it
// at once.
type Prepared struct {
	typ  MessageType
	data []byte
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
	return &Prepared{typ, bytes.Clone(p)}, nil
}

var errNotPrepared = errors.New("websocket: the message was not made by NewPrepared")

// SendPrepared sends m as [Conn.Send] sends its content.
func (c *Conn) SendPrepared(ctx context.Context, m *Prepared) error {
	if err := c.inTurn(ctx); err != nil {
		return err
	}
	if m == nil || m.typ == 0 {
		return &Error{Kind: ErrMisuse, Code: Abnormal, Err: errNotPrepared, conn: c}
	}
	return c.wrap(c.t.SendValid(ctx, m.typ, m.data))
}
