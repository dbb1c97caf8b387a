package transport

import (
	"context"
	"errors"

	"github.com/fb1e3c20/websockets/clock"
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

// DeliverOptions say how messages are delivered.
type DeliverOptions struct {
	// Lend has messages lent to the Sink, so that nothing need be allocated for them.
	// Default: they belong to it.
	Lend bool

	// Wait has Deliver return only after the end, or with a panic of the Sink.
	Wait bool
}

// Deliver gives s every message that comes, until the connection ends, in place of
// [Conn.Receive]: a Receive, or another Deliver, waits until its context ends, or this
// one has. The handshake comes before, with [Conn.AwaitRequest] and [Conn.Accept], which
// wait in the caller's goroutine. Deliver closes nothing: whoever has had enough calls
// [Conn.Close] or [Conn.CloseNow].
//
// Over a [Polled] stream Deliver returns when it has to wait, and goroutines of the
// poller go on; an idle connection then has no goroutine. Over a [Sleeper] it may return
// then too, and a goroutine that has grown no stack waits on. Over every other stream it
// returns after s.End, or with a panic of s.Message.
func (c *Conn) Deliver(s Sink, o DeliverOptions) {
	c.mu.Lock()
	if err := c.takeReceiving(context.Background()); err != nil {
		c.unlockAndTell()
		s.End(err) // a Reader had the turn when the connection ended
		return
	}
	if c.handshaking {
		c.receiving.pass()
		c.unlockAndTell()
		s.End(core.ErrNotOpen)
		return
	}
	d := &delivery{c: c, sink: s, lends: o.Lend}
	if begun := c.incoming.begun(); begun != nil {
		d.rest = &assembly{begun}
		c.incoming.reset()
	}
	if !o.Wait {
		switch c.stream.(type) {
		case Polled:
			d.way = byPoller
		case Sleeper:
			d.way = asleep
		}
	}
	d.takeReading()
	d.run()
}

// A delivery is the way of messages to a Sink. Whoever runs it has the turn to receive.
type delivery struct {
	c     *Conn
	sink  Sink
	rest  *assembly // of a message that has not come to its end
	lends bool

	way    way
	awake  bool       // it has slept, and there is something to read
	idle   bool       // nothing has come since the attendant looked
	sleepy bool       // nothing has come for long
	pace   uint8      // how many reads in a row came soon after the one before
	last   clock.Time // the latest of them
}

// A way is how a delivery waits.
type way uint8

const (
	inPlace  way = iota // in the stream
	byPoller            // nowhere
	asleep              // in the stream, and in another goroutine if it may last
)

// errParked: somebody else goes on.
var errParked = errors.New("transport: parked")

// Wake goes on when there is something to read.
func (d *delivery) Wake() {
	d.c.mu.Lock()
	d.c.parked = false
	d.run()
}

// run delivers until it has to wait for the poller, or to the end. It is called with the
// lock and the turn to read, and lets go of both.
func (d *delivery) run() {
	var b batch
	for {
		err := d.gather(&b)
		if err == errParked {
			d.c.unlockAndTell()
			if d.way == asleep {
				go d.sleep()
			}
			return
		}
		d.passReading()
		if err != nil || !d.give(&b) {
			d.end(err)
			return
		}
		d.takeReading()
	}
}

func (d *delivery) takeReading() {
	d.c.received()                                      // a Close that reads lets go
	_ = d.c.reading.take(context.Background(), &d.c.mu) // no end of this context
	if d.way != inPlace {
		d.c.polling = d
	}
}

func (d *delivery) passReading() {
	d.c.polling = nil
	d.c.passReading()
}

func (d *delivery) end(err error) {
	d.c.receiving.pass()
	d.c.unlockAndTell()
	d.sink.End(err)
}

// poll reads what is there, or waits for it, unless others do that.
func (d *delivery) poll() error {
	c := d.c
	if d.way == asleep {
		return d.doze()
	}
	c.parked = true
	if c.stream.(Polled).WhenReadable(d) {
		return errParked
	}
	d.tryRead()
	return nil
}

// tryRead reads what is there.
func (d *delivery) tryRead() {
	c := d.c
	n, err := c.tryInput(c.in.Borrow())
	c.parked = false
	if n == 0 {
		c.in.Return()
	}
	if err != ErrWouldBlock {
		c.readDone(n, err)
	}
}
