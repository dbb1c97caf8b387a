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

// A wait is taken for a short one after so many in a row that were.
const (
	shortWait  = 100 * time.Millisecond
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
	d.idle = false
	c.read(context.Background())
	return nil
}

func (d *delivery) keepPace() {
	at := d.c.in.at
	switch {
	case at == d.last:
	case at.Sub(d.last) > shortWait:
		d.pace = 0
	case d.pace < shortWaits:
		d.pace++
	}
	d.last = at
}

// visitIdle looks after a connection on which a delivery waits: the first time it
// notes that, and the second time it has the goroutine replaced by one with a new
// stack.
func (c *Conn) visitIdle() (stays bool) {
	d := c.polling
	if d == nil || d.way != asleep || !c.parked {
		return false
	}
	if !d.idle {
		d.idle = true
		return true
	}
	d.sleepy = true
	c.stream.KickRead()
	return false
}

// sleep waits with a new stack, and goes on.
func (d *delivery) sleep() {
	err := d.c.stream.(Sleeper).Sleep()
	d.c.mu.Lock()
	d.c.parked = false
	d.awake = true
	if errors.Is(err, errors.ErrUnsupported) {
		d.way = inPlace
		d.c.polling = nil
	}
	d.run()
}
