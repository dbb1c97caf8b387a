package core

import "github.com/fb1e3c20/websockets/clock"

// Calm reports whether the connection is in the state in which it usually is: it is
// open, nothing is pending, nobody is late, and there is no more to its transport than
// [TransportOpen]. It is for a caller that looks at all of that after every call.
func (c *Conn) Calm() bool {
	const not = outputPending | pongWait | stalled | notReading | closeSent
	return c.phase == phaseOpen && c.flags&not == 0 && c.hs == nil
}

// CalmDeadline is [Conn.Deadline] of a connection that is calm, at a third of the price.
func (c *Conn) CalmDeadline() (clock.Time, Timer) {
	at, timer := clock.Latest, TimerNone
	if c.set.conn > 0 {
		at, timer = c.lastRx.Add(c.set.conn), TimerConnection
	}
	if c.has(hasDue) && c.due < at {
		at, timer = c.due, TimerPing
	}
	return at, timer
}
