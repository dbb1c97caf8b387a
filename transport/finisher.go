package transport

import (
	"errors"

	"github.com/fb1e3c20/websockets/core"
)

// A Finisher is a [Stream] that can send its last bytes together with its end, so that the
// peer hears of both at once.
type Finisher interface {
	Stream

	// TryFinish is TryWrite and, if it has written all of p, CloseWrite after it. It
	// is a writing method.
	TryFinish(p []byte) (n int, err error)
}

// finishes reports whether the output ends behind the batch.
func (c *Conn) finishes() bool {
	return c.ending && !c.ends().halfShut && !c.released && !c.lingers && c.out.len() == 0 && c.lent == 0 &&
		c.m.Transport() == core.TransportHalfClose && c.m.Pending() == 0
}

// tryFinish is tryStream for what may be the end of the output.
func (c *Conn) tryFinish(p []byte) (int, error) {
	if !c.finishes() {
		return c.tryStream(p)
	}
	f, ok := c.stream.(Finisher)
	if !ok {
		return c.tryStream(p)
	}
	n, err := c.finish(f, p)
	c.ends().halfShut = err == nil
	if n == len(p) && errors.Is(err, errors.ErrUnsupported) {
		err = nil // CloseWrite is for closeWrite to try
	}
	return n, err
}

func (c *Conn) finish(f Finisher, p []byte) (int, error) {
	c.mu.Unlock()
	defer c.mu.Lock()
	return f.TryFinish(p)
}
