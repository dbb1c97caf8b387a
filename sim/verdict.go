package sim

import (
	"errors"
	"fmt"

	"github.com/fb1e3c20/websockets/core"
)

// arrived checks a message that has come against what was sent.
func (w *World) arrived(c *Conn, ev Event) {
	if !c.peer.honest() {
		return
	}
	if err := c.peer.log.deliver(ev.Op, ev.Data); err != nil {
		w.violate("delivers what was sent", fmt.Errorf("%s: %w", c.name, err))
	}
}

func (w *World) checkClose(c *Conn, ev core.Event) {
	if !c.peer.honest() {
		return
	}
	if err := c.peer.log.checkClose(ev.Code); err != nil {
		w.violate("close codes are truthful", fmt.Errorf("%s: %w", c.name, err))
	}
}

// checkEnd checks that a connection that failed had a reason to: that a fault
// happened to it, or that the other end gave it up.
func (w *World) checkEnd(c *Conn, ev Event) {
	if ev.Err == nil || c.w.nodes[c.farLane].puppet != nil || c.excused(ev.Err) {
		return
	}
	w.violate("no connection fails without a cause", fmt.Errorf("%s: %w", c.name, ev.Err))
}

// honest reports whether c is an end, and one that follows the protocol.
func (c *Conn) honest() bool { return c != nil && c.puppet == nil }

func (c *Conn) excused(err error) bool {
	if errors.Is(err, ErrAborted) {
		return true
	}
	e, ok := err.(core.Error)
	if !ok {
		return false
	}
	if e.Kind() == core.KindViolation {
		return isLimit(e)
	}
	return c.wasHurt() || c.peer != nil && c.peer.gaveUp() || c.slow(e)
}

// isLimit reports whether e is that of a limit, which an application may exceed;
// the witness sees to it that it did.
func isLimit(e core.Error) bool {
	switch e {
	case core.ErrFrameTooBig, core.ErrMessageTooBig, core.ErrTooManyFragments, core.ErrControlFlood:
		return true
	}
	return false
}

// wasHurt reports whether a fault that may end a connection happened to it or
// to the node at either end of it.
func (c *Conn) wasHurt() bool { return c.sock.in.hurt || c.sock.out.hurt }

// gaveUp reports whether the end c ended the connection by itself.
func (c *Conn) gaveUp() bool { return c.crashed || c.log.cut || c.m.Err() != nil }

// slow reports whether the other end is too slow for e, through no fault of the
// protocol.
func (c *Conn) slow(e core.Error) bool {
	network := c.w.everOn(SlowLines|SmallBuffers|Delays|LateTicks|Drift) || c.sock.out.link.slow()
	peer := c.peer
	if peer == nil {
		peer = &Conn{} // nobody has accepted
	}
	early := c.w.everOn(ClockGlitches) // a timer that began when the clock was misread
	switch e {
	case core.ErrHandshakeTimeout:
		return network
	case core.ErrCloseTimeout:
		return network || early || c.w.everOn(SlowApps) || peer.everHeld
	case core.ErrPongTimeout:
		return network || early || peer.everStopped
	case core.ErrConnectionTimeout:
		return c.sock.out.link.slow()
	case core.ErrWriteTimeout:
		return peer.everHeld
	case core.ErrLost:
		return peer.released && c.w.everOn(SlowApps|SlowLines|SmallBuffers|Delays)
	}
	return false
}
