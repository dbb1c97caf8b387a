package core

import "github.com/fb1e3c20/websockets/clock"

// A Status is what can be seen of a connection between two calls.
type Status struct {
	Deadline  clock.Time // of [Conn.Deadline]
	Timer     Timer
	Transport Transport
	Open      bool
	Pending   int
	Err       Error // 0 while the connection has not failed
}

// Status sets s to what Deadline, Transport, Open, Pending and Err tell, for a
// caller that looks at all of them after every call.
func (c *Conn) Status(s *Status) {
	const unusual = pongWait | stalled | closing | notReading | closeSent | replyHeld | aborted |
		expired | sawEOF | unheard | pongPending | pingPending | closePending
	if c.phase != phaseOpen || c.flags&unusual != 0 || c.hs != nil {
		c.fullStatus(s)
		return
	}
	s.Deadline, s.Timer = clock.Latest, TimerNone
	if t := c.lastRx.Add(c.set.conn); c.set.conn > 0 && t < clock.Latest {
		s.Deadline, s.Timer = t, TimerConnection
	}
	if c.has(hasDue) && c.due < s.Deadline {
		s.Deadline, s.Timer = c.due, TimerPing
	}
	s.Transport = TransportOpen
	s.Open = true
	s.Pending = 0
	s.Err = 0
}

func (c *Conn) fullStatus(s *Status) {
	s.Deadline, s.Timer = c.Deadline()
	s.Transport = c.Transport()
	s.Open = c.Open()
	s.Pending = c.Pending()
	s.Err = c.err
}
