package core

import (
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// Role tells which end of the connection a Conn is: it decides who masks and
// who closes the transport first.
type Role uint8

const (
	Server Role = iota
	Client
)

func (r Role) String() string {
	if r == Client {
		return "client"
	}
	return "server"
}

// Conn is one end of a WebSocket connection: a state machine that does no I/O,
// reads no clock and keeps none of the caller's memory.
//
// Its methods may be called in any order, from one goroutine at a time. What
// the peer does wrong never comes back as a Go error of Recv: it becomes a
// close frame, an [EventFailed] and [Conn.Err]. What the caller does wrong
// returns an error of [KindMisuse] and changes nothing (the time that such a
// call tells is taken all the same).
type Conn struct {
	_   [0]func() // not to be compared with ==
	set *Settings
	hs  *handshake // from the first input until it is done and its output taken, and for good if messages are compressed

	*pieces // nil before anything has come in pieces, or a ping with a payload

	now    clock.Time // the latest time that was told
	lastRx clock.Time // when the peer was last heard, moved by a grace
	due    clock.Time // of TimerHandshake, TimerPing or TimerClose, by phase; with hasDue
	pongBy clock.Time // of TimerPong; with pongWait
	stall  clock.Time // of TimerWrite; with stalled
	ctlAt  clock.Time // control budget: the time up to which it is spent

	unsent   int64 // bytes handed out and not reported as written
	pingMark int64 // of them, how many until the ping is out; with pingOut

	left      uint32     // payload bytes of the frame that are still to come
	msgLen    uint32     // payload bytes of the message, the frame's included
	fragments uint32     // frames of the message
	mask      frame.Mask // of the frame
	utf8      frame.UTF8 // of the text message that comes in
	outUTF8   frame.UTF8 // of the text message that goes out

	flags     flags
	closeCode frame.CloseCode // of our close frame

	role    Role
	phase   phase
	err     Error
	frameOp frame.Opcode // of the frame, while inFrame
	msgOp   frame.Opcode // of the message that comes in; 0: none
	outOp   frame.Opcode // of the message that goes out; 0: none
	maskPos uint8        // position in mask, modulo 4
	hdrLen  uint8        // bytes in hdr
}

// phase is where the connection is in its life.
type phase uint8

const (
	phaseHandshake phase = iota // until open
	phaseOpen                   // frames are read
	phaseEnded                  // input is discarded
)

type flags uint32

const (
	inFrame      flags = 1 << iota // a header was read, its payload is not complete
	frameFin                       // the frame has FIN
	chunkGiven                     // a chunk of the message was reported
	pongGiven                      // a chunk of the pong was reported
	closing                        // the close timer took over from the ping timer
	closeSent                      // our close frame is pending or handed out
	closeGot                       // the peer's close frame came
	replyHeld                      // the answer to it waits for the application
	sawEOF                         // the peer's output ended
	expired                        // the close timer ran out
	aborted                        // nothing more can be sent
	report                         // EventFailed is still to be reported
	pongPending                    // output: the pong in slot
	pingPending                    // output: an empty ping
	closePending                   // output: our close frame
	hasDue                         // due is set
	pongWait                       // pongBy is set
	pingOut                        // pingMark is set
	stalled                        // stall is set
	notReading                     // the caller holds input back
	readingAhead                   // the caller reads ahead of its application
	ctlCredit                      // ctlAt lags behind now on purpose
	graced                         // the one grace was given
	unheard                        // a client's handshake failed
)

const outputPending = pongPending | pingPending | closePending

func (c *Conn) has(f flags) bool { return c.flags&f != 0 }

func (c *Conn) put(f flags, on bool) {
	if on {
		c.flags |= f
	} else {
		c.flags &^= f
	}
}

// NewServer returns the server's end of a connection that begins with the
// HTTP/1.1 request of a client.
func NewServer(s *Settings, now clock.Time) *Conn {
	c := newConn(s, Server, now)
	c.startTimer(s.handshake)
	return c
}

// NewClient returns the client's end of a connection. Its handshake request is
// pending from birth. It needs [Config.Entropy].
func NewClient(s *Settings, now clock.Time, o RequestOptions) (*Conn, error) {
	if s.entropy == nil {
		return nil, errNoEntropy
	}
	c := newConn(s, Client, now)
	hs, err := newClientHandshake(s, o)
	if err != nil {
		return nil, err
	}
	c.hs = hs
	c.startTimer(s.handshake)
	return c, nil
}

// NewOpen returns one end of a connection whose handshake was done elsewhere:
// by net/http, or by extended CONNECT on HTTP/2 (RFC 8441) and HTTP/3
// (RFC 9220). A client needs [Config.Entropy].
func NewOpen(s *Settings, now clock.Time, role Role) (*Conn, error) {
	if role == Client && s.entropy == nil {
		return nil, errNoEntropy
	}
	c := newConn(s, role, now)
	c.open()
	return c, nil
}

var errNoEntropy = &ConfigError{"Entropy", "is required for a client: mask keys are made of it"}

func newConn(s *Settings, role Role, now clock.Time) *Conn {
	return &Conn{set: s, role: role, now: now, lastRx: now, ctlAt: now}
}

func (c *Conn) open() {
	c.phase = phaseOpen
	c.lastRx = c.now
	c.startTimer(c.set.ping)
}

// Role returns which end of the connection c is.
func (c *Conn) Role() Role { return c.role }

// Open reports whether messages can be sent: the handshake is done, neither
// side has closed and the connection has not failed. A close frame that was
// read ahead counts only once it is answered: see [Conn.SetReadAhead].
func (c *Conn) Open() bool { return c.checkOpen() == nil }

// Err returns why the connection failed, nil while it has not. A closing
// handshake is not a failure. The error is an [Error].
func (c *Conn) Err() error {
	if c.err == 0 {
		return nil
	}
	return c.err
}

// Transport tells what is to become of the transport. It is a level, not an
// event: look after every call.
//
// The side that may close the transport ends its output after a close frame and
// goes on reading until the peer has ended too, so that a reset never eats what
// was sent (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1); the close
// timeout bounds that.
func (c *Conn) Transport() Transport {
	switch {
	case c.has(aborted):
		return TransportAbort
	case c.has(expired):
		return TransportClose
	case c.has(replyHeld):
		return TransportOpen
	case c.has(sawEOF) && c.phase == phaseEnded:
		return TransportClose
	case c.has(unheard):
		return TransportClose
	case c.err != 0, c.role == Server && c.has(closeSent) && c.has(closeGot):
		return TransportHalfClose
	}
	return TransportOpen
}

func (c *Conn) outputLeft() bool { return c.unsent > 0 || c.Pending() > 0 }

// fail ends the connection because of e: a close frame is queued, if one can
// still be sent, and EventFailed is to be reported.
func (c *Conn) fail(e Error) {
	if c.err != 0 {
		return
	}
	was := c.phase
	c.err = e
	c.phase = phaseEnded
	c.flags |= report
	c.flags &^= inFrame | pongPending | pingPending | pingOut | pongWait | replyHeld
	c.hdrLen = 0
	c.endCompressed()
	if code := e.CloseCode(); was == phaseOpen && code != frame.Abnormal && !c.has(closeSent) {
		c.queueClose(code)
	}
	c.beginClosing()
	c.ensureDue()
	if was == phaseHandshake && c.role == Client {
		c.hangUp()
	}
}

// hangUp ends a client's handshake that failed: nothing was said that the
// server must be given time to read.
func (c *Conn) hangUp() {
	c.flags |= unheard
	if c.outputLeft() {
		c.abort()
	}
}

// abort gives up the output: what is left of it cannot be sent.
func (c *Conn) abort() {
	if c.has(closePending) {
		c.closeCode = frame.Abnormal // the peer will not see it
	}
	c.flags |= aborted
	c.flags &^= pongPending | pingPending | closePending | replyHeld
	if c.hs != nil {
		c.hs.out = nil
	}
}

func (c *Conn) queueClose(code frame.CloseCode) {
	c.closeCode = code
	c.flags |= closeSent | closePending
}

// beginClosing hands the due timer to the closing handshake.
//
//go:noinline
func (c *Conn) beginClosing() {
	if c.has(closing) {
		return
	}
	c.flags |= closing
	c.flags &^= pingPending
	c.startTimer(c.set.close)
}

// linger bounds the wait for the peer's end of file where the close timeout is
// off: a peer may never end its output.
const linger = 5 * time.Second

func (c *Conn) ensureDue() {
	if !c.has(hasDue) {
		c.startTimer(linger)
	}
}

// startTimer arms due d from now; 0 disarms it.
//
//go:noinline
func (c *Conn) startTimer(d time.Duration) {
	c.put(hasDue, d > 0)
	c.due = c.now.Add(d)
}

// advance takes the time that the caller tells, clamped so that it never runs
// backwards.
func (c *Conn) advance(now clock.Time) {
	if now <= c.now {
		return
	}
	if c.has(ctlCredit) {
		c.ctlAt += now - c.now
	}
	c.now = now
}
