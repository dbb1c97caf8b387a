package sim

import (
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A mirror is what a witness knows of a connection: what has happened to it,
// and what must follow from that. It is told of each call and says what the
// call must bring about.
type mirror struct {
	role core.Role
	lim  limits
	cfg  *core.Compression // nil: it neither offers nor accepts any
	now  clock.Time        // the latest time that was told

	stage    mirrorStage
	err      core.Error
	untold   bool            // no event has told of err yet
	ours     frame.CloseCode // of our close frame; 0: none; Abnormal: it was lost
	got      bool            // the peer's close frame came
	sent     bool            // our close frame is pending or was handed out
	held     bool            // the answer to the peer's close waits for the application
	theirs   frame.CloseCode // of the peer's close frame
	ahead    bool            // the application is behind the caller
	eof      bool            // the peer's output ended
	hungUp   bool            // a client's handshake failed
	expired  bool            // the close timer ran out
	aborted  bool            // nothing can be sent any more
	closing  bool            // the close timer's time has begun
	timers   mirrorTimers
	shake    mirrorHandshake
	incoming incoming
	outgoing outgoing

	compression *mirrorCompression // nil: nothing is compressed
}

type mirrorStage uint8

const (
	shaking mirrorStage = iota // the opening handshake
	talking                    // frames are read
	deaf                       // input is discarded
)

// witnessedLinger bounds the wait for the peer's end of file where the close
// timeout is off.
const witnessedLinger = 5 * time.Second

func newMirror(role core.Role, cfg core.Config, now clock.Time, opened bool) mirror {
	m := mirror{role: role, lim: limitsOf(cfg, role), now: now, cfg: cfg.Compression}
	m.incoming.budgetAt = now
	if opened {
		if m.cfg != nil {
			m.compression = newMirrorCompression(m.cfg, bareParams(m.cfg))
		}
		m.shake.released = true
		m.open()
		return m
	}
	m.timers.handshake.start(now, m.lim.handshake)
	if role == core.Client {
		m.shake.out = requestOut
		m.shake.unclear = m.cfg != nil // until the request is seen
	}
	return m
}

// advance takes the time that a call tells. Time that runs backwards is
// clamped.
func (m *mirror) advance(now clock.Time) { m.now = max(m.now, now) }

func (m *mirror) open() {
	m.stage = talking
	m.timers.heard = m.now
	m.timers.handshake.stop()
	m.timers.ping.start(m.now, m.lim.ping)
}

// sendable returns why no message can be sent, 0 if one can.
func (m *mirror) sendable() core.Error {
	switch {
	case m.sent:
		return core.ErrCloseSent
	case m.stage == talking || m.held:
		return 0
	}
	return core.ErrNotOpen
}

// transport says what is to become of the transport.
func (m *mirror) transport() core.Transport {
	bothClosed := m.sent && m.got
	switch {
	case m.aborted:
		return core.TransportAbort
	case m.expired || m.hungUp || m.eof && m.stage == deaf && !m.held:
		return core.TransportClose
	case m.held:
		return core.TransportOpen
	case m.err != 0 || bothClosed && m.role == core.Server:
		return core.TransportHalfClose
	}
	return core.TransportOpen
}

// failWith ends the connection because of e.
func (m *mirror) failWith(e core.Error) {
	if m.err != 0 {
		return
	}
	was := m.stage
	m.stage, m.err, m.untold, m.held = deaf, e, true, false
	m.timers.handshake.stop()
	m.timers.pong.stop()
	m.outgoing.pong, m.outgoing.ping, m.outgoing.pingWatched = false, false, false
	if code := e.CloseCode(); was == talking && code != frame.Abnormal && !m.sent {
		m.queueClose(code)
	}
	m.beginClosing()
	m.boundClosing()
	if was == shaking && m.role == core.Client {
		m.hungUp = true
		if m.unwritten() {
			m.abort()
		}
	}
}

// takeFailure returns the event of a failure that none has told of.
func (m *mirror) takeFailure() prediction {
	if !m.untold {
		return prediction{}
	}
	m.untold = false
	code := m.err.CloseCode()
	if code != m.ours {
		code = frame.Abnormal
	}
	return prediction{kind: core.EventFailed, code: code}
}

// abort gives up all output.
func (m *mirror) abort() {
	m.aborted, m.held = true, false
	if m.outgoing.close {
		m.ours = frame.Abnormal
	}
	m.shake.out = nothingOut
	m.outgoing.pong, m.outgoing.ping, m.outgoing.close = false, false, false
}

func (m *mirror) queueClose(code frame.CloseCode) {
	m.ours, m.sent, m.outgoing.close = code, true, true
}

// beginClosing starts the close timer with the first close frame.
func (m *mirror) beginClosing() {
	if m.closing {
		return
	}
	m.closing = true
	m.outgoing.ping = false
	m.timers.ping.stop()
	m.timers.close.start(m.now, m.lim.close)
}

// boundClosing makes sure that the wait for the end of file ends.
func (m *mirror) boundClosing() {
	if !m.timers.close.set {
		m.timers.close.start(m.now, witnessedLinger)
	}
}

// answerClose queues the answer to the peer's close: the same code. If it was
// held back, the close timer begins anew.
func (m *mirror) answerClose() {
	m.endHold()
	m.queueClose(m.theirs)
	m.beginClosing()
	m.boundClosing()
}

func (m *mirror) endHold() {
	if m.held {
		m.held, m.closing = false, false
		m.timers.close.stop()
	}
}

// closed takes the peer's close frame.
func (m *mirror) closed(code frame.CloseCode) {
	m.stage, m.got, m.theirs = deaf, true, code
	m.timers.pong.stop()
	m.outgoing.pingWatched = false
	switch {
	case m.sent:
		m.boundClosing()
	case m.ahead:
		m.held = true
		m.beginClosing()
	default:
		m.answerClose()
	}
}

// ended takes the end of the peer's output.
func (m *mirror) ended() {
	if m.eof {
		return
	}
	m.eof = true
	switch {
	case m.stage == shaking:
		m.failHandshake(core.ErrHandshakeLost)
	case m.stage == talking:
		m.failWith(core.ErrLost)
	case m.held:
		m.boundClosing()
	}
}

func (m *mirror) setReadAhead(on bool) {
	m.ahead = on
	if !on && m.held {
		m.answerClose()
	}
}
