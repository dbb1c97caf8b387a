package http3

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport"
)

// A Stream is a [transport.Stream] on a request stream of HTTP/3: what it carries
// is in DATA frames (https://www.rfc-editor.org/rfc/rfc9220#section-3).
//
// After Close or Abort every method that can fail returns an error that wraps
// [net.ErrClosed]; closing again does nothing.
type Stream struct {
	transport.Stream
	local, remote net.Addr
	tls           tls.ConnectionState
}

// LocalAddr returns the local address of the connection.
func (s *Stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr returns the peer's address of the connection.
func (s *Stream) RemoteAddr() net.Addr { return s.remote }

// ConnectionState returns what TLS has agreed on. It always returns true.
func (s *Stream) ConnectionState() (tls.ConnectionState, bool) { return s.tls, true }

// A framed is a stream of the http3 package, of either side.
type framed interface {
	io.ReadWriteCloser // Close ends the output alone
	CancelRead(quicgo.StreamErrorCode)
	CancelWrite(quicgo.StreamErrorCode)
}

// A carrier is what a pump reads, writes and closes.
type carrier struct {
	stream   framed
	left     func() // called once
	reading  sync.Mutex
	finished atomic.Bool // the output was ended in order
}

// newCarrier returns the carrier on s, which calls leave when it needs s no more.
func newCarrier(s framed, leave func()) *carrier {
	return &carrier{stream: s, left: sync.OnceFunc(leave)}
}

// Read reads after whoever reads already, as the pump may when it is closed: streams
// of the http3 package have one reader.
func (c *carrier) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
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
	_, _ = io.Copy(io.Discard, readerOnly{c}) // how the peer ends does not matter any more
	c.left()
	return err
}

// A readerOnly hides the other methods.
type readerOnly struct{ io.Reader }

func (c *carrier) Abort() error {
	if c.finished.Load() {
		c.stream.CancelRead(streamUnread)
		c.left()
		return nil
	}
	c.cancel()
	return nil
}

// cancel resets both directions (https://www.rfc-editor.org/rfc/rfc9220#section-3).
func (c *carrier) cancel() {
	c.stream.CancelRead(streamCancelled)
	c.stream.CancelWrite(streamCancelled)
	c.left()
}
