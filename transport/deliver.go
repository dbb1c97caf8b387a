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
	// follows but End, and messages that had come together with this one are dropped.
	Message(op frame.Opcode, p []byte) (more bool)

	// End is called last, once: when Message has returned false, and then err is
	// nil, or with how the connection ended. The carrier need not have been
	// released yet: [Conn.Close] waits for that.
	End(err error)
}

// An Answerer is a [Sink] for a server's connection that is still in its handshake.
type Answerer interface {
	Sink

	// Answer is called first, with the client's request, and answers it by
	// [Conn.Accept] or [Conn.Reject]: until then r is valid. After false nothing
	// follows but End. It is not called if no valid request comes; then End tells why,
	// and what the machine has not answered can still be rejected.
	Answer(r *core.Request) (more bool)
}

// DeliverOptions say how messages are delivered.
type DeliverOptions struct {
	// Lend has messages lent to the Sink, so that nothing need be allocated for them.
	// Default: they belong to it.
	Lend bool

	// Wait has Deliver return only after the end, or with a panic of the Sink.
	Wait bool

	// Detach has Deliver return at once: the Sink is called by other goroutines.
	Detach bool
}

// Deliver gives s every message that comes, until the connection ends, in place of
// [Conn.Receive]: a Receive, a Reader, or another Deliver, fails with [ErrDelivering], or
// with how the connection ended, until this one has ended. A server's handshake can be
// left to it, if s is an [Answerer]; otherwise it comes before, with [Conn.AwaitRequest]
// and [Conn.Accept], which wait in the caller's goroutine. Deliver closes nothing:
// whoever has had enough calls [Conn.Close] or [Conn.CloseNow].
//
// Over a [Polled] stream Deliver returns when it has to wait, and goroutines of the
// poller go on; an idle connection then has no goroutine, nor has one whose peer has
// closed and that waits for the end of the input. Over a [Sleeper] it may return
// then too, and a goroutine that has grown no stack waits on. Over every other stream it
// returns after s.End, or with a panic of s.Message.
func (c *Conn) Deliver(s Sink, o DeliverOptions) {
	c.mu.Lock()
	if err := c.takeReceiving(context.Background()); err != nil {
		c.unlockAndTell()
		s.End(err) // another Sink has the messages, or a Reader had the turn when the connection ended
		return
	}
	if _, answers := s.(Answerer); c.handshaking && (!answers || c.m.Role() == core.Client) {
		c.receiving.pass()
		c.unlockAndTell()
		s.End(core.ErrNotOpen)
		return
	}
	c.delivering = true
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
	if o.Detach {
		d.detach()
		return
	}
	d.run()
}

// detach has others run the delivery.
func (d *delivery) detach() {
	c := d.c
	defer c.unlockAndTell()
	if d.way == byPoller && !c.in.more && c.ahead.kept == nil && !c.released {
		c.parked = true
		if c.stream.(Polled).WhenReadable(d) {
			return
		}
	}
	c.att.crew.begin(d)
}

// A delivery is the way of messages to a Sink. Whoever runs it has the turn to receive.
type delivery struct {
	c      *Conn
	sink   Sink
	rest   *assembly // of a message that has not come to its end
	lends  bool
	drains bool // the connection has ended: nothing but the end of the input is waited for

	way      way
	awake    bool       // it has slept, and there is something to read
	dozing   bool       // it waits in the stream, in a goroutine whose stack has grown
	sleepy   bool       // nothing has come for long
	quiet    uint8      // visits of the attendant since something came
	patience uint8      // after how many of them it is long
	pace     uint8      // how many reads in a row came soon after the one before
	last     clock.Time // the latest of them
}

// A way is how a delivery waits.
type way uint8

const (
	inPlace  way = iota // in the stream
	byPoller            // nowhere
	asleep              // in the stream, and in another goroutine if it may last
)

var (
	errParked = errors.New("transport: parked")                // somebody else goes on
	errAsked  = errors.New("transport: a request has come in") // which is to be answered
)

// Wake goes on when there is something to read.
func (d *delivery) Wake() {
	d.c.mu.Lock()
	d.c.parked = false
	if d.drains {
		d.drain(d.c.err)
		return
	}
	d.run()
}

// run delivers until it has to wait for the poller, or to the end. It is called with the
// lock and the turn to read, and lets go of both.
func (d *delivery) run() {
	var b batch
	for {
		more := true
		switch err := d.gather(&b); err {
		case nil:
			d.passReading()
			more = d.give(&b)
		case errAsked:
			d.passReading()
			more = d.answer()
		case errParked:
			d.c.unlockAndTell()
			if d.way == asleep {
				d.c.att.crew.sleep(d)
			}
			return
		default:
			d.drain(err)
			return
		}
		if !more {
			d.end(nil)
			return
		}
		d.takeReading()
	}
}

// answer has the request answered, without the lock.
func (d *delivery) answer() (more bool) {
	c := d.c
	r := c.m.Request()
	c.unlockAndTell()
	returned := false
	defer func() {
		c.mu.Lock()
		if !returned { // the Answerer panics, or ends the goroutine
			d.passReceiving()
			c.mu.Unlock()
		}
	}()
	more = d.sink.(Answerer).Answer(r)
	returned = true
	return more
}

// drain ends the delivery of a connection that has ended for its users with err. Over a Polled
// stream it first reads to the end of the input, so that no goroutine need wait for that.
// It is called with the lock and the turn to read, and lets go of both.
func (d *delivery) drain(err error) {
	c := d.c
	d.drains = true
	for d.way == byPoller && !c.released && !c.atEOF && c.err != nil {
		c.flush()
		c.settle()
		c.rearm()
		if c.in.more {
			if ev := c.parse(largeBuffer); ev.Kind != core.EventMessage {
				c.observe(ev)
			}
			continue
		}
		c.in.release()
		c.parked = true
		if c.stream.(Polled).WhenReadable(d) {
			c.unlockAndTell()
			return
		}
		d.tryRead()
	}
	c.flush()
	c.settle()
	c.rearm()
	d.passReading()
	d.end(err)
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

// passReceiving leaves the messages to others.
func (d *delivery) passReceiving() {
	d.c.delivering = false
	d.c.receiving.pass()
}

func (d *delivery) end(err error) {
	d.passReceiving()
	d.c.unlockAndTell()
	d.sink.End(err)
}

// poll reads what is there, or waits for it, unless others do that.
func (d *delivery) poll() error {
	c := d.c
	switch {
	case d.way == asleep && c.handshaking:
		c.read(context.Background())
		return nil
	case d.way == asleep:
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
