package main

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm"
)

// A sandboxListener has a core in WebAssembly look at the beginning of every
// connection. What is a WebSocket handshake is served from there: no byte of such a
// peer is parsed outside of the sandbox. All else, such as a browser that asks for
// the page, is left to an HTTP server, which accepts it.
type sandboxListener struct {
	net.Listener
	host    *wasm.Host
	route   func(*core.Request) opener
	timeout time.Duration // of the handshake
	log     *slog.Logger

	others chan net.Conn // for the HTTP server
	failed chan error
	done   chan struct{}
	close  sync.Once
}

// An opener serves a WebSocket of which early was read already.
type opener func(conn net.Conn, early []byte)

// newSandboxListener looks at what l accepts. route finds who serves a handshake; nil
// leaves it to the HTTP server.
func newSandboxListener(l net.Listener, h *wasm.Host, timeout time.Duration, log *slog.Logger, route func(*core.Request) opener) *sandboxListener {
	s := &sandboxListener{
		Listener: l, host: h, route: route, timeout: timeout, log: log,
		others: make(chan net.Conn), failed: make(chan error, 1), done: make(chan struct{}),
	}
	go s.accept()
	return s
}

func (s *sandboxListener) accept() {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			s.failed <- err
			return
		}
		go s.look(conn)
	}
}

// Accept returns the next connection that is not a WebSocket.
func (s *sandboxListener) Accept() (net.Conn, error) {
	select {
	case conn := <-s.others:
		return conn, nil
	case err := <-s.failed:
		s.failed <- err
		return nil, err
	}
}

// Close stops listening.
func (s *sandboxListener) Close() error {
	s.close.Do(func() { close(s.done) })
	return s.Listener.Close()
}

// look reads the beginning of a connection and decides whose it is.
func (s *sandboxListener) look(conn net.Conn) {
	if s.timeout > 0 {
		conn.SetReadDeadline(time.Now().Add(s.timeout))
	}
	early, r, err := s.read(conn)
	if err != nil {
		s.log.Debug("a connection was not looked at", "peer", conn.RemoteAddr(), "error", err)
		conn.Close()
		return
	}
	conn.SetReadDeadline(time.Time{})
	if r != nil {
		if open := s.route(r); open != nil {
			open(conn, early)
			return
		}
	}
	select {
	case s.others <- &prefixedConn{conn, early}:
	case <-s.done:
		conn.Close()
	}
}

// read reads until the core in the sandbox knows what the peer wants. r is nil if that
// is no WebSocket. What was read is returned whole: whoever gets the connection begins
// with it.
func (s *sandboxListener) read(conn net.Conn) (early []byte, r *core.Request, err error) {
	settings, err := core.NewSettings(core.Config{HandshakeTimeout: -1})
	if err != nil {
		return nil, nil, err
	}
	c, err := s.host.NewConn(flight.Birth{Settings: settings, Now: real.New().Now()})
	if err != nil {
		return nil, nil, err
	}
	defer c.Release()
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			early = append(early, buf[:n]...)
			_, ev := c.Recv(0, buf[:n], nil)
			switch ev.Kind {
			case core.EventRequest:
				return early, c.Request(), nil
			case core.EventFailed:
				return early, nil, s.broken(c)
			}
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// broken tells whether c failed because its sandbox did, and not because of the peer.
func (s *sandboxListener) broken(c *wasm.Conn) error {
	if _, ok := errors.AsType[core.Error](c.Err()); ok {
		return nil
	}
	return c.Err()
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
