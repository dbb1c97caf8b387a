package sim

import (
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
)

// mirrorTimers are the instants at which something is due.
type mirrorTimers struct {
	handshake, ping, close instant // one of them at a time
	pong                   instant // no byte followed a ping that was written
	stall                  instant // no output was taken

	heard      clock.Time // when the latest byte of the peer came, or what counts as that
	graced     bool       // a verdict was put off, and no byte came since
	graceEnd   clock.Time
	notReading bool
}

// An instant may be set.
type instant struct {
	at  clock.Time
	set bool
}

// start sets i to d from now, and clears it if d is 0.
func (i *instant) start(now clock.Time, d time.Duration) {
	*i = instant{now.Add(d), d > 0}
}

func (i *instant) stop() { i.set = false }

func (i *instant) putOff(t clock.Time) { i.at = max(i.at, t) }

func (i instant) due(now clock.Time) bool { return i.set && i.at <= now }

// A verdict on the peer that is found later than this was not missed by the
// peer; it gets the grace then, or the connection timeout if that is shorter.
const (
	witnessedLateness = time.Second
	witnessedGrace    = 5 * time.Second
)

// deadline says when Tick must come next, and for what. A verdict precedes
// another timer of the same instant.
func (m *mirror) deadline() (clock.Time, core.Timer) {
	at, why := m.verdict()
	if m.expired || m.aborted {
		return at, why
	}
	t := &m.timers
	earliest(&at, &why, t.handshake, core.TimerHandshake)
	earliest(&at, &why, t.ping, core.TimerPing)
	earliest(&at, &why, t.close, core.TimerClose)
	return at, why
}

// verdict says when the peer will be given up, and for what.
func (m *mirror) verdict() (clock.Time, core.Timer) {
	at, why := clock.Latest, core.TimerNone
	t := &m.timers
	if m.stage == talking && !t.notReading {
		earliest(&at, &why, t.pong, core.TimerPong)
		if m.lim.silence > 0 {
			silent := t.heard.Add(m.lim.silence)
			if t.graced {
				silent = max(silent, t.graceEnd)
			}
			earliest(&at, &why, instant{silent, true}, core.TimerConnection)
		}
	}
	if !m.aborted {
		earliest(&at, &why, t.stall, core.TimerWrite)
	}
	return at, why
}

func earliest(at *clock.Time, why *core.Timer, i instant, name core.Timer) {
	if i.set && i.at < *at {
		*at, *why = i.at, name
	}
}

// tick does what is due.
func (m *mirror) tick() {
	for {
		at, why := m.verdict()
		if why == core.TimerNone || m.now < at {
			break
		}
		m.judge(at, why)
	}
	t := &m.timers
	switch {
	case m.expired || m.aborted:
	case t.handshake.due(m.now):
		m.failHandshake(core.ErrHandshakeTimeout)
	case t.close.due(m.now):
		m.closeDue()
	case t.ping.due(m.now):
		m.pingDue()
	}
}

func (m *mirror) judge(at clock.Time, why core.Timer) {
	t := &m.timers
	if m.now.Sub(at) > witnessedLateness && !t.graced {
		m.grantGrace()
		return
	}
	switch why {
	case core.TimerPong:
		m.failWith(core.ErrPongTimeout)
	case core.TimerConnection:
		m.failWith(core.ErrConnectionTimeout)
	case core.TimerWrite:
		m.failWith(core.ErrWriteTimeout)
		m.abort()
	}
}

// grantGrace puts all verdicts off, with a ping where one can be sent.
func (m *mirror) grantGrace() {
	d := witnessedGrace
	if m.lim.silence > 0 {
		d = min(d, m.lim.silence)
	}
	t := &m.timers
	t.graced = true
	t.graceEnd = m.now.Add(d)
	t.pong.putOff(t.graceEnd)
	t.stall.putOff(t.graceEnd)
	if m.stage == talking && !m.sent {
		m.outgoing.ping = true
	}
}

// pingDue queues a ping. One that is late comes with the grace: the peer could
// not answer it before. The next one is an interval after this one was due,
// or after now if that has passed as well.
func (m *mirror) pingDue() {
	m.outgoing.ping = true
	t := &m.timers
	if m.now.Sub(t.ping.at) > witnessedLateness && !t.graced {
		m.grantGrace()
	}
	next := t.ping.at.Add(m.lim.ping)
	if next <= m.now {
		next = m.now.Add(m.lim.ping)
	}
	t.ping.at = next
}

func (m *mirror) closeDue() {
	if m.held {
		m.answerClose()
		return
	}
	if m.stage == talking {
		m.failWith(core.ErrCloseTimeout)
	}
	m.expired = true
	if m.unwritten() {
		m.abort()
	}
}

// heardPeer notes that a byte came. Any byte is life.
func (m *mirror) heardPeer() {
	t := &m.timers
	t.heard = m.now
	t.graced = false
	t.pong.stop()
}

func (m *mirror) setReading(on bool) {
	t := &m.timers
	if on == !t.notReading {
		return
	}
	m.incoming.accrue(m.now, t.notReading)
	t.notReading = !on
	if !on {
		return
	}
	m.incoming.budget = min(m.incoming.budget, mostBudget)
	t.heard = m.now
	if t.pong.set {
		t.pong.start(m.now, m.lim.pong)
	}
}

// wrote notes that the transport took n bytes.
func (m *mirror) wrote(n int) {
	t, o := &m.timers, &m.outgoing
	took := min(int64(max(n, 0)), o.handed-o.written)
	o.written += took
	if o.pingWatched && o.written >= o.pingEnd {
		o.pingWatched = false
		if !t.pong.set {
			t.pong.start(m.now, m.lim.pong)
		}
	}
	switch {
	case o.written == o.handed:
		t.stall.stop()
	case took > 0 || !t.stall.set:
		t.stall.start(m.now, m.lim.silence)
	}
}
