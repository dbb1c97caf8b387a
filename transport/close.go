package transport

import (
	"context"
	"errors"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// Close sends a close frame, unless one was sent, and waits until the closing
// handshake is done and the carrier released: at most the close timeout
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2). Messages that arrive
// meanwhile can be received, then or later; 64 KiB of what nobody receives is
// kept, and what exceeds that is discarded when nobody has come for it for a
// second. reason is UTF-8 of at most 123 bytes; [frame.NoStatus] with no reason
// sends no code.
//
// It returns nil when the peer has closed too, with the same code, with 1000,
// 1001 or none, and on a connection that is released already; otherwise it
// returns how the connection ended. A code or reason that cannot be sent is
// refused, and nothing changes.
func (c *Conn) Close(code frame.CloseCode, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.beginClose(code, reason); err != nil {
		return err
	}
	if c.released && c.err == ErrClosed {
		return nil // by CloseNow before, or in the middle of the handshake
	}
	c.drain()
	e, ok := errors.AsType[*CloseError](c.err)
	if ok && (e.Local || e.Code == frame.GoingAway || answers(code, e.Code)) {
		return nil
	}
	return c.err
}

// Discard throws away all messages of the peer from now on, those that wait
// included, for an application that only sends: a close frame of the peer is
// then answered at once, and not only when the messages before it have been
// received. A Receive returns only how the connection ended.
func (c *Conn) Discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.discarding = true
	c.holds = false
	c.catchUp()
	c.setReadAhead(false)
	c.endHold()
	c.fate.notify()
	c.flush()
	c.settle()
	c.rearm()
}

// beginClose queues a close frame if none was sent and one can be.
func (c *Conn) beginClose(code frame.CloseCode, reason string) error {
	if c.released {
		return nil
	}
	p, err := c.m.AppendClose(c.now(), c.out.room(headerRoom+frame.MaxControlPayload), code, reason)
	c.out.set(p)
	switch err {
	case nil:
		c.ending = true
		f := c.ends()
		f.closeSent, f.closedWith = true, code
		c.endHold()
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

// closedByPeer notes the peer's close frame: the end, unless the application is
// to answer it.
func (c *Conn) closedByPeer(err error) {
	if c.holds && c.m.Open() {
		c.ends().held = err
		if c.incoming.hasReader() {
			c.receiving.dismiss()
		}
		return
	}
	c.setReadAhead(false) // the answer is given before anybody hears of it
	c.end(err)
}

// endHold ends a connection whose peer has closed: its close frame is answered,
// or never will be.
func (c *Conn) endHold() {
	if held := c.fate.heldClose(); held != nil {
		c.end(held)
	}
}

// closing is what the calls of Close that wait know of those who receive
// meanwhile.
type closing struct {
	waiting  int  // calls of Close
	reads    bool // one of them has the turn to read, or waits for it
	attended bool // somebody receives, and so reads
	overdue  int  // visits of the attendant while what was read waits for a Receive
	changed  chan struct{}
}

// notify wakes the calls of Close that wait for a change.
func (cl *closing) notify() {
	if cl.changed != nil {
		close(cl.changed)
		cl.changed = nil
	}
}

// received tells the calls of Close that somebody receives.
func (c *Conn) received() {
	cl := c.fate.waits()
	if cl == nil {
		return
	}
	cl.attended = true
	cl.overdue = 0
	cl.notify()
	if cl.reads && c.parked {
		c.stream.KickRead()
	}
}

// unattended tells the calls of Close, twice a second, that nobody receives.
func (c *Conn) unattended() {
	cl := c.fate.waits()
	if cl == nil {
		return
	}
	cl.attended = false
	if c.ahead.room() == 0 {
		cl.overdue++
		c.discarding = c.discarding || cl.overdue > 1
	}
	cl.notify()
}

// drain, with the lock, sees to it that the input is read to its end, by those
// who receive or by itself, until the carrier is released.
func (c *Conn) drain() {
	cl := &c.ends().closing
	cl.waiting++
	defer func() { cl.waiting-- }()
	for !c.released {
		if cl.reads || c.atEOF || c.err == nil && (cl.attended || c.heldBack()) {
			c.awaitChange()
			continue
		}
		cl.reads = true
		_ = c.reading.take(context.Background(), &c.mu) // no end of this context
		c.linger()
		c.passReading()
		cl.reads = false
		cl.notify()
	}
}

// heldBack reports whether what was read waits for a Receive.
func (c *Conn) heldBack() bool { return c.ahead.room() == 0 && !c.discarding }

// linger reads, with the turn to read, until a Receive waits for the turn or
// what was read must wait for one.
func (c *Conn) linger() {
	c.setReading(true)
	for !c.released && !c.atEOF && !c.reading.wanted() {
		if c.ahead.len() == 0 {
			c.catchUp()
		}
		if !c.in.more {
			c.awaitEnd()
			continue
		}
		if c.err == nil && c.heldBack() {
			c.setReading(false)
			return
		}
		limit := c.ahead.room()
		if limit == 0 {
			limit = largeBuffer
		}
		ev := c.parse(limit)
		switch {
		case ev.Kind != core.EventMessage:
			c.observe(ev)
		case c.wants(ev):
			c.ahead.push(ev)
		}
	}
}

// awaitEnd waits for input as await does, also when the connection has ended
// for its users.
func (c *Conn) awaitEnd() {
	c.flush()
	c.settle()
	c.rearm()
	if c.released || c.reading.wanted() {
		return
	}
	c.in.release()
	c.read(context.Background())
}

// awaitChange waits until those who receive, the attendant or the end of the
// connection change what a Close that waits has to do.
func (c *Conn) awaitChange() {
	c.flush()
	c.settle()
	c.rearm()
	if c.released {
		return
	}
	cl := &c.fate.closing
	if cl.changed == nil {
		cl.changed = make(chan struct{})
	}
	changed := cl.changed
	c.mu.Unlock()
	<-changed
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
	_, closed := c.err.(*CloseError)
	if (closed || c.ending && c.m.Transport() != core.TransportOpen) && c.flushed() {
		c.release(Stream.Close)
		return nil
	}
	c.release(Stream.Abort)
	return nil
}
