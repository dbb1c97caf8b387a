package sim

import (
	"errors"
	"fmt"
	"time"
)

// A property is something that is stated of a world.
type property struct {
	name string
	err  func() error
	met  func() bool
	done bool
}

// A Failure is a property that did not hold in a run.
type Failure struct {
	Property string
	Err      error
	At       time.Duration // since the world began
	Step     int
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %v (at %v, step %d)", f.Property, f.Err, f.At, f.Step)
}

func (f *Failure) Unwrap() error { return f.Err }

// Always states that err returns nil after every step.
func (w *World) Always(name string, err func() error) {
	w.mustHave(err != nil, "Always", name)
	w.always = append(w.always, property{name: name, err: err})
}

// Eventually states that err returns nil at some instant between [World.Heal] and
// the end of [World.Settle].
func (w *World) Eventually(name string, err func() error) {
	w.mustHave(err != nil, "Eventually", name)
	w.eventually = append(w.eventually, property{name: name, err: err})
}

// Sometimes states that met returns true after some step of some run: that the
// runs reach what they are meant to reach. [Check] fails when none of its runs
// does.
func (w *World) Sometimes(name string, met func() bool) {
	w.mustHave(met != nil, "Sometimes", name)
	w.sometimes = append(w.sometimes, property{name: name, met: met})
}

// mustHave sees to it that a property has a function: the run ends there.
func (w *World) mustHave(function bool, call, name string) {
	if !function {
		w.misuse("%s(%q) was given no function", call, name)
	}
}

// Fail ends the run with a failure.
func (w *World) Fail(format string, args ...any) {
	w.violate("the application's own", fmt.Errorf(format, args...))
}

// violate notes the first violation.
func (w *World) violate(name string, err error) {
	if w.failure == nil {
		w.failure = &Failure{Property: name, Err: err, At: time.Duration(w.now), Step: w.steps}
	}
}

func (w *World) checkAlways() {
	for i := range w.always {
		p := &w.always[i]
		if err := p.err(); err != nil {
			w.violate(p.name, err)
			return
		}
	}
	for i := range w.sometimes {
		p := &w.sometimes[i]
		if !p.done && p.met() {
			p.done = true
		}
	}
}

// rests reports whether all that must happen has happened.
func (w *World) rests() bool {
	w.stepping = true
	defer func() { w.stepping = false }()
	all := true
	for i := range w.eventually {
		p := &w.eventually[i]
		p.done = p.done || p.err() == nil
		all = all && p.done
	}
	if !all {
		return false
	}
	_, err := w.unsettled()
	return err == nil
}

func (w *World) checkEventually() {
	w.stepping = true
	defer func() { w.stepping = false }()
	for i := range w.eventually {
		p := &w.eventually[i]
		if p.done {
			continue
		}
		if err := p.err(); err != nil {
			w.violate(p.name, fmt.Errorf("%w, %v after all was healed", err, settleTime))
			return
		}
	}
	if c, err := w.unsettled(); err != nil {
		w.violate("settles", fmt.Errorf("%s: %w, %v after all was healed", c.name, err, settleTime))
	}
}

// unsettled returns which connection is neither at rest nor over.
func (w *World) unsettled() (*Conn, error) {
	for _, c := range w.conns {
		if err := c.unsettled(); err != nil {
			return c, err
		}
	}
	return nil, nil
}

var (
	errUnsent    = errors.New("output still waits to be sent")
	errUnread    = errors.New("input still waits to be read")
	errUnopened  = errors.New("the handshake is still not done")
	errUnclosed  = errors.New("the connection still waits to be closed")
	errUndelived = errors.New("what was sent has not been delivered")
)

func (c *Conn) unsettled() error {
	switch {
	case c.crashed || c.held || !c.honest():
		return nil
	case c.released && len(c.queue) == 0:
		return nil
	case c.released:
		return errUnread
	case !c.opened && c.m.Err() == nil:
		return errUnopened
	case !c.m.Open():
		return errUnclosed
	case c.Buffered() > 0 && c.peer != nil && !c.peer.honest():
		return nil // a puppet need not read
	case c.Buffered() > 0 || c.m.Pending() > 0:
		return errUnsent
	case c.sock.readable() || len(c.queue) > 0:
		return errUnread
	case c.peer.honest() && !c.peer.held && c.peer.Open() && c.log.undelivered() > 0:
		return errUndelived
	}
	return nil
}
