package websockets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/fb1e3c20/websockets/transport"
)

// A HandlerFunc serves one connection. When it returns, the connection is
// closed:
//
//   - with 1000 after nil;
//   - after an error of this connection, with the Code of the [Error] if one can
//     be sent, such as 1007, and otherwise with 1000; mostly the connection has
//     ended already;
//   - with 1001 after the error of a context that ended from outside;
//   - with 1011 after any other error, an [ErrMisuse] included, and after a
//     panic. A panic is recovered and logged with its stack. A panic with
//     [http.ErrAbortHandler] cuts the connection and is not logged.
//
// An error that wraps one of these counts as that one. Errors that are joined
// count as one of yours if any of them is; [context.Canceled] beside another
// error is taken for its consequence.
//
// ctx carries the values of the request's context and ends with the handler;
// [Conn.Done] tells when the connection has ended, by [Server.Shutdown] for
// example.
type HandlerFunc func(ctx context.Context, c *Conn) error

// Handle returns a Server that calls h for each connection and closes it
// afterwards, whatever happens. Options that are not valid are reported by
// [Options.Validate]; a server with such answers every request with 500 and
// logs why.
func Handle(h HandlerFunc, o *Options) *Server { return &Server{Handler: h, Options: o} }

// ServeHTTP accepts the connection and calls the Handler. It returns when the connection is
// closed, or with [Evented] as soon as it is open: the request's context is then not
// ended by the HTTP server.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.accept(w, r, s.serving...)
	if err != nil {
		s.reportRefused(r, err)
		return
	}
	ctx := c.Request().Context()
	if s.isEvented(c) {
		ctx = context.WithoutCancel(ctx) // the HTTP server ends it when this returns
	}
	s.serve(ctx, c, s.isEvented(c), nil)
	if released := c.held(); released != nil {
		<-released
	}
}

// ServeStream accepts one connection on any byte stream and calls the Handler,
// as ServeHTTP does on a request. It returns when the connection is closed, with [Evented]
// too.
func (s *Server) ServeStream(ctx context.Context, stream transport.Stream) {
	over := make(chan struct{})
	if s.serveStream(ctx, stream, over) {
		<-over
	}
}

// serveStream returns when the connection is closed, or reports true when that is left to
// others; then over is closed.
func (s *Server) serveStream(ctx context.Context, stream transport.Stream, over chan struct{}) (goesOn bool) {
	c, err := s.acceptStream(ctx, stream, s.serving...)
	if err != nil {
		s.reportRefused(c.Request(), err)
		return false
	}
	return s.serve(ctx, c, s.detaches(stream), over)
}

// serve runs the handler and closes the connection, whatever happens, or leaves that to
// others, if it detaches: then it reports true, and over is closed, if it is not nil.
func (s *Server) serve(parent context.Context, c *Conn, detaches bool, over chan struct{}) (goesOn bool) {
	if !s.enter() {
		s.dismiss(c)
		return false
	}
	s.noteDriver(c)
	if detaches {
		s.serveEvented(parent, c, over)
		return true
	}
	defer s.leave()
	ctx, cancel := context.WithCancel(parent)
	defer cancel() // after the connection has ended
	if parent.Done() == nil {
		ctx = lasting{ctx}
	}
	code, err := InternalError, errGoexit
	defer func() { s.finish(c, code, err) }()
	err = s.call(ctx, c)
	code, err = c.verdict(err, parent)
	return false
}

// A lasting context is that of a handler, if it ends for no other reason than that the
// connection has.
type lasting struct{ context.Context }

var _ transport.Lasting = lasting{}

func (lasting) OutlivesConn() {}

// verdict returns the code with which to close after a handler's error, and the
// error as it is reported.
func (c *Conn) verdict(err error, parent context.Context) (CloseCode, error) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return NormalClosure, nil
	case c.isOwn(err, parent):
	case parent.Err() != nil && errors.Is(err, parent.Err()):
		return GoingAway, nil // the handler was asked to stop
	case ok && e.Code.Sendable():
		return e.Code, err
	case ok:
		return NormalClosure, err
	}
	return InternalError, &Error{Kind: ErrUnexpected, Code: InternalError, Err: err}
}

