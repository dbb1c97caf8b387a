package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm"
)

// A sandboxListener has a core in WebAssembly look at the beginning of every
// connection. What is a WebSocket handshake is served from there, and what is no
// HTTP is refused: no byte of such a peer is parsed outside of the sandbox. All else,
// such as a browser that asks for the page, is left to an HTTP server, which accepts
// it.
type sandboxListener struct {
	net.Listener
	host     *wasm.Host
	settings *core.Settings // of the cores that look
	timeout  time.Duration  // of the handshake
	sockets  *playground
	log      *slog.Logger

	others chan net.Conn // for the HTTP server
	failed chan error
	closed context.Context
	close  context.CancelFunc
}

// An opener serves a connection of which early was read already.
type opener func(conn net.Conn, early []byte)

// newSandboxListener looks at what l accepts before server does, for which there are
// no WebSockets then: neither behind another request, nor should it take for one
// what the sandbox has not.
func newSandboxListener(l net.Listener, h *wasm.Host, p *playground, server *http.Server, log *slog.Logger) (*sandboxListener, error) {
	settings, err := core.NewSettings(core.Config{HandshakeTimeout: -1})
	if err != nil {
		return nil, err
	}
	server.Handler = withoutUpgrades(server.Handler)
	s := &sandboxListener{
		Listener: l, host: h, settings: settings, timeout: server.ReadHeaderTimeout, sockets: p, log: log,
		others: make(chan net.Conn), failed: make(chan error),
	}
	s.closed, s.close = context.WithCancel(context.Background())
	go s.accept()
	return s, nil
}

func (s *sandboxListener) accept() {
	for s.closed.Err() == nil {
		conn, err := s.Listener.Accept()
		if err == nil {
			go s.look(conn)
			continue
		}
		select {
		case s.failed <- err: // whoever hears of it may try again
		case <-s.closed.Done():
		}
	}
}

// Accept returns the next connection that is the HTTP server's.
func (s *sandboxListener) Accept() (net.Conn, error) {
	select {
	case conn := <-s.others:
		return conn, nil
	case err := <-s.failed:
		return nil, err
	case <-s.closed.Done():
		return nil, net.ErrClosed
	}
}

// Close stops listening, and closes the connections that nobody serves yet.
func (s *sandboxListener) Close() error {
	s.close()
	return s.Listener.Close()
}

// look reads the beginning of a connection and gives it to whoever is to serve it.
func (s *sandboxListener) look(conn net.Conn) {
	stay := context.AfterFunc(s.closed, func() { conn.Close() })
	if s.timeout > 0 {
		conn.SetReadDeadline(time.Now().Add(s.timeout))
	}
	early, serve, err := s.recognise(conn)
	if err != nil {
		s.log.Warn("the sandbox cannot look at a connection", "peer", conn.RemoteAddr(), "error", err)
	}
	if serve == nil || !stay() {
		conn.Close()
		return
	}
	serve(conn, early)
}

// recognise finds who serves conn, and what was read of it meanwhile. A connection of
// HTTP/2 is the HTTP server's; its WebSockets come to the sandbox with their first
// frames.
func (s *sandboxListener) recognise(conn net.Conn) (early []byte, serve opener, err error) {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return s.read(conn)
	}
	if err := secure.Handshake(); err != nil {
		return nil, nil, nil // the peer's affair
	}
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		return nil, s.pass, nil
	}
	return s.read(conn)
}

// read reads until the core in the sandbox knows what the peer wants, and finds who
// serves that: nil if the peer did not say. Whoever it is begins with what was read.
// The error is that of the sandbox.
func (s *sandboxListener) read(conn net.Conn) (early []byte, serve opener, err error) {
	c, err := s.host.NewConn(flight.Birth{Settings: s.settings})
	if err != nil {
		return nil, nil, err
	}
	defer c.Release()
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		early = append(early, buf[:n]...)
		switch _, ev := c.Recv(0, buf[:n], nil); ev.Kind {
		case core.EventRequest:
			if serve = s.sockets.route(c.Request()); serve == nil {
				serve = s.pass
			}
			return early, serve, nil
		case core.EventFailed:
			serve, err = s.failure(c.Err())
			return early, serve, err
		}
		if err != nil {
			return nil, nil, nil
		}
	}
}

// failure finds who serves a connection whose beginning is no handshake because of
// err.
func (s *sandboxListener) failure(err error) (opener, error) {
	e, ok := errors.AsType[core.Error](err)
	switch {
	case !ok:
		return nil, err
	case e == core.ErrBadRequest || e == core.ErrHeadTooBig:
		return s.sockets.refuse, nil
	}
	return s.pass, nil
}

// pass has the HTTP server serve a connection.
func (s *sandboxListener) pass(conn net.Conn, early []byte) {
	if len(early) > 0 {
		conn = &prefixedConn{conn, early}
	}
	select {
	case s.others <- conn:
	case <-s.closed.Done():
		conn.Close()
	}
}

// withoutUpgrades has h answer one request of a connection, and take over none, but
// for HTTP/2.
func withoutUpgrades(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor > 1 {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
}

// A prefixedConn is a connection of which the beginning was read already.
type prefixedConn struct {
	net.Conn
	early []byte
}

func (c *prefixedConn) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	c.early = c.early[n:]
	return n, nil
}
