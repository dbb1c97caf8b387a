package transport

import (
	"context"
	"errors"
	"time"
)

// A Sleeper is a [Stream] in which a goroutine can wait for long and have a small stack. Go
// doubles a stack that does not suffice, and shrinks it only when less than a quarter of
// it is in use, so one that has handled a message stays large.
type Sleeper interface {
	Stream

	// Sleep waits as AwaitRead does, but reads nothing and borrows nothing: it returns
	// nil when AwaitRead would return. It takes as little of the stack as can be. It
	// returns [errors.ErrUnsupported] at once where waiting so would save nothing. It is
	// a reading method.
	Sleep() error
}

// A wait is taken for a short one after so many in a row that were: a new goroutine, whose
// stack must grow again, costs a message as much as half of its system calls.
const (
	shortWait  = 5 * time.Second
	shortWaits = 2
)

// doze waits in the stream if it is not for long, so far as can be known: input has come
// in quick succession, and the attendant has not found that it comes no more.
func (d *delivery) doze() error {
	c := d.c
	if d.awake {
		d.awake = false
		c.parked = true
		d.tryRead()
		return nil
	}
	d.keepPace()
	if d.sleepy || d.pace < shortWaits {
		d.sleepy = false
		c.parked = true
		return errParked
	}
	if !c.inBusy {
		c.inBusy = true
		c.att.busy.add(c)
	}
	d.quiet = 0
	d.dozing = true
	c.read(context.Background())
	d.dozing = false
	return nil
}

// keepPace learns from the time since the input before.
func (d *delivery) keepPace() {
	at := d.c.in.at
	if at == d.last {
		return
	}
	first := d.patience == 0
	since := min(max(at.Sub(d.last), 0), 2*shortWait)
	d.last = at
	switch {
	case first:
		since = 0
	case since > shortWait:
		d.pace = 0
	case d.pace < shortWaits:
		d.pace++
	}
	d.patience = uint8(2 + min(4*since, shortWait)/busyPeriod)
}

// visitIdle looks after a connection on which a delivery dozes. When that has taken much
// longer than the wait before, and half a second at least, it has the goroutine replaced by one
// with a new stack.
func (c *Conn) visitIdle() (stays bool) {
	d := c.polling
	if d == nil || !d.dozing {
		return false
	}
	if d.quiet++; d.quiet < d.patience {
		return true
	}
	d.sleepy = true
	c.stream.KickRead()
	return false
}

// sleep waits, and has somebody go on.
func (d *delivery) sleep() {
	c := d.c
	err := c.stream.(Sleeper).Sleep()
	c.mu.Lock()
	c.parked = false
	d.awake = true
	if errors.Is(err, errors.ErrUnsupported) {
		d.way = inPlace
		c.polling = nil
	}
	c.mu.Unlock()
	c.att.crew.wake(d)
}