// isOwn reports whether some error that err wraps or joins is neither of the
// connection nor of a context that ended from outside. A cancelled context alone
// explains nothing; beside another error it is the consequence.
func (c *Conn) isOwn(err error, parent context.Context) bool {
	switch e := err.(type) {
	case *Error:
		return e == nil || e.conn != c || errors.Is(e, ErrMisuse)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return c.isOwn(err, parent) })
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return c.isOwn(inner, parent)
		}
	}
	stopped := parent.Err() != nil && errors.Is(err, parent.Err())
	return !stopped && !errors.Is(err, context.Canceled)
}

// finish closes the connection and reports how the handler ended.
func (s *Server) finish(c *Conn, code CloseCode, err error) {
	if isAbort(err) {
		c.CloseNow()
		return
	}
	if !s.reports(err) {
		closeErr := c.Close(code, "")
		if err == nil && s.reports(closeErr) {
			s.report(c.Request(), closeErr)
		}
		return
	}
	// OnError may take its time, and the close frame need not wait for it.
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.Close(code, "")
	}()
	s.report(c.Request(), err)
	<-closed
}

// call calls the handler; a panic becomes an error.
func (s *Server) call(ctx context.Context, c *Conn) (err error) {
	defer s.recoverIn("the handler", c, &err)
	if s.Handler == nil {
		return errNoHandler
	}
	return s.Handler(ctx, c)
}

var (
	errNoHandler = errors.New("websocket: Server.Handler is not set")
	errGoexit    = unexpected(errors.New("websocket: the handler ended its goroutine"))
)

// recoverFrom catches a panic of what the user gave us.
func (s *Server) recoverFrom(what string, r *http.Request, err *error) {
	if p := recover(); p != nil {
		*err = s.caught(what, r, p)
	}
}

// recoverIn is recoverFrom for what was given an open connection.
func (s *Server) recoverIn(what string, c *Conn, err *error) {
	if p := recover(); p != nil {
		*err = s.caught(what, c.Request(), p)
	}
}

// caught logs a panic and makes an error of it.
func (s *Server) caught(what string, r *http.Request, p any) error {
	err := panicked{what, p}
	if !isAbort(err) {
		s.log().Error("websocket: "+what+" panicked", "panic", p, "url", r.URL.Path, "peer", r.RemoteAddr, "stack", string(debug.Stack()))
	}
	return err
}

// panicked is a panic, which has been logged with its stack.
type panicked struct {
	what  string
	value any
}

func (p panicked) Error() string { return fmt.Sprintf("websocket: %s panicked: %v", p.what, p.value) }

// isAbort reports whether err is a panic by which the user wants nothing more
// than to cut the connection, as with net/http.
func isAbort(err error) bool {
	p, ok := errors.AsType[panicked](err)
	return ok && p.value == http.ErrAbortHandler
}

// isCommon reports whether err is one of the ways in which connections end.
func isCommon(err error) bool { return !errors.Is(err, ErrUnexpected) }

// reports reports whether the user wants to know of err.
func (s *Server) reports(err error) bool {
	return err != nil && (s.options.PropagateCommonErrors || !isCommon(err))
}

// reportRefused reports why a request was not accepted.
func (s *Server) reportRefused(r *http.Request, err error) {
	if s.reports(err) {
		s.report(r, err)
	}
}

// report hands err to OnError, or logs it.
func (s *Server) report(r *http.Request, err error) {
	if s.options.OnError != nil {
		var ignored error
		defer s.recoverFrom("Options.OnError", r, &ignored)
		s.options.OnError(r, err)
		return
	}
	if _, logged := errors.AsType[panicked](err); logged {
		return
	}
	level, what := slog.LevelError, "websocket: unexpected error"
	if isCommon(err) {
		level, what = slog.LevelInfo, "websocket: connection ended"
	}
	s.log().Log(context.Background(), level, what, "url", r.URL.Path, "peer", r.RemoteAddr, "error", err)
}
