package websockets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// A HandlerFunc serves one connection. When it returns, the connection is
// closed: with 1000 after nil or an error of the connection itself, with 1001
// after the error of a context that ended from outside, with 1011 after any
// other error and after a panic. ctx carries the values of the
// request's context and ends with the handler; [Conn.Done] tells when the
// connection has ended.
type HandlerFunc func(ctx context.Context, c *Conn) error

// A Server accepts WebSocket connections. It is an [http.Handler] when it has a
// Handler; [Handle] makes one. The zero Server is ready for [Server.Accept].
// Its fields must not be changed once it is in use, its methods may be called
// from any goroutine.
type Server struct {
	Handler HandlerFunc
	Options *Options // nil: the zero Options

	once     sync.Once
	err      error // the Options are not valid
	settings *core.Settings
	att      *transport.Attendant

	warnPing, warnOrigin sync.Once

	mu       sync.Mutex
	conns    map[*Conn]struct{} // whose transport is not released
	handlers int                // that run, and calls of Accept
	closing  bool
	idle     chan struct{} // closed when closing and nothing is left
}

// Handle returns a Server that calls h for each connection and closes it
// afterwards, whatever happens. Options that are not valid are reported by
// [Options.Validate]; a server with such answers every request with 500 and
// logs why.
func Handle(h HandlerFunc, o *Options) *Server { return &Server{Handler: h, Options: o} }

// Accept accepts one connection from an HTTP server. To shut connections down
// together, use a [Server].
func Accept(w http.ResponseWriter, r *http.Request, o *Options) (*Conn, error) {
	return (&Server{Options: o}).Accept(w, r)
}

func (s *Server) init() error {
	s.once.Do(func() {
		if s.Options == nil {
			s.Options = &Options{}
		}
		s.settings, s.err = s.Options.settings()
		s.att = transport.NewAttendant(clockOf(s.Options))
		s.conns = make(map[*Conn]struct{})
		s.idle = make(chan struct{})
	})
	return s.err
}

func clockOf(o *Options) clock.Clock {
	if o.Clock != nil {
		return o.Clock
	}
	return real.New()
}

func (s *Server) log() *slog.Logger { return loggerOf(s.Options) }

func loggerOf(o *Options) *slog.Logger {
	if o != nil && o.Logger != nil {
		return o.Logger
	}
	return slog.Default()
}

// ServeHTTP accepts the connection and calls the Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.Accept(w, r)
	if err != nil {
		s.report(r, err)
		return
	}
	s.serve(r.Context(), c)
}

// serve runs the handler and closes the connection.
func (s *Server) serve(parent context.Context, c *Conn) {
	if !s.enter() {
		c.Close(GoingAway, "")
		return
	}
	defer s.leave()
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	err := s.call(ctx, c)
	code := NormalClosure
	switch {
	case parent.Err() != nil && errors.Is(err, parent.Err()):
		code, err = GoingAway, nil // the handler was asked to stop
	case isOurs(err):
		code = InternalError
	}
	s.report(c.request, err)
	if closeErr := c.Close(code, ""); err == nil {
		s.report(c.request, closeErr)
	}
}

// call calls the handler; a panic becomes an error.
func (s *Server) call(ctx context.Context, c *Conn) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		s.log().Error("websocket: the handler panicked", "panic", p, "url", urlOf(c.request), "peer", peerOf(c.request), "stack", string(debug.Stack()))
		err = &Error{Kind: ErrUnexpected, Code: InternalError, Err: panicked{p}}
	}()
	if s.Handler == nil {
		return errNoHandler
	}
	return s.Handler(ctx, c)
}

var errNoHandler = errors.New("websocket: Server.Handler is not set")

// panicked is a panic of the handler, which has been logged with its stack.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("websocket: the handler panicked: %v", p.value) }

// isOurs reports whether err is the handler's own, or its misuse of the
// connection: neither nil nor a way in which a connection ends.
func isOurs(err error) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*Error](err)
	return !ok || e.Kind == ErrUnexpected || errors.Is(e, ErrMisuse)
}

// report hands err to OnError, if it is one that the user wants to see.
func (s *Server) report(r *http.Request, err error) {
	if err == nil {
		return
	}
	common := !isOurs(err)
	if common && !s.Options.PropagateCommonErrors {
		return
	}
	if s.Options.OnError != nil {
		s.Options.OnError(r, err)
		return
	}
	if _, logged := errors.AsType[panicked](err); logged {
		return
	}
	level := slog.LevelError
	if common {
		level = slog.LevelInfo
	}
	s.log().Log(context.Background(), level, "websocket: connection failed", "url", urlOf(r), "peer", peerOf(r), "error", err)
}

func urlOf(r *http.Request) string {
	if r == nil || r.URL == nil {
		return ""
	}
	return r.URL.Path
}

func peerOf(r *http.Request) string {
	if r == nil {
		return ""
	}
	return r.RemoteAddr
}

// enter counts a handler or an Accept that begins; false while shutting down.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.handlers++
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers--
	s.checkIdle()
}

// track counts a connection; false while shutting down.
func (s *Server) track(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if !c.released {
		s.conns[c] = struct{}{}
	}
	return true
}

func (s *Server) untrack(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.released = true
	delete(s.conns, c)
	s.checkIdle()
}

func (s *Server) checkIdle() {
	if s.closing && len(s.conns) == 0 && s.handlers == 0 {
		select {
		case <-s.idle:
		default:
			close(s.idle)
		}
	}
}

// Shutdown closes all connections with 1001 (going away), refuses new ones
// with 503, and waits until all are closed and their handlers have returned.
// When ctx ends first, it cuts what is left and returns the error of ctx.
//
// [http.Server.Shutdown] knows nothing of connections that have become
// WebSockets: call both, this one first, so that who still comes is refused.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.init(); err != nil {
		return nil
	}
	for _, c := range s.close() {
		go c.Close(GoingAway, "")
	}
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
	}
	for _, c := range s.close() {
		c.CloseNow()
	}
	return ctx.Err()
}

// close stops the server from accepting and returns its connections.
func (s *Server) close() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	s.checkIdle()
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}
