package websockets

import (
	"context"
	"reflect"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// An EventHandler serves connections by events. The calls for one connection
// follow one another, each after the one before has returned, though not always
// in the same goroutine; those for different connections run at once. While a
// call runs, messages of its connection wait and control frames are answered; it may
// take its time, on every [Driver]. c may be used by anybody and in every way
// but to receive, which is an [ErrMisuse] while the connection lasts; [Conn.Close] ends the connection.
//
// ctx carries the values of the request's context and ends after OnClose.
type EventHandler interface {
	// OnOpen is called first. If it returns an error, no message follows.
	OnOpen(ctx context.Context, c *Conn) error

	// OnMessage is called with each message, in order; m.Data belongs to it, unless
	// Options.LendMessages is set. If it returns an error, no message follows, nor
	// once this side has begun to close, with Close, CloseNow or Shutdown.
	OnMessage(ctx context.Context, c *Conn, m Message) error

	// OnClose is called last, exactly once if OnOpen was called, when the
	// connection has ended: nothing can be sent any more. err tells how: it
	// is what OnOpen or OnMessage returned, if that ended the connection, and
	// an *[Error] otherwise.
	OnClose(c *Conn, err error)
}

// HandleEvents returns a Server that calls the methods of h for each
// connection. After an error of OnOpen or OnMessage, and after a panic in them,
// the connection is closed as after that of a [HandlerFunc]; then OnClose is called, and
// the error reported. A panic in OnClose comes too late for
// a close code: it is recovered, logged with its stack and reported.
//
// With [Evented] as Options.Driver an idle connection has no goroutine; otherwise it has
// one with a small stack, on a plain socket of a Unix system.
//
// A program may set Handler to a function of its own that calls the one that was there, to
// add something to both ends of a connection; then every connection keeps its
// goroutine.
func HandleEvents(h EventHandler, o *Options) *Server {
	s := &Server{Options: o, events: h}
	if h != nil {
		s.Handler = s.handleEvents
	}
	return s
}

// isWrapped reports whether Handler is not what HandleEvents has set.
func (s *Server) isWrapped() bool {
	return reflect.ValueOf(s.Handler).Pointer() != reflect.ValueOf(s.handleEvents).Pointer()
}

func (s *Server) handleEvents(ctx context.Context, c *Conn) error {
	err := errGoexit
	var own error
	defer func() {
		s.onClose(c, c.ended(ctx, own, err))
	}()
	own, err = s.deliver(ctx, c)
	return err
}

// deliver calls OnOpen and OnMessage until the connection ends. own is what one
// of them returned.
func (s *Server) deliver(ctx context.Context, c *Conn) (own, err error) {
	defer s.recoverIn("the handler", c, &err)
	if err := s.events.OnOpen(ctx, c); err != nil {
		return err, err
	}
	r := recipient{ctx: ctx, c: c, h: s.events}
	c.t.Deliver(&r, transport.DeliverOptions{Lend: s.options.LendMessages, Wait: true})
	return r.own, r.err
}

// A recipient calls OnMessage.
type recipient struct {
	ctx      context.Context
	c        *Conn
	h        EventHandler
	own, err error // what OnMessage returned, and how it ended
}

func (r *recipient) Message(op frame.Opcode, p []byte) (more bool) {
	if r.c.closing.Load() {
		return true
	}
	r.own = r.h.OnMessage(r.ctx, r.c, Message{op, p})
	return r.own == nil
}

func (r *recipient) End(err error) {
	r.err = r.own
	if r.own == nil {
		r.err = r.c.wrap(err)
	}
}

// ended closes the connection after err and returns how it ended, for OnClose.
func (c *Conn) ended(ctx context.Context, own, err error) error {
	code, reported := c.verdict(err, ctx)
	if isAbort(err) {
		c.CloseNow()
	} else {
		c.Close(code, "")
	}
	switch {
	case own != nil:
		return own
	case code == InternalError:
		return reported // a panic
	}
	return c.Err()
}

func (s *Server) onClose(c *Conn, err error) {
	if failed := s.callOnClose(c, err); failed != nil && !isAbort(failed) {
		s.report(c.Request(), unexpected(failed))
	}
}

// callOnClose calls OnClose; a panic becomes an error.
func (s *Server) callOnClose(c *Conn, how error) (err error) {
	defer s.recoverIn("OnClose", c, &err)
	s.events.OnClose(c, how)
	return nil
}
