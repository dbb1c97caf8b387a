// Package pipe makes byte streams of memory: a connection without a network,
// for tests.
//
// [New] makes one connection and returns its two ends. [Listen] makes a
// [Listener] that hands out many, for a server under test.
//
// An end behaves like a TCP socket on a perfect network. It is a
// [transport.Stream]: each direction holds a bounded number of bytes, after
// which writing waits until the other end has read; CloseWrite ends one
// direction; Close lets the other end read what was written; Abort throws it
// away and resets the connection.
//
// # Fake time
//
// A pipe reads no clock and starts no goroutine, but for a [transport.Waker]. A goroutine that waits in it
// is durably blocked, so pipes work inside [testing/synctest] bubbles, where
// time moves on as soon as everybody waits:
//
//	synctest.Test(t, func(t *testing.T) {
//		client, server := pipe.New(0)
//		defer client.Abort()
//		go serve(server)
//		// ...
//	})
//
// # Memory
//
// Memory is taken as bytes arrive and given back as they are read: an idle
// connection holds a few hundred bytes and no buffer.
package pipe

import (
	"errors"

	"github.com/fb1e3c20/websockets/transport"
)

// DefaultSize is how many bytes each direction holds where no other number is
// given: 64 KiB.
const DefaultSize = 64 << 10

// ErrReset is what an end reads and writes after the other end called Abort,
// and what it writes after the other end called Close.
var ErrReset = errors.New("pipe: connection reset by the other end")

// A Stream is one end of a connection in memory. It implements
// [transport.Polled], where the rules of each method are. After Close or Abort
// of this end every method returns [net.ErrClosed]; closing again does nothing.
type Stream struct {
	in, out *direction
}

var _ transport.Polled = (*Stream)(nil)

// New returns the two ends of a new connection, which holds at most size
// unread bytes in each direction: [DefaultSize] if size is zero or negative.
func New(size int) (a, b *Stream) {
	if size <= 0 {
		size = DefaultSize
	}
	ab, ba := newDirection(size), newDirection(size)
	return &Stream{in: ba, out: ab}, &Stream{in: ab, out: ba}
}

// TryRead reads what is there into p without waiting.
func (s *Stream) TryRead(p []byte) (n int, err error) { return s.in.tryRead(p) }

// AwaitRead waits for input and reads it into a buffer borrowed from l.
func (s *Stream) AwaitRead(l transport.Lender) (n int, err error) { return s.in.awaitRead(l) }

// Readable reports whether TryRead would return something other than
// [transport.ErrWouldBlock].
func (s *Stream) Readable() bool { return s.in.ready() }

// WhenReadable has w called when AwaitRead would return.
func (s *Stream) WhenReadable(w transport.Waker) bool { return s.in.whenReadable(w) }

// KickRead wakes AwaitRead.
func (s *Stream) KickRead() { s.in.kickReader() }

// TryWrite writes what fits without waiting.
func (s *Stream) TryWrite(p []byte) (n int, err error) { return s.out.tryWrite(p) }

// AwaitWrite waits until there is room.
func (s *Stream) AwaitWrite() error { return s.out.awaitWrite() }

// KickWrite wakes AwaitWrite.
func (s *Stream) KickWrite() { s.out.kickWriter() }

// CloseWrite makes the other end read end of file after what was written.
func (s *Stream) CloseWrite() error { return s.out.finish() }

// Close closes this end. The other end reads what was written and then end of
// file; what it writes from now on fails with [ErrReset].
func (s *Stream) Close() error {
	s.out.closeWriter(nil)
	s.in.closeReader()
	return nil
}

// Abort closes this end and throws away what the other end has not read, which
// reads and writes [ErrReset] from now on.
func (s *Stream) Abort() error {
	s.out.closeWriter(ErrReset)
	s.in.closeReader()
	return nil
}
