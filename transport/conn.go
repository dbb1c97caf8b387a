package transport

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Conn drives a [Machine] over a [Stream] by an [Attendant]'s clock.
//
// Any method may be called from any goroutine. No goroutine belongs to a Conn
// that is idle or being read: the caller's Receive reads. One exists only
// while the carrier takes no output.
type Conn struct {
	stream Stream
	att    *Attendant

	mu    sync.Mutex
	m     Machine
	timer clock.Timer
	armed clock.Time // when the timer fires; with isArmed

	reading turn      // to read the stream and parse what came
	polling *delivery // has it, and decides how to wait
	in      input
	ahead   ahead
	seldom  *seldom

	receiving turn // to take messages: held from the first to the last byte of one
	incoming  *incoming

	composing turn // to send messages in fragments: held by a Writer

	writing turn  // to write the stream
	out     queue // frames that wait for the turn
	batch   queue // frames that are being written
	lent    int   // bytes of a sender's memory that follow the batch
	room    chan struct{}

	pings    *pings // nil before the first Ping
	observer Observer

	err   error // how the connection ended for its users
	fate  *fate
	stats counters

	holds       bool // the application answers the peer's close frame
	handshaking bool // messages do not flow yet
	lingers     bool // the stream is needed, whatever the machine says
	parked      bool // whoever has the turn to read waits in AwaitRead
	blocked     bool // the carrier took no more output at the last attempt

	isArmed    bool
	pingSeen   bool // and the observer has not heard of it
	following  bool // messages that were parsed are still to be given to a Sink
	inSoon     bool // in the attendant's queue of corked replies
	inBusy     bool // in the attendant's queue of busy applications
	ending     bool // Machine.Transport may say more than open
	atEOF      bool
	within     bool // a message that was parsed has not come to its end
	released   bool
	delivering bool // a Sink gets the messages
	discarding bool // messages are thrown away: none that follows is given out
}

// An Option sets up a Conn.
type Option struct {
	observer Observer
	holds    bool
}

// An Observer hears what becomes of a Conn. Its methods must neither block nor call
// methods of the Conn.
type Observer interface {
	// Pinged is called after a ping of the peer, at most once for each time that
	// input is looked at.
	Pinged()

	// Released is called once, when the connection has let go of its stream and
	// of its machine.
	Released()
}

// Observe has o hear of the Conn. Default: nobody does.
func Observe(o Observer) Option { return Option{observer: o} }

func (o Option) setUp(c *Conn) {
	if o.observer != nil {
		c.observer = o.observer
	}
	c.holds = c.holds || o.holds
}

// HoldClose has a close frame of the peer answered only when [Conn.Close] is
// called, or at the close timeout. Until then Receive returns the [*CloseError],
// as often as it is called, but the connection has not ended: messages may be
// sent.
func HoldClose() Option { return Option{holds: true} }

// NewConn drives m over s. The machine and the stream belong to the Conn from
// now on. A [Releaser] is released when the Conn lets go of its stream.
func NewConn(m Machine, s Stream, a *Attendant, options ...Option) *Conn {
	c := &Conn{m: m, stream: s, att: a, handshaking: !m.Open()}
	for _, o := range options {
		o.setUp(c)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.handshaking {
		c.opened()
	}
	c.setReadAhead(false)
	c.flush()
	c.rearm()
	c.becomeBusy()
	if f, ok := m.(Failer); ok {
		f.OnFailure(c.machineFailed)
	}
	return c
}

// Stream returns the carrier. Only its addresses and the like are of use to
// others than the Conn.
func (c *Conn) Stream() Stream { return c.stream }

// now returns the present instant of the Conn's clock.
func (c *Conn) now() clock.Time { return c.att.clk.Now() }

// Role returns which end of the connection c is.
func (c *Conn) Role() core.Role {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m.Role()
}

// Compressed reports whether both sides have agreed to compress messages, false before
// the connection is open.
func (c *Conn) Compressed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.in.compressed
}

