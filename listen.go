package websockets

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A Listener hands out byte streams, each of which becomes a connection. A
// [*tcp.Listener] is one, with or without TLS, and so is a
// [*github.com/fb1e3c20/websockets/transport/pipe.Listener].
type Listener interface {
	// AcceptStream waits for the next stream, but not for anything that the
	// peer has yet to send. Close ends the wait. An error with a method
	// Temporary that returns true, as those of package net have, leaves the
	// Listener usable.
	AcceptStream() (transport.Stream, error)

	// Close stops listening. Streams that were accepted live on. It may be
	// called more than once.
	Close() error
}

// ListenAndServe listens on a TCP address, port 80 of all addresses if it is
// "", and returns what [Server.Serve] does, or why it cannot listen. For TLS,
// give Serve a listener of [tcp.ListenTLS].
func (s *Server) ListenAndServe(addr string) error {
	if err := s.ready(); err != nil {
		return err
	}
	if s.isClosing() {
		return http.ErrServerClosed
	}
	if addr == "" {
		addr = ":http"
	}
	l, err := tcp.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// ready tells why the server cannot serve.
func (s *Server) ready() error {
	if err := s.init(); err != nil {
		return err
	}
	if s.Handler == nil {
		return errNoHandler
	}
	return nil
}

// Serve accepts connections from l, without net/http, and serves each in a
// goroutine of its own, as [Server.ServeStream] does; a slow handshake holds
// nobody up. A connection that waits for input, be it for its handshake, costs that
// goroutine and no buffer; of [HandleEvents] with [Evented], on a [*tcp.Listener], not
// even that.
//
// Serve always returns an error, and closes l before: [http.ErrServerClosed]
// after [Server.Shutdown], the error of l if that ended it, or that of
// [Options.Validate]. A temporary error of l, such as too many open files, is
// logged, and Serve goes on after 5 ms at first and a second at most. Any number
// of calls may run at once, each with a Listener of its own. Connections outlive
// the call.
func (s *Server) Serve(l Listener) error {
	defer l.Close()
	if err := s.ready(); err != nil {
		return err
	}
	if !s.enterListener(&l) {
		return http.ErrServerClosed
	}
	defer s.leaveListener(&l)
	var wait backoff
	for {
		err := s.acceptSome(l, &wait)
		if err = s.acceptFailed(err, &wait); err != nil {
			return err
		}
	}
}

// acceptSome accepts streams until an error. An attempt that succeeds ends the backoff.
func (s *Server) acceptSome(l Listener, wait *backoff) error {
	if p, ok := l.(*tcp.Listener); ok && s.poller != nil {
		err := s.poller.AcceptEach(p, func(stream transport.Stream) {
			*wait = 0
			s.take(stream)
		})
		if err != errors.ErrUnsupported {
			return err
		}
	}
	for {
		stream, err := s.acceptFrom(l)
		if err != nil {
			return err
		}
		*wait = 0
		s.take(stream)
		if s.isClosing() {
			return http.ErrServerClosed
		}
	}
}

// take serves a stream that was accepted.
func (s *Server) take(stream transport.Stream) {
	if s.attends(stream) {
		s.attend(stream)
		return
	}
	if !s.enter() {
		stream.Close()
		return
	}
	go func() {
		defer s.leave()
		s.serveStream(context.Background(), stream, nil)
	}()
}

// acceptFailed waits after an error of a listener that can be used again, and
// returns with which error Serve ends otherwise.
func (s *Server) acceptFailed(err error, wait *backoff) error {
	if s.isClosing() {
		return http.ErrServerClosed
	}
	e, ok := errors.AsType[temporary](err)
	if !ok || !e.Temporary() {
		return err
	}
	d := wait.next()
	s.log().Error("websocket: a connection could not be accepted", "error", err, "retry", d)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.stopping:
		return http.ErrServerClosed
	}
}

// A temporary error is one of those of accept(2) that pass, EMFILE for example.
type temporary interface {
	error
	Temporary() bool
}

// A backoff is the time waited last.
type backoff time.Duration

func (b *backoff) next() time.Duration {
	*b = min(max(*b*2, backoff(5*time.Millisecond)), backoff(time.Second))
	return time.Duration(*b)
}

// enterListener is enter for a Serve, whose listener Shutdown closes.
func (s *Server) enterListener(l *Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return false
	}
	s.handlers++
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) leaveListener(l *Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers--
	delete(s.listeners, l)
	s.checkIdle()
}
