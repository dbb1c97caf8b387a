package transport

import (
	"bytes"
	"context"

	"github.com/fb1e3c20/websockets/core/frame"
)

// partSize is how much of a large message is compressed at a time: twice as much would
// take twice as long, and half as much have the history before it read twice as often.
const partSize = largeBuffer

// sendParts sends a large message in fragments, of which each is compressed with the
// lock and all are not: whoever needs the lock, to answer a ping for example, waits for
// one. That a text is UTF-8 has been checked.
func (c *Conn) sendParts(ctx context.Context, op frame.Opcode, p []byte) error {
	w, err := c.Writer(ctx, op)
	if err != nil {
		return err
	}
	n, err := w.writeParts(p)
	switch {
	case err == nil:
		return nil
	case n > 0 && isContextError(err):
		go w.WithContext(context.WithoutCancel(ctx)).complete(bytes.Clone(p[n:]))
	default:
		w.Cancel()
	}
	return err
}

// complete sends the rest of a message whose sender does not wait any longer. Every wait
// in it ends with the connection.
func (w Writer) complete(rest []byte) {
	w.c.mu.Lock()
	w.c.seldom.outgoing.failed = nil
	w.c.mu.Unlock()
	if _, err := w.writeParts(rest); err != nil {
		w.Cancel()
	}
}

// writeParts sends p, up to the end of the message, and returns how much of it has been
// sent.
func (w Writer) writeParts(p []byte) (n int, err error) {
	for {
		part := p[n:min(len(p), n+partSize)]
		last := n+len(part) == len(p)
		if err := w.writePart(part, last); err != nil {
			return n, err
		}
		if n += len(part); last {
			return n, nil
		}
	}
}

func (w Writer) writePart(p []byte, last bool) error {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if err := w.send(p, last); err != nil {
		return err
	}
	if last {
		w.finish()
	}
	return nil
}
