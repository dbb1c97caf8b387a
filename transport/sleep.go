package transport

import (
	"context"
	"errors"
)

// A Sleeper is a [Stream] in which a goroutine can wait for long and have a small stack: Go
// doubles one that does not suffice, and never gives back less than three quarters.
type Sleeper interface {
	Stream

	// Sleep waits as AwaitRead does, but reads nothing and borrows nothing: it returns
	// nil when AwaitRead would return. It takes as little of the stack as can be. It
	// returns [errors.ErrUnsupported] at once if it is no better than AwaitRead. It is
	// a reading method.
	Sleep() error
}

// doze waits in the stream, until the attendant finds that this has lasted long.
func (d *delivery) doze() error {
	c := d.c
	if d.sleepy {
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
	if errors.Is(err, errors.ErrUnsupported) {
		d.way = inPlace
		d.c.polling = nil
	}
	d.run()
}
