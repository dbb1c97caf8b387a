package tcp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A Stream is a [transport.Stream] over a socket.
//
// After Close or Abort every method that can fail returns an error that wraps
// [net.ErrClosed]; closing again does nothing.
type Stream struct {
	transport.Stream
	conn net.Conn
}

// LocalAddr returns the local address of the socket.
func (s *Stream) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr returns the peer's address of the socket.
func (s *Stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// NetConn returns the connection under the stream: a [*net.TCPConn],
// [*net.UnixConn], [*tls.Conn] or what FromConn was given. It is for looking and
// for socket options. Reading, writing and deadlines belong to the stream.
func (s *Stream) NetConn() net.Conn { return s.conn }

// ConnectionState returns what TLS has agreed on, and false on a stream without
// TLS.
func (s *Stream) ConnectionState() (tls.ConnectionState, bool) {
	if c, ok := s.conn.(*tls.Conn); ok {
		return c.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}

// FromConn makes a stream of an open connection and owns it from then on,
// unless it returns an error. The stream delivers a copy of buffered, bytes
// that the caller has read ahead, before anything else; any deadline is cleared.
//
// A *net.TCPConn or *net.UnixConn is used through its descriptor where the
// system allows it. Every other type, a *tls.Conn that net/http handed over
// included, is read and written by the goroutines of [transport.NewPump], since
// what it does to the bytes must not be bypassed. Unix sockets that are not byte
// streams are refused.
func FromConn(c net.Conn, buffered []byte) (*Stream, error) {
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("tcp: cannot adopt the connection: %w", err)
	}
	carrier, err := carrierOf(c)
	if err != nil {
		return nil, err
	}
	if len(buffered) > 0 {
		carrier = newPrefixed(carrier, buffered)
	}
	return &Stream{Stream: carrier, conn: c}, nil
}

func carrierOf(c net.Conn) (transport.Stream, error) {
	switch c := c.(type) {
	case *net.TCPConn:
		return openSocket(c)
	case *net.UnixConn:
		if network := c.LocalAddr().Network(); network != "unix" {
			return nil, fmt.Errorf("tcp: a %s socket is not a byte stream", network)
		}
		return openSocket(c)
	}
	return nil, errors.ErrUnsupported
}

func openSocket(c halfCloser) (transport.Stream, error) { return newSocket(c) }
