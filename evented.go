package websockets

import (
	"context"
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock/wheel"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A Driver is how the connections of [HandleEvents] wait for input: [Blocking] has a
// goroutine for each, and [Evented] none while a connection is idle, over TCP without TLS
// on Linux.
type Driver int

const (
	// Blocking has a goroutine wait for each connection, on every system and over
	// everything. Of [HandleEvents] on a plain socket of a Unix system it is one with a
	// small stack.
	Blocking Driver = iota

	// Evented has few goroutines wait for all connections of [HandleEvents]: an idle
	// one has no goroutine. It is for TCP without TLS on Linux, by [Server.Serve] on a
	// [*tcp.Listener] or by net/http over HTTP/1.1, and for listeners of your own whose
	// streams are [transport.Polled]; all others are served as with Blocking, also
	// where a type of your own is around the listener or the connection. The server logs
	// the first such connection, for debugging, and where the system has nothing of the
	// kind it warns of that.
	//
	// The handler then runs in the goroutines that wait. When a call computes or waits for
	// long, that goroutine stays with its connection and another one goes on for the
	// others: after 4 to 8 ms, and after 1 to 2 within a second of such a case. Where several
	// do, each has a goroutine from the start, until they return within a millisecond again.
	// 65,536 may be busy so at a time; when there are more, input waits. [Conn.Driver]
	// tells which driver a connection has got.
	//
	// Timeouts and pings of such a server's connections may be up to 10 ms late.
	Evented
)

func (d Driver) String() string {
	switch d {
	case Blocking:
		return "blocking"
	case Evented:
		return "evented"
	}
	return "unknown driver"
}

// startPoller makes a Poller, if the Options want one and there is use for it.
func (s *Server) startPoller() {
	if s.events == nil || s.wrapped || s.options.Driver != Evented {
		return
	}
	p, err := tcp.NewPoller(0)
	if err != nil {
		s.log().Warn("websocket: every connection has a goroutine: Options.Driver is not to be had here", "error", err)
		return
	}
	s.poller = p
}

// wheelTick is how late the deadlines of a server with a Poller may be.
const wheelTick = 10 * time.Millisecond

// attendant makes the Attendant. Where idle connections are to take little, all share one
// timer.
func (s *Server) attendant() *transport.Attendant {
	clk := s.options.clock()
	if s.poller == nil {
		return transport.NewAttendant(clk)
	}
	return transport.NewAttendantWithTimers(clk, wheel.New(clk, wheelTick))
}

// acceptFrom accepts a stream, of the Poller's if it can be.
func (s *Server) acceptFrom(l Listener) (transport.Stream, error) {
	if l, ok := l.(*tcp.Listener); ok && s.poller != nil {
		return s.poller.Accept(l)
	}
	return l.AcceptStream()
}

// attends reports whether the handshake on stream, too, is left to goroutines that come and
// go.
func (s *Server) attends(stream transport.Stream) bool { return !s.isSlow() && s.detaches(stream) }

// isSlow reports whether a connection may take its time to begin, so that each has a
// goroutine for it: where functions of the Options are asked, and where an OnOpen did.
func (s *Server) isSlow() bool { return s.shows || s.slow.Load() > 0 }

// An OnOpen that takes longer than slowOpen is a slow one; then the next slowFor
// connections are taken for slow, too.
const (
	slowOpen = time.Millisecond
	slowFor  = 64
)

// tookToOpen learns from an OnOpen.
func (s *Server) tookToOpen(d time.Duration) {
	switch {
	case d > slowOpen:
		s.slow.Store(slowFor)
	case s.slow.Load() > 0:
		s.slow.Add(-1)
	}
}

// isReleased reports whether the connection has let go of its stream: Close does not wait.
func (s *Server) isReleased(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.released
}

// isEvented reports whether a poller delivers the messages of c.
func (s *Server) isEvented(c *Conn) bool {
	if s.events == nil || s.wrapped || s.options.Driver != Evented {
		return false
	}
	_, polled := c.t.Stream().(transport.Polled)
	return polled
}

// detaches reports whether messages over stream are delivered by goroutines that come and go,
// and not by the one that accepted it.
func (s *Server) detaches(stream transport.Stream) bool {
	if s.events == nil || s.wrapped {
		return false
	}
	_, polled := stream.(transport.Polled)
	_, sleeper := stream.(transport.Sleeper)
	return sleeper || polled && s.options.Driver == Evented
}

// noteDriver logs once that a connection has a goroutine where the Options want none.
func (s *Server) noteDriver(c *Conn) {
	if s.events == nil || s.options.Driver != Evented || s.isEvented(c) {
		return
	}
	s.warned.driver.Do(func() {
		s.log().Debug("websocket: a connection is served by a goroutine, not by Options.Driver: it is not a plain TCP socket, or a type is around its listener or the handler",
			"stream", fmt.Sprintf("%T", c.t.Stream()))
	})
}

// evented is a connection whose messages goroutines deliver that come and go.
type evented struct {
	lifetime               // of the handler's context
	over     chan struct{} // closed when OnClose has returned; nil if nobody waits
}

var _ transport.Sink = (*evented)(nil)

// serveEvented calls OnOpen and begins to deliver.
func (s *Server) serveEvented(parent context.Context, c *Conn, over chan struct{}) {
	c.handledIn(parent)
	e := &evented{lifetime{c: c}, over}
	if e.begin() {
		c.t.Deliver(e, transport.DeliverOptions{Lend: s.options.LendMessages})
	}
}

// begin calls OnOpen. It reports whether messages are to follow.
func (e *evented) begin() (more bool) {
	var own error
	returned := false
	defer func() {
		if returned && own == nil {
			return
		}
		go e.finish(own, e.c.server.failed(e.c, returned, own, recover())) // which waits for the peer
	}()
	began := time.Now()
	own = e.c.server.events.OnOpen(&e.lifetime, e.c)
	returned = true
	e.c.server.tookToOpen(time.Since(began))
	return own == nil
}

// Message implements [transport.Sink].
func (e *evented) Message(op frame.Opcode, p []byte) (more bool) {
	if e.c.closing.Load() {
		return true
	}
	var own error
	returned := false
	defer func() {
		if returned && own == nil {
			return
		}
		go e.finish(own, e.c.server.failed(e.c, returned, own, recover()))
	}()
	own = e.c.server.events.OnMessage(&e.lifetime, e.c, Message{op, p})
	returned = true
	return own == nil
}

// failed returns why the handler ended: own is its error, and panicked what recover returned.
func (s *Server) failed(c *Conn, returned bool, own error, panicked any) error {
	switch {
	case returned:
		return own
	case panicked != nil:
		return s.caught("the handler", c.Request(), panicked)
	}
	return errGoexit
}

// End implements transport.Sink. After an error of the handler's there is nothing left to do.
func (e *evented) End(err error) {
	_, shared := e.c.t.Stream().(transport.Polled) // the goroutine
	switch {
	case err == nil:
	case !shared || e.c.server.isReleased(e.c):
		e.finish(nil, e.c.wrap(err))
	default:
		go e.finish(nil, e.c.wrap(err)) // which waits for the peer
	}
}

// finish closes the connection after err, calls OnClose, and reports.
func (e *evented) finish(own, err error) {
	c := e.c
	s := c.server
	if e.over != nil {
		defer close(e.over)
	}
	defer s.leave()
	defer e.lifetime.end()
	code, reported := c.verdict(err, e.parent())
	defer func() { s.finish(c, code, reported) }()
	s.onClose(c, c.ended(&e.lifetime, own, err))
}

// arrival is evented from its handshake on.
type arrival struct {
	evented
	conn   Conn
	opened bool // the handshake is done
}

var _ transport.Answerer = (*arrival)(nil)

// attend has others shake hands with the client of stream, and serve it.
func (s *Server) attend(stream transport.Stream) {
	a := &arrival{}
	a.c = &a.conn
	if err := s.begin(context.Background(), a.c, stream, s.serving); err != nil {
		go s.reportRefused(a.c.Request(), err) // OnError may do anything
		return
	}
	a.c.t.Deliver(a, transport.DeliverOptions{Lend: s.options.LendMessages, Detach: true})
}

// Answer implements [transport.Answerer].
func (a *arrival) Answer(r *core.Request) (more bool) {
	s := a.c.server
	returned := false
	defer func() {
		if !returned { // a function of the Options has ended the goroutine
			s.leave()
		}
	}()
	refusal := s.answer(a.c, r)
	returned = true
	if refusal != nil {
		go a.refuse(refusal)
		return false
	}
	a.opened = true
	s.noteDriver(a.c)
	return a.begin()
}

// End implements transport.Sink.
func (a *arrival) End(err error) {
	switch {
	case a.opened:
		a.evented.End(err)
	case err != nil:
		go a.refuse(func() error { return a.c.server.refuseStream(a.c, err) })
	}
}

// refuse ends a handshake that led to nothing. It may wait for the peer.
func (a *arrival) refuse(refusal func() error) {
	s := a.c.server
	defer s.leave()
	s.reportRefused(a.c.Request(), s.refuseAs(a.c, refusal))
}