// Compression returns what both sides have agreed on, false if nothing is compressed.
func (c *Conn) Compression() (agreed deflate.Params, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.in.compressed {
		return agreed, false
	}
	return compressionOf(c.m)
}

// Err returns how the connection ended, nil while it has not: a [*CloseError],
// a [*LostError], a [core.Error], [ErrClosed], or the error of a [Failer].
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Done returns a channel that is closed when the connection has ended, for
// whatever reason; [Conn.Err] tells it then.
func (c *Conn) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.ends()
	if f.done == nil {
		f.done = make(chan struct{})
		if c.err != nil {
			close(f.done)
		}
	}
	return f.done
}

// end notes how the connection ended. The first reason stays.
func (c *Conn) end(err error) {
	c.ending = true
	c.handshaking = false
	if c.err != nil {
		return
	}
	c.err = err
	c.fate.close()
	c.freeRoom()
	c.pings.fail()
	c.dismiss()
	c.fate.notify()
	if c.parked {
		c.stream.KickRead()
	}
}

// dismiss sends away those who wait for a Reader or a Writer, which may never be
// closed, or for a Sink. The connection has ended.
func (c *Conn) dismiss() {
	if c.incoming.hasReader() || c.delivering {
		c.receiving.dismiss()
	}
	if c.hasWriter() {
		c.composing.dismiss()
	}
}

// answers reports whether the peer's close code says no more than that it
// agrees to ours.
func answers(ours, theirs frame.CloseCode) bool {
	return theirs == ours || theirs == frame.NormalClosure || theirs == frame.NoStatus
}

// observe acts on an event that is nothing to the caller of Receive.
func (c *Conn) observe(ev core.Event) {
	switch ev.Kind {
	case core.EventPing:
		c.pingSeen = true
		c.stats.PingsReceived++
	case core.EventPong:
		c.matchPong(ev)
	case core.EventClose:
		err := &CloseError{Code: ev.Code, Reason: string(ev.Data), Local: c.fate.isAnsweredBy(ev.Code), Incomplete: c.within}
		if c.ahead.len() > 0 || c.following {
			c.ahead.endWith(err)
			return
		}
		c.closedByPeer(err)
	case core.EventFailed:
		c.end(c.failure())
	}
}

// failure returns why the machine failed, with what the carrier said.
func (c *Conn) failure() error {
	err := c.m.Err()
	if err != core.ErrLost && err != core.ErrHandshakeLost {
		return err
	}
	cause := c.fate.carrierErr()
	if cause == nil {
		cause = io.ErrUnexpectedEOF
	}
	return &LostError{err.(core.Error), cause}
}

// machineFailed ends a connection whose machine is a [Failer], and has failed.
func (c *Conn) machineFailed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return
	}
	c.observe(c.m.Tick(c.now()))
	c.settle()
}

// inputEnded tells the machine that reading ended with err.
func (c *Conn) inputEnded(err error) {
	c.ending = true
	c.atEOF = true
	if errors.Is(err, io.EOF) {
		c.observe(c.m.RecvEOF(c.now()))
		return
	}
	c.ends().broken(err)
	c.observe(c.m.Lost(c.now()))
}

// settle does to the stream what the machine has decided.
func (c *Conn) settle() {
	if !c.ending || c.released || c.lingers {
		return
	}
	switch c.m.Transport() {
	case core.TransportHalfClose:
		if f := c.ends(); !f.halfShut && c.flushed() {
			f.halfShut = true
			c.closeWrite()
		}
	case core.TransportClose:
		if c.flushed() {
			c.release(Stream.Close)
		}
	case core.TransportAbort:
		c.release(Stream.Abort)
	}
}

// closeWrite ends the output. A carrier that cannot do that alone is closed
// once the closing handshake is done; after a failure it is read on, since the
// peer may still be writing what a close would make it lose our close frame by.
func (c *Conn) closeWrite() {
	err := c.stream.CloseWrite()
	if errors.Is(err, errors.ErrUnsupported) && c.m.Err() == nil {
		c.release(Stream.Close)
	}
}

