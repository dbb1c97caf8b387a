package core

import (
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A verdict on the peer's liveness that is due but comes later than this was
// not missed by the peer: the machine slept, or the process did not run.
const lateness = time.Second

// grace is the time that the peer gets then to be heard.
const grace = 5 * time.Second

// Deadline returns when to call Tick next, and which timer that is for. With
// [TimerNone] nothing is due until something else happens. It may change with
// every other call. Of timers that are due at one instant it names a verdict on
// the peer first: pong, then connection, then write.
func (c *Conn) Deadline() (clock.Time, Timer) {
	at, why := c.verdictDue()
	if c.has(hasDue) && !c.has(expired|aborted) && c.due < at {
		at, why = c.due, c.dueTimer()
	}
	return at, why
}

func (c *Conn) dueTimer() Timer {
	switch {
	case c.has(closing):
		return TimerClose
	case c.phase == phaseHandshake:
		return TimerHandshake
	}
	return TimerPing
}

// verdictDue returns when the peer will be given up, and for what: an
// unanswered ping, silence, or output that it does not take.
func (c *Conn) verdictDue() (clock.Time, Timer) {
	at, why := clock.Latest, TimerNone
	if c.phase == phaseOpen && !c.has(notReading) {
		if c.has(pongWait) && c.pongBy < at {
			at, why = c.pongBy, TimerPong
		}
		if t := c.lastRx.Add(c.set.conn); c.set.conn > 0 && t < at {
			at, why = t, TimerConnection
		}
	}
	if c.has(stalled) && !c.has(aborted) && c.stall < at {
		at, why = c.stall, TimerWrite
	}
	return at, why
}

// Tick tells the time. It reports [EventFailed] when a timer ran out; a ping
// that has become due is only queued. Early and repeated ticks do nothing.
// Before a tick that may judge the peer's liveness, the caller passes the
// input that is already there to [Conn.Recv].
func (c *Conn) Tick(now clock.Time) Event {
	c.advance(now)
	for at, why := c.verdictDue(); why != TimerNone && c.now >= at; at, why = c.verdictDue() {
		c.judge(at, why)
	}
	if c.has(hasDue) && c.now >= c.due && !c.has(expired|aborted) {
		c.dueNow()
	}
	return c.takeReport()
}

// judge fails the connection by a verdict that was due at the instant at. One
// that is found too late to blame the peer for it is put off, once until a
// byte comes.
func (c *Conn) judge(at clock.Time, why Timer) {
	if c.now.Sub(at) > lateness && !c.has(graced) {
		c.grantGrace()
		return
	}
	switch why {
	case TimerPong:
		c.fail(ErrPongTimeout)
	case TimerConnection:
		c.fail(ErrConnectionTimeout)
	case TimerWrite:
		c.fail(ErrWriteTimeout)
		c.abort()
	}
}

// grantGrace puts every verdict off and asks the peer for a sign of life.
func (c *Conn) grantGrace() {
	until := c.now.Add(c.graceTime())
	c.pongBy = max(c.pongBy, until)
	c.stall = max(c.stall, until)
	c.lastRx = max(c.lastRx, until.Add(-c.set.conn))
	c.flags |= graced
	if c.phase == phaseOpen && !c.has(closeSent) {
		c.flags |= pingPending
	}
}

func (c *Conn) graceTime() time.Duration {
	if c.set.conn > 0 {
		return min(grace, c.set.conn)
	}
	return grace
}

// dueNow acts on the timer of the phase.
func (c *Conn) dueNow() {
	switch c.dueTimer() {
	case TimerHandshake:
		c.failHandshake(ErrHandshakeTimeout)
	case TimerPing:
		c.flags |= pingPending
		if c.now.Sub(c.due) > lateness && !c.has(graced) {
			c.grantGrace() // a verdict may be near, and the answer is a round trip away
		}
		c.due = c.due.Add(c.set.ping)
		if c.due <= c.now {
			c.due = c.now.Add(c.set.ping)
		}
	case TimerClose:
		c.closeTimedOut()
	}
}

func (c *Conn) closeTimedOut() {
	if c.has(replyHeld) {
		c.releaseReply()
		return
	}
	if c.phase == phaseOpen {
		c.fail(ErrCloseTimeout)
	}
	c.flags |= expired
	if c.outputLeft() {
		c.abort()
	}
}

// takeReport returns EventFailed once after a failure.
func (c *Conn) takeReport() Event {
	if !c.has(report) {
		return Event{}
	}
	c.flags &^= report
	code := c.err.CloseCode()
	if code != c.closeCode {
		code = frame.Abnormal
	}
	return Event{Kind: EventFailed, Code: code}
}

// SetReading tells whether the caller reads input. While it holds input back,
// because its application is slow, the peer's silence is not judged, only
// whether it takes our output; and the time earns budget for the control
// frames that pile up, up to a minute's worth. When it reads again, the silence
// and the time for a pong begin anew.
func (c *Conn) SetReading(now clock.Time, on bool) {
	c.advance(now)
	if on != c.has(notReading) {
		return
	}
	c.put(notReading, !on)
	if !on {
		if !c.has(ctlCredit) {
			c.ctlAt = max(c.ctlAt, c.now)
		}
		c.flags &^= ctlCredit
		return
	}
	c.ctlAt = max(c.ctlAt, c.now.Add(-mostCredit))
	c.put(ctlCredit, c.ctlAt < c.now)
	c.lastRx = c.now
	if c.has(pongWait) {
		c.pongBy = c.now.Add(c.set.pong)
	}
}

// SetReadAhead tells whether the caller reads ahead of its application. A
// close frame that comes then is answered only when the caller has caught up
// and switches reading ahead off, or at the close timeout, which begins anew
// with the answer: the peer must not take a close for the answer to messages
// that were never seen. Until then the caller may send.
func (c *Conn) SetReadAhead(now clock.Time, on bool) {
	c.advance(now)
	c.put(readingAhead, on)
	if !on && c.has(replyHeld) {
		c.releaseReply()
	}
}

func (c *Conn) releaseReply() {
	c.endHold()
	c.answerClose(c.closeCode)
}

// endHold lets the close timer begin anew: so far it bounded the hold.
func (c *Conn) endHold() {
	if c.has(replyHeld) {
		c.flags &^= replyHeld | closing
	}
}

// heard notes that a byte came: any byte is life.
func (c *Conn) heard() {
	c.lastRx = c.now
	c.flags &^= pongWait | graced
}

// mostCredit is the longest time without reading that earns budget: a peer's
// transport does not hold more than what a minute brings.
const mostCredit = time.Minute

// spendControl takes one control frame from the budget and reports whether
// there was enough: one second's worth, and what time without reading earned.
func (c *Conn) spendControl() bool {
	if c.set.controlCost == 0 {
		return true
	}
	if !c.has(ctlCredit | notReading) {
		c.ctlAt = max(c.ctlAt, c.now)
	}
	c.ctlAt = c.ctlAt.Add(c.set.controlCost)
	if c.ctlAt >= c.now {
		c.flags &^= ctlCredit
	}
	return c.ctlAt.Sub(c.now) <= time.Second
}
