package websockets

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A Server accepts WebSocket connections: as an [http.Handler], or on listeners
// of its own with [Server.Serve]. It calls its Handler for each; [Handle],
// [HandleConcurrent] and [HandleEvents] make Servers with one. The zero Server
// is ready for [Server.Accept].
//
// Its fields must not be changed once it is in use, its methods may be called
// from any goroutine.
type Server struct {
	Handler HandlerFunc
	Options *Options // nil: the zero Options

	events EventHandler // of HandleEvents

	serving []transport.Option // of the connections that Handler is called for

	once     sync.Once
	err      error   // the Options are not valid
	options  Options // a copy
	settings *core.Settings
	att      *transport.Attendant
	warned   *warnings
	shows    bool         // requests, to functions of the user
	wrapped  bool         // Handler is not the one of HandleEvents
	poller   *tcp.Poller  // nil: every connection has a goroutine
	slow     atomic.Int32 // so many connections that come may take their time to begin

	mu        sync.Mutex
	conns     *Conn                  // whose transport is not released: one of their ring
	listeners map[*Listener]struct{} // of the calls of Serve
	handlers  int                    // that run, and calls of Accept and Serve
	cut       bool                   // the patience of Shutdown is over
	stopping  chan struct{}          // closed by Shutdown
	idle      chan struct{}          // closed when shutting down and nothing is left
}

// Accept accepts one connection from an HTTP server, as [Server.Accept] does, which
// tells what holds over HTTP/2. To shut connections down
// together, and to have them share their timers, use a [Server].
func Accept(w http.ResponseWriter, r *http.Request, o *Options) (*Conn, error) {
	return (&Server{Options: o, warned: &acceptWarned}).Accept(w, r)
}

// warnings are what is logged once.
type warnings struct{ ping, origin, driver sync.Once }

// acceptWarned is for the function Accept, which knows no server.
var acceptWarned warnings

func (s *Server) init() error {
	s.once.Do(func() {
		if s.Options != nil {
			s.options = *s.Options
		}
		if s.warned == nil {
			s.warned = &warnings{}
		}
		s.settings, s.err = s.options.settings()
		s.shows = s.options.showRequests()
		s.listeners = make(map[*Listener]struct{})
		s.stopping = make(chan struct{})
		s.idle = make(chan struct{})
		s.wrapped = s.isWrapped()
		s.startPoller()
		s.att = s.attendant()
	})
	return s.err
}

func (s *Server) log() *slog.Logger {
	if s.options.Logger != nil {
		return s.options.Logger
	}
	return slog.Default()
}

func (s *Server) isClosing() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// enter counts a handler, an Accept or a Serve that begins; false while
// shutting down.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
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

// track counts a connection until it is released; false while shutting down.
func (s *Server) track(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.released {
		s.link(c)
	}
	return !s.isClosing()
}

// dismiss closes a connection that came while shutting down.
func (s *Server) dismiss(c *Conn) {
	s.mu.Lock()
	cut := s.cut
	s.mu.Unlock()
	if cut {
		c.CloseNow()
		return
	}
	c.Close(GoingAway, "")
}

func (s *Server) untrack(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.released = true
	s.unlink(c)
	s.checkIdle()
}

func (s *Server) checkIdle() {
	if s.isClosing() && s.conns == nil && s.handlers == 0 {
		select {
		case <-s.idle:
		default:
			close(s.idle)
		}
	}
}

// Shutdown closes all connections with 1001 (going away) and the listeners of
// [Server.Serve], refuses new connections, with 503 over net/http, and waits
// until all are closed, and their handlers and Serve have returned. A handler
// learns of it from its Receive and from [Conn.Done]. When ctx ends first, it
// cuts the connections that are left and returns the error of ctx, without waiting for
// their handlers.
//
// [http.Server.Shutdown] knows nothing of connections that have become
// WebSockets, and over HTTP/2 and HTTP/3 it waits for them: call both, this one
// first, so that who still comes is refused. A handler or OnError must not wait for
// it: it waits for them.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.init(); err != nil {
		return nil
	}
	conns, listeners := s.close(false)
	for _, l := range listeners {
		(*l).Close()
	}
	for _, c := range conns {
		go c.Close(GoingAway, "")
	}
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-s.idle:
		return nil
	default:
	}
	conns, _ = s.close(true)
	for _, c := range conns {
		c.t.CloseNow() // and not wait for what holds HTTP handlers
	}
	return ctx.Err()
}

// close stops the server from accepting and returns what there is to close.
func (s *Server) close(cut bool) ([]*Conn, []*Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isClosing() {
		close(s.stopping)
	}
	s.cut = s.cut || cut
	s.checkIdle()
	return slices.Collect(s.conns.ring), slices.Collect(maps.Keys(s.listeners))
}