// release lets go of the stream. Whoever waits in it wakes.
func (c *Conn) release(how func(Stream) error) {
	if c.released {
		return
	}
	c.released = true
	c.endHold()
	if end := c.ahead.ending(); end != nil {
		c.end(end)
	}
	if c.m.Err() != nil {
		c.end(c.failure())
	}
	c.end(ErrClosed)
	_ = how(c.stream)
	Release(c.m)
	if c.timer != nil {
		c.timer.Stop()
	}
	c.seldom.stopWatch()
	c.fate.notify()
	if c.observer != nil {
		c.observer.Released()
	}
	c.freeRoom()
	if !c.reading.held() {
		c.in.release()
	}
	if !c.writing.held() {
		c.out.release()
	}
}

// rearm sets the timer to the machine's deadline, if it would come too late
// else. A timer that comes too early is left: it costs less than moving it
// with every message.
func (c *Conn) rearm() {
	if c.released {
		return
	}
	at, why := c.m.Deadline()
	if why == core.TimerNone || c.isArmed && c.armed <= at {
		return
	}
	c.arm(at)
}

func (c *Conn) arm(at clock.Time) {
	if c.timer == nil {
		c.timer = c.att.timers.NewTimer(c.onTimer)
	}
	c.isArmed = true
	c.armed = at
	c.timer.Reset(at)
}

// aMoment is how long a verdict waits for a reader that has its input.
const aMoment = 10 * soonPeriod

func (c *Conn) onTimer() {
	c.mu.Lock()
	defer c.unlockAndTell()
	c.isArmed = false
	if c.released {
		return
	}
	now := c.now()
	at, why := c.m.Deadline()
	if why == core.TimerNone || at > now {
		c.rearm()
		return
	}
	if c.reading.try() {
		c.readAhead()
		c.passReading()
		if c.released {
			return
		}
	} else if judgesLife(why) && (!c.parked || c.stream.Readable()) {
		c.arm(now.Add(aMoment))
		return
	}
	if why == core.TimerPing {
		now = at // a verdict that has become due as well comes by itself
	}
	c.observe(c.m.Tick(now))
	if !c.m.Open() {
		c.ending = true
		c.endHold()
	}
	c.flush()
	c.settle()
	c.rearm()
}

func judgesLife(why core.Timer) bool {
	return why == core.TimerPong || why == core.TimerConnection
}

// unlockAndTell unlocks and then calls what must not be called under the lock.
func (c *Conn) unlockAndTell() {
	seen := c.pingSeen && c.observer != nil
	c.pingSeen = false
	c.mu.Unlock()
	if seen {
		c.observer.Pinged()
	}
}

// becomeBusy enters the attendant's queue of connections that nobody reads.
func (c *Conn) becomeBusy() {
	if !c.inBusy && !c.released && !c.handshaking && !c.reading.held() {
		c.inBusy = true
		c.att.busy.add(c)
	}
}

// visitBusy reads for a connection whose application does not.
func (c *Conn) visitBusy() (stays bool) {
	c.mu.Lock()
	defer c.unlockAndTell()
	if c.released || !c.reading.try() {
		c.inBusy = c.visitIdle()
		return c.inBusy
	}
	c.readAhead()
	c.passReading()
	c.unattended()
	c.flush()
	c.settle()
	c.rearm()
	if c.released {
		c.inBusy = false
		return false
	}
	return true
}

// lookSoon enters the attendant's queue of what must not wait long.
func (c *Conn) lookSoon() {
	if !c.inSoon {
		c.inSoon = true
		c.att.soon.add(c)
	}
}

