package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A Stream is a [transport.Stream] over a socket.
//
// After Close or Abort every method that can fail returns an error that wraps
// [net.ErrClosed]; closing again does nothing. On a TCP socket Abort sends a
// reset. Close with input that nobody has read makes the system send a reset as
// well, and the peer may lose what was written last: end the output with
// CloseWrite and read to the end first.
type Stream struct {
	transport.Stream
	conn      net.Conn
	handshake *handshake // nil without TLS, or when it was over before
}

// FromConn makes a stream of an open connection and owns it from then on,
// unless it returns an error. The stream delivers a copy of buffered, bytes
// that the caller has read ahead, before anything else; deadlines are cleared,
// where there are any.
//
// A *net.TCPConn or *net.UnixConn is used through its descriptor where the
// system allows it. Every other type, a *tls.Conn that net/http handed over
// included, is read and written by the goroutines of [transport.NewPump], since
// what it does to the bytes must not be bypassed. Unix sockets that are not byte
// streams are refused.
func FromConn(c net.Conn, buffered []byte) (*Stream, error) {
	if err := clearDeadlines(c); err != nil {
		return nil, err
	}
	s, err := streamOf(c)
	if err != nil {
		return nil, err
	}
	if len(buffered) > 0 {
		s.Stream = newPrefixed(s.Stream, buffered)
	}
	return s, nil
}

// clearDeadlines fails on a closed connection. One that knows no deadlines, such
// as a channel of SSH, has none.
func clearDeadlines(c net.Conn) error {
	if err := c.SetDeadline(time.Time{}); errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("tcp: cannot take over the connection: %w", err)
	}
	return nil
}

func streamOf(c net.Conn) (*Stream, error) {
	if t, ok := c.(*tls.Conn); ok {
		return pumpTLS(t, DefaultHandshakeTimeout), nil
	}
	socket, ok, err := socketOf(c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &Stream{Stream: transport.NewPump(c), conn: c}, nil
	}
	carrier, err := openSocket(socket)
	if err != nil {
		return nil, err
	}
	return &Stream{Stream: carrier, conn: c}, nil
}

// A socketConn is what *net.TCPConn and *net.UnixConn have in common.
type socketConn interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// socketOf returns c as a socket if it is one and nothing around one: a type
// that embeds a socket may well change what is read and written.
func socketOf(c net.Conn) (socket socketConn, ok bool, err error) {
	switch c := c.(type) {
	case *net.TCPConn:
		return c, true, nil
	case *net.UnixConn:
		if network := c.LocalAddr().Network(); network != "unix" {
			return nil, false, fmt.Errorf("tcp: a %s socket is not a byte stream", network)
		}
		return c, true, nil
	}
	return nil, false, nil
}

// TryFinish implements [transport.Finisher]: on a plain TCP socket of Linux the last bytes
// and the end of the output are one packet.
func (s *Stream) TryFinish(p []byte) (n int, err error) {
	if f, ok := s.Stream.(transport.Finisher); ok {
		return f.TryFinish(p)
	}
	if n, err = s.TryWrite(p); err != nil {
		return n, err
	}
	return n, s.CloseWrite()
}

// Sleep implements [transport.Sleeper], for plain sockets on Unix systems.
func (s *Stream) Sleep() error {
	if sleeper, ok := s.Stream.(transport.Sleeper); ok {
		return sleeper.Sleep()
	}
	return errors.ErrUnsupported
}

// LocalAddr returns the local address of the connection.
func (s *Stream) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr returns the peer's address of the connection.
func (s *Stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// NetConn returns the connection under the stream: a [*net.TCPConn],
// [*net.UnixConn], [*tls.Conn] or what FromConn was given. It is for looking and
// for socket options. Reading, writing, deadlines and closing belong to the
// stream.
func (s *Stream) NetConn() net.Conn { return s.conn }

// Handshake waits until the TLS handshake is over and returns its error, or
// that of the context, which ends this wait alone. Without TLS it returns nil.
func (s *Stream) Handshake(ctx context.Context) error {
	if s.handshake == nil {
		return nil
	}
	return s.handshake.wait(ctx)
}

// ConnectionState returns what TLS has agreed on. It returns false on a stream
// without TLS and until the handshake has succeeded.
func (s *Stream) ConnectionState() (tls.ConnectionState, bool) {
	c, ok := s.conn.(*tls.Conn)
	if !ok || s.handshake.settled() != nil {
		return tls.ConnectionState{}, false
	}
	return c.ConnectionState(), true
}
