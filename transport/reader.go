package transport

import (
	"context"
	"io"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Reader reads one message as it comes, without holding it in memory. It is a
// value: copies are the same Reader. Once the message is over it never reads of
// another.
type Reader struct {
	c   *Conn
	id  uint64
	ctx context.Context
}

// Reader waits for the next message and returns its opcode, Text or Binary, and
// a Reader of it. Nobody else receives until it has been read to its end or
// closed, or the connection has ended. ctx bounds this wait and those of the
// Reader; its end harms nothing: [Reader.WithContext] goes on.
func (c *Conn) Reader(ctx context.Context) (frame.Opcode, Reader, error) {
	if err := ctx.Err(); err != nil {
		return 0, Reader{}, err
	}
	c.mu.Lock()
	defer c.unlockAndTell()
	c.received()
	if err := c.takeReceiving(ctx); err != nil {
		return 0, Reader{}, err
	}
	if err := c.awaitMessage(ctx); err != nil {
		c.receiving.pass()
		return 0, Reader{}, err
	}
	m := c.incoming
	m.id++
	m.open, m.ended = true, false
	if c.closedBy() != nil {
		c.receiving.dismiss()
	}
	return m.op, Reader{c, m.id, ctx}, nil
}

// awaitMessage waits until a message has begun.
func (c *Conn) awaitMessage(ctx context.Context) error {
	if err := c.takeReading(ctx); err != nil {
		return err
	}
	defer c.passReading()
	if c.handshaking {
		return core.ErrNotOpen
	}
	m := c.partial()
	for m.op == 0 {
		ev, err := c.next(ctx, peekSize)
		if err != nil {
			return err
		}
		if ev.Kind == core.EventMessage {
			m.op, m.last = ev.Op, ev.Last
			m.part = append(m.head[:0], ev.Data...)
		}
	}
	return nil
}

// Read reads what has come of the message into p, and waits if nothing has. The
// last bytes of the message come with [io.EOF]. When the Reader's context ends,
// its error is returned and nothing is lost. After Close, and when another
// Reader has been made since, it returns [ErrReaderClosed]; every other error
// tells how the connection ended.
func (r Reader) Read(p []byte) (int, error) {
	c := r.c
	if c == nil {
		return 0, ErrReaderClosed
	}
	c.mu.Lock()
	defer c.unlockAndTell()
	if c.incoming.open && r.id == c.incoming.id {
		c.received()
	}
	if err := r.check(); err != nil {
		return 0, err
	}
	if n, err, done := r.take(p); done {
		return n, err
	}
	if err := c.takeReading(r.ctx); err != nil {
		return 0, err
	}
	defer r.passReading()
	c.incoming.reading = true
	return r.await(p)
}

func (r Reader) passReading() {
	r.c.incoming.reading = false
	r.c.passReading()
}

// check tells why nothing can be read, whatever has come.
func (r Reader) check() error {
	m := r.c.incoming
	switch {
	case r.id != m.id, !m.open && !m.ended:
		return ErrReaderClosed
	case m.ended:
		return io.EOF
	}
	return r.ctx.Err()
}

// await reads of the message, with the turn to read.
func (r Reader) await(p []byte) (int, error) {
	c, m := r.c, r.c.incoming
	for {
		if err := r.check(); err != nil {
			return 0, err
		}
		if n, err, done := r.take(p); done {
			return n, err
		}
		ev, err := c.next(r.ctx, len(p))
		if err != nil {
			return 0, err
		}
		if ev.Kind != core.EventMessage {
			continue
		}
		m.last = ev.Last
		if len(ev.Data) > 0 {
			c.stats.PayloadReceived += int64(len(ev.Data))
			return copy(p, ev.Data), r.checkEnd()
		}
	}
}

// take reads what needs no waiting: what is kept, and an end without a byte.
func (r Reader) take(p []byte) (n int, err error, done bool) {
	m := r.c.incoming
	switch {
	case len(p) == 0:
		return 0, nil, true
	case len(m.part) > 0:
		n = copy(p, m.part)
		m.part = m.part[n:]
		r.c.stats.PayloadReceived += int64(n)
		return n, r.checkEnd(), true
	}
	err = r.checkEnd()
	return 0, err, err != nil
}

// checkEnd lets others receive once the message has been read to its end, and
// returns io.EOF then: the last bytes come with it.
func (r Reader) checkEnd() error {
	c, m := r.c, r.c.incoming
	if m.last && len(m.part) == 0 {
		c.stats.MessagesReceived++
		m.ended = true
		r.release()
		return io.EOF
	}
	return nil
}

func (r Reader) release() {
	m := r.c.incoming
	m.open = false
	m.reset()
	r.c.receiving.pass()
}

// Close lets others receive. What is left of the message is thrown away, when it
// comes. It does not wait, and closing again does nothing.
func (r Reader) Close() error {
	c := r.c
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.incoming
	if r.id != m.id || !m.open {
		return nil
	}
	m.skip = !m.last && !c.ahead.skip()
	r.release()
	if m.reading && c.parked {
		c.stream.KickRead()
	}
	return nil
}

// WithContext returns r with another context: to go on when that of r has
// ended, or to bound what follows.
func (r Reader) WithContext(ctx context.Context) Reader {
	r.ctx = ctx
	return r
}