// visitSoon writes corked replies, and looks for the pong that someone waits
// for while nobody reads.
func (c *Conn) visitSoon() (stays bool) {
	c.mu.Lock()
	defer c.unlockAndTell()
	c.inSoon = false
	if c.released {
		return false
	}
	if c.pings.wait() && c.reading.try() {
		c.inSoon = true
		if c.pings.look() {
			c.readAhead()
		}
		c.passReading()
		stays = !c.released
		c.inSoon = stays
	}
	c.flush()
	c.settle()
	c.rearm()
	return stays
}

// AwaitRequest reads until a client's handshake request is complete. The
// request is valid until it is answered. It is for a server whose machine does
// the HTTP/1.1 handshake. When ctx ends the connection is closed.
func (c *Conn) AwaitRequest(ctx context.Context) (*core.Request, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.takeReading(ctx); err != nil {
		return nil, err
	}
	defer c.passReading()
	if c.requested() {
		return c.m.Request(), nil
	}
	if err := c.awaitHandshake(ctx, core.EventRequest); err != nil {
		return nil, err
	}
	return c.m.Request(), nil
}

// Accept answers the request and opens the connection.
func (c *Conn) Accept(o core.AcceptOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return c.err
	}
	if err := c.m.Accept(c.now(), o); err != nil {
		return c.misuse(err)
	}
	c.opened()
	if !c.reading.held() {
		c.in.more = c.in.buf != nil
	}
	c.flush()
	c.takeBackOpening()
	c.rearm()
	c.becomeBusy()
	return nil
}

// Reject answers the request with an HTTP status and closes the connection,
// as [Conn.Close] does.
func (c *Conn) Reject(o core.RejectOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return c.err
	}
	if err := c.m.Reject(c.now(), o); err != nil {
		return c.misuse(err)
	}
	c.end(core.ErrRejected)
	c.flush()
	c.settle()
	c.rearm()
	c.drain()
	return nil
}

// Opened is what a client's handshake agreed on.
type Opened struct {
	Response    *core.Response // nil if the server sent none that could be read
	Subprotocol string
	Body        []byte // of a refusal: what came of it within a second, at most 4 KiB
}

// AwaitOpen reads until a client's handshake is done. With an error, Opened
// tells what the server answered, if it did. When ctx ends the connection is
// closed.
func (c *Conn) AwaitOpen(ctx context.Context) (Opened, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.takeReading(ctx); err != nil {
		return Opened{}, err
	}
	defer c.passReading()
	c.lingers = true
	defer func() {
		c.lingers = false
		c.settle()
	}()
	err := c.awaitHandshake(ctx, core.EventOpen)
	o := Opened{Response: c.m.Response(), Subprotocol: c.m.Subprotocol()}
	if err == core.ErrStatus {
		o.Body = c.readRefusal(ctx, o.Response)
	}
	if err != nil {
		return o, err
	}
	c.opened()
	return o, nil
}

// opened notes that messages flow.
func (c *Conn) opened() {
	c.handshaking = false
	_, c.in.compressed = compressionOf(c.m)
}

// requested reports whether a request waits for its answer.
func (c *Conn) requested() bool { return c.handshaking && c.m.Request() != nil }

// awaitHandshake waits for a step of the handshake, with the turn to read.
func (c *Conn) awaitHandshake(ctx context.Context, kind core.EventKind) error {
	if !c.handshaking {
		return c.misuse(core.ErrNoRequest)
	}
	ev, err := c.next(ctx, largeBuffer)
	if err == nil && ev.Kind != kind {
		return core.ErrNoRequest
	}
	if err != nil && c.err == nil && ctx.Err() != nil {
		c.release(Stream.Abort)
	}
	return err
}

// misuse returns the error of a call that the machine refused: how the
// connection ended, if that is why.
func (c *Conn) misuse(err error) error {
	switch err {
	case core.ErrNotOpen, core.ErrCloseSent, core.ErrNoRequest:
		if c.err != nil {
			return c.err
		}
		if end := c.ahead.ending(); end != nil {
			return end
		}
		if c.m.Err() != nil {
			return c.failure() // of which machineFailed is about to tell
		}
	}
	return err
}
