package websockets

import (
	"context"
	"errors"
	"iter"

	"github.com/fb1e3c20/websockets/transport"
)

// Messages returns an iterator over the messages that come, until the connection
// is closed well: by either side, with 1000, 1001 or without a code, and not
// within a message. Any other end, and the end of ctx, is an error, after which
// it stops:
//
//	for m, err := range c.Messages(ctx) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// A loop that is left loses nothing; another one, or Receive, goes on. Several
// may run at once and get different messages.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			typ, p, err := c.Receive(ctx)
			if closedWell(err) {
				return
			}
			if !yield(Message{typ, p}, err) || err != nil {
				return
			}
		}
	}
}

// closedWell reports whether err is how a connection ends that has done its work.
func closedWell(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != ErrClosed {
		return false
	}
	if closed, ok := errors.AsType[*transport.CloseError](err); ok && closed.Incomplete {
		return false
	}
	return e.Code == NormalClosure || e.Code == GoingAway || e.Code == NoStatus
}
