package quic

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport"
)

// A Stream is a [transport.Stream] on a bidirectional stream of QUIC.
//
// After Close or Abort every method that can fail returns an error that wraps
// [net.ErrClosed]; closing again does nothing.
type Stream struct {
	transport.Stream
	carrier *carrier
}

func newStream(c *carrier) *Stream {
	return &Stream{Stream: transport.NewPump(c), carrier: c}
}

// LocalAddr returns the local address of the connection.
func (s *Stream) LocalAddr() net.Addr { return s.carrier.conn.LocalAddr() }

// RemoteAddr returns the peer's address of the connection.
func (s *Stream) RemoteAddr() net.Addr { return s.carrier.conn.RemoteAddr() }

// ConnectionState returns what TLS has agreed on. It always returns true.
func (s *Stream) ConnectionState() (tls.ConnectionState, bool) {
	return s.carrier.conn.quic.ConnectionState().TLS, true
}

// ID returns the number of the stream in its connection.
func (s *Stream) ID() quicgo.StreamID { return s.carrier.stream.StreamID() }

// QUIC returns the connection of quic-go that the stream belongs to. It is for
// looking.
func (s *Stream) QUIC() *quicgo.Conn { return s.carrier.conn.quic }

// A carrier is what a pump reads, writes and closes.
type carrier struct {
	conn     *Conn
	stream   *quicgo.Stream
	finished atomic.Bool // the output was ended in order
	left     sync.Once
}

func (c *carrier) Read(p []byte) (int, error) {
	n, err := c.stream.Read(p)
	return n, ended(err)
}

func (c *carrier) Write(p []byte) (int, error) {
	n, err := c.stream.Write(p)
	return n, ended(err)
}

func (c *carrier) CloseWrite() error {
	c.finished.Store(true)
	return ended(c.stream.Close())
}

// Close ends the output and waits for the peer to end its own, which tells that
// it has read ours. The pump calls Abort when that takes too long.
func (c *carrier) Close() error {
	err := c.CloseWrite()
	_, _ = io.Copy(io.Discard, c.stream) // how the peer ends does not matter any more
	c.leave()
	return err
}

func (c *carrier) Abort() error {
	if c.finished.Load() {
		c.stream.CancelRead(StreamUnread)
		c.leave()
		return nil
	}
	c.cancel(StreamAborted)
	return nil
}

// cancel resets both directions.
func (c *carrier) cancel(code quicgo.StreamErrorCode) {
	c.stream.CancelRead(code)
	c.stream.CancelWrite(code)
	c.leave()
}

// leave tells the connection that the stream needs it no more.
func (c *carrier) leave() { c.left.Do(c.conn.life.Leave) }
