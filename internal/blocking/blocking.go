// Package blocking shows a transport.Stream as a net.Conn.
package blocking

import (
	"crypto/tls"
	"net"
	"os"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A Conn is a net.Conn of one reader and one writer, without deadlines. It owns its
// stream.
type Conn struct {
	stream *tcp.Stream
	lent   []byte // of the Read that waits
}

// New makes a Conn of a stream. With TLS, whose handshake must be over, it is one
// that has a method ConnectionState.
func New(s *tcp.Stream) net.Conn {
	c := &Conn{stream: s}
	if state, ok := s.ConnectionState(); ok {
		return &secureConn{c, state}
	}
	return c
}

type secureConn struct {
	*Conn
	state tls.ConnectionState
}

// ConnectionState returns what TLS has agreed on.
func (c *secureConn) ConnectionState() tls.ConnectionState { return c.state }

func (c *Conn) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err = c.stream.TryRead(p)
	c.lent = p
	for err == transport.ErrWouldBlock || err == transport.ErrKicked {
		n, err = c.stream.AwaitRead((*lender)(c))
	}
	c.lent = nil
	return n, err
}

// A lender lends the buffer of a Read.
type lender Conn

func (l *lender) Borrow() []byte { return l.lent }
func (l *lender) Return()        {}

func (c *Conn) Write(p []byte) (n int, err error) {
	for n < len(p) {
		var wrote int
		wrote, err = c.stream.TryWrite(p[n:])
		n += wrote
		if err == transport.ErrWouldBlock {
			err = c.awaitWrite()
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *Conn) awaitWrite() error {
	for {
		if err := c.stream.AwaitWrite(); err != transport.ErrKicked {
			return err
		}
	}
}

// CloseWrite ends the output.
func (c *Conn) CloseWrite() error { return c.stream.CloseWrite() }

// Close releases the stream; what was written goes out.
func (c *Conn) Close() error { return c.stream.Close() }

// Abort releases it at once.
func (c *Conn) Abort() error { return c.stream.Abort() }

func (c *Conn) LocalAddr() net.Addr              { return c.stream.LocalAddr() }
func (c *Conn) RemoteAddr() net.Addr             { return c.stream.RemoteAddr() }
func (c *Conn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *Conn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *Conn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
