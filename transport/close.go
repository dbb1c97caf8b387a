package transport

import (
	"context"
	"errors"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// Close sends a close frame, unless one was sent, and waits until the closing
// handshake is done and the carrier released: at most the close timeout
// (RFC 6455 section 7.1.2). Messages that arrive meanwhile can be received, then
// or later; what nobody receives is kept up to 64 KiB and discarded beyond.
// reason is UTF-8 of at most 123 bytes; [frame.NoStatus] with no reason sends no
// code.
//
// It returns nil when the closing handshake was completed, whoever began it,
// and otherwise how the connection ended. A code or reason that cannot be sent
// is refused, and nothing changes.
func (c *Conn) Close(code frame.CloseCode, reason string) error {
	c.mu.Lock()
	if err := c.beginClose(code, reason); err != nil {
		c.mu.Unlock()
		return err
	}
	c.mu.Unlock()
	c.drain()

	c.mu.Lock()
	defer c.mu.Unlock()
	if _, closed := errors.AsType[*CloseError](c.err); closed || c.err == ErrClosed {
		return nil
	}
	return c.err
}

// beginClose queues a close frame if none was sent and one can be.
func (c *Conn) beginClose(code frame.CloseCode, reason string) error {
	if c.released {
		return nil
	}
	p, err := c.m.AppendClose(c.clk.Now(), c.out.room(headerRoom+frame.MaxControlPayload), code, reason)
	c.out.set(p)
	switch err {
	case nil:
		c.ending = true
		c.local = c.err == nil && c.ahead.end == nil
	case core.ErrNotOpen, core.ErrCloseSent:
		c.releaseIfEmpty()
		c.ending = true
		if c.err == nil && c.m.Err() == nil && err == core.ErrNotOpen {
			c.release(Stream.Close) // in the middle of the handshake
		}
	default:
		c.releaseIfEmpty()
		return err
	}
	c.flush()
	c.settle()
	c.rearm()
	return nil
}

// drain reads until the carrier is released.
func (c *Conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.released {
		if c.atEOF {
			c.awaitGone()
			return
		}
		if c.reading.take(context.Background(), &c.mu) == nil {
			c.lingering = true
			c.linger()
			c.lingering = false
			c.passReading()
		}
	}
}

// linger reads to the end of the input, with the turn to read, until a Receive
// waits for the turn.
func (c *Conn) linger() {
	for !c.released && !c.atEOF && len(c.reading.queue) == 0 {
		if c.ahead.len() == 0 {
			c.catchUp()
		}
		if !c.in.more {
			c.awaitEnd()
			continue
		}
		limit := c.ahead.room()
		if limit == 0 {
			c.discarding = true
			limit = largeBuffer
		}
		ev := c.parse(limit)
		switch {
		case ev.Kind == core.EventMessage && !c.discarding:
			c.ahead.push(ev)
		case ev.Kind != core.EventMessage:
			c.observe(ev)
		}
	}
}

// awaitEnd waits for input as await does, also when the connection has ended
// for its users.
func (c *Conn) awaitEnd() {
	c.flush()
	c.settle()
	c.rearm()
	if c.released || len(c.reading.queue) > 0 {
		return
	}
	c.in.release()
	c.read(context.Background())
}

func (c *Conn) awaitGone() {
	c.flush()
	c.settle()
	c.rearm()
	if c.released {
		return
	}
	if c.gone == nil {
		c.gone = make(chan struct{})
	}
	gone := c.gone
	c.mu.Unlock()
	<-gone
	c.mu.Lock()
}

// CloseNow ends the connection without a closing handshake: what has not been
// written is given up. After a completed closing handshake it only releases
// the carrier. It does not block. Calls that wait return [ErrClosed], unless
// the connection had ended before.
func (c *Conn) CloseNow() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return nil
	}
	if c.ending && c.m.Transport() != core.TransportOpen && c.flushed() {
		c.release(Stream.Close)
		return nil
	}
	c.release(Stream.Abort)
	return nil
}
