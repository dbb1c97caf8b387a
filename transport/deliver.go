package transport

import (
	"context"
	"errors"
	"sync"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Sink takes the messages of a connection as they come. Its methods are called one
// after the other, though not always by the same goroutine, and hold nothing that a
// method of the Conn needs.
type Sink interface {
	// Message takes the next message. Where p was lent it is valid until Message
	// returns, and otherwise it belongs to the Sink. While Message runs, control
	// frames are answered as in [Conn.Receive]'s absence. After false nothing
	// follows but End.
	Message(op frame.Opcode, p []byte) (more bool)

	// End is called last, once: when Message has returned false, and then err is
	// nil, or with how the connection ended. The carrier need not have been
	// released yet: [Conn.Close] waits for that.
	End(err error)
}

// Deliver gives s every message that comes, until the connection ends, in place of
// [Conn.Receive]: a Receive waits until its context ends, or the connection has. With
// lends, messages are lent to s, so that nothing need be allocated for them.
//
// Over a [Polled] stream Deliver returns when it has to wait, and goroutines of the
// poller go on; an idle connection then has no goroutine. Over every other stream it
// returns after s.End.
func (c *Conn) Deliver(s Sink, lends bool) {
	c.mu.Lock()
	if c.receiving.take(context.Background(), &c.mu) != nil {
		c.unlockAndTell()
		s.End(c.Err()) // a Reader had the turn when the connection ended
		return
	}
	d := &delivery{c: c, sink: s, lends: lends, part: c.incoming.begun()}
	c.incoming.reset()
	d.polled, _ = c.stream.(Polled)
	d.takeReading()
	d.run()
}

// A delivery is the way of messages to a Sink. Whoever runs it has the turn to receive.
type delivery struct {
	c      *Conn
	sink   Sink
	polled Polled // nil: run waits in the stream
	lends  bool
	part   []byte  // of a message that has not come to its end
	whole  *[]byte // its memory, if it is to be lent, from wholes
}

// wholes are messages that came in pieces and are lent in one.
var wholes = sync.Pool{New: func() any { return &[]byte{} }}

// Wake goes on when there is something to read.
func (d *delivery) Wake() {
	d.c.mu.Lock()
	d.c.parked = false
	d.run()
}

// errParked: the poller goes on.
var errParked = errors.New("transport: waiting for the poller")

// run delivers until it has to wait for the poller, or to the end. It is called with the
// lock and the turn to read, and lets go of both.
func (d *delivery) run() {
	for {
		op, p, err := d.next()
		if err == errParked {
			d.c.unlockAndTell()
			return
		}
		d.passReading()
		if err != nil || !d.give(op, p) {
			d.end(err)
			return
		}
		d.takeReading()
	}
}

func (d *delivery) takeReading() {
	_ = d.c.reading.take(context.Background(), &d.c.mu) // no end of this context
	if d.polled != nil {
		d.c.polling = d
	}
}

func (d *delivery) passReading() {
	d.c.polling = nil
	d.c.passReading()
}

// give gives a message away, without the lock.
func (d *delivery) give(op frame.Opcode, p []byte) (more bool) {
	c := d.c
	c.received()
	c.unlockAndTell()
	more = d.sink.Message(op, p)
	c.mu.Lock()
	c.in.unpin()
	if d.whole != nil {
		*d.whole = p[:0]
		wholes.Put(d.whole)
		d.whole = nil
	}
	return more
}

func (d *delivery) end(err error) {
	c := d.c
	c.receiving.pass()
	c.unlockAndTell()
	d.sink.End(err)
}

// next returns the next message, or errParked, or how the connection ended.
func (d *delivery) next() (frame.Opcode, []byte, error) {
	c := d.c
	for {
		ev, err := c.next(context.Background(), largeBuffer)
		if err != nil {
			return 0, nil, err
		}
		if ev.Kind != core.EventMessage {
			continue
		}
		p := ev.Data
		if !ev.Last || len(d.part) > 0 || !d.lends || !c.pin() {
			p = d.append(p)
		}
		if ev.Last {
			d.part = nil
			c.stats.MessagesReceived++
			c.stats.PayloadReceived += int64(len(p))
			return ev.Op, p, nil
		}
	}
}

// append appends to the message, in memory that can be lent if it is to be.
func (d *delivery) append(p []byte) []byte {
	if d.whole == nil && d.lends {
		d.whole = wholes.Get().(*[]byte)
		d.part = append(*d.whole, d.part...)
	}
	d.part = extend(d.part, p)
	return d.part
}

// pin keeps the memory of the event that was parsed just now until unpin, and reports
// whether it could: what was read ahead and what was inflated is overwritten earlier.
func (c *Conn) pin() bool {
	if c.ahead.kept != nil || c.in.compressed {
		return false
	}
	c.in.pinned = c.in.buf
	return true
}

// poll reads what is there, or has the poller wait.
func (d *delivery) poll() error {
	c := d.c
	c.parked = true
	if d.polled.WhenReadable(d) {
		return errParked
	}
	n, err := c.tryInput(c.in.Borrow())
	c.parked = false
	if n == 0 {
		c.in.Return()
	}
	if err != ErrWouldBlock {
		c.readDone(n, err)
	}
	return nil
}
