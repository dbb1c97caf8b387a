package http2

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/internal/queue"
)

const (
	// maxOutput is how many bytes TryWrite accepts ahead of the connection.
	maxOutput = 64 << 10

	// linger is how long Close lets output go out and the server end its own.
	linger = 5 * time.Second
)

// A Stream carries a WebSocket over HTTP/2, as a client
// (https://www.rfc-editor.org/rfc/rfc8441#section-5). It is a [transport.Stream].
// The server may send [DefaultStreamWindow] ahead of who reads; 64 KiB are
// accepted ahead of the connection.
//
// After Close or Abort every method that can fail returns an error that wraps
// [net.ErrClosed]; closing again does nothing. When the server resets the stream,
// what came before can be read, and then there is [ErrAborted], or io.EOF if it
// was in order.
type Stream struct {
	conn *Conn

	// All that follows is under the lock of conn.

	id         uint32 // 0 until the request is sent
	question   *question
	list       *list // of conn, that s is in
	prev, next *Stream

	readable, writable      sync.Cond // AwaitRead, AwaitWrite wait here
	readKicked, writeKicked bool
	in, out                 queue.Queue
	readErr, writeErr       error // final; readErr comes after in
	closed                  bool  // by Close or Abort
	lingering               *time.Timer

	receiveWindow int64 // what the server may send
	consumed      int64 // what has been read and not been given back
	sendWindow    int64 // what we may send; negative when the server has shrunk it

	fin, finSent bool // END_STREAM is wanted, was sent
	peerEnded    bool // the server has ended its output
	gone         bool // the connection has forgotten the stream
}

var _ transport.Stream = (*Stream)(nil)

func newStream(c *Conn, fields []hpack.HeaderField) *Stream {
	s := &Stream{conn: c, receiveWindow: DefaultStreamWindow}
	s.question = &question{fields: fields, answered: make(chan struct{})}
	s.readable.L, s.writable.L = &c.mu, &c.mu
	return s
}

// LocalAddr returns the local address of the connection.
func (s *Stream) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr returns the server's address of the connection.
func (s *Stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// ConnectionState returns what TLS has agreed on; false if there is no TLS.
func (s *Stream) ConnectionState() (tls.ConnectionState, bool) { return s.conn.ConnectionState() }

// ID returns the number of the stream in its connection.
func (s *Stream) ID() uint32 { return s.id }

// TryRead reads what is there into p without waiting.
func (s *Stream) TryRead(p []byte) (int, error) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if err := s.inputErr(); err != nil {
		return 0, err
	}
	n := s.in.Read(p)
	s.consume(int64(n))
	return n, nil
}

// AwaitRead waits for input and reads it into a buffer borrowed from l.
func (s *Stream) AwaitRead(l transport.Lender) (int, error) {
	for {
		if err := s.awaitInput(); err != nil {
			return 0, err
		}
		n, err := s.TryRead(l.Borrow())
		if err == nil {
			return n, nil
		}
		l.Return()
		if err != transport.ErrWouldBlock {
			return 0, err
		}
	}
}

func (s *Stream) awaitInput() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	for {
		if s.readKicked {
			s.readKicked = false
			return transport.ErrKicked
		}
		if err := s.inputErr(); err != transport.ErrWouldBlock {
			return err
		}
		s.readable.Wait()
	}
}

// inputErr returns nil if there is input. The lock is held.
func (s *Stream) inputErr() error {
	switch {
	case s.closed:
		return errClosed
	case s.in.Len() > 0:
		return nil
	case s.readErr != nil:
		return s.readErr
	}
	return transport.ErrWouldBlock
}

// Readable reports whether TryRead would return something other than
// [transport.ErrWouldBlock].
func (s *Stream) Readable() bool {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.inputErr() != transport.ErrWouldBlock
}

// KickRead wakes AwaitRead.
func (s *Stream) KickRead() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.readKicked = true
	s.readable.Signal()
}

// TryWrite accepts what fits without waiting.
func (s *Stream) TryWrite(p []byte) (int, error) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if err := s.outputErr(); err != nil {
		return 0, err
	}
	n := min(len(p), s.room())
	s.out.Write(p[:n])
	s.conn.want(s)
	if n < len(p) {
		return n, transport.ErrWouldBlock
	}
	return n, nil
}

func (s *Stream) room() int { return maxOutput - s.out.Len() }

// outputErr returns why nothing can be written any more. The lock is held.
func (s *Stream) outputErr() error {
	switch {
	case s.closed:
		return errClosed
	case s.writeErr != nil:
		return s.writeErr
	case s.fin:
		return errWriteEnded
	}
	return nil
}

// AwaitWrite waits until there is room.
func (s *Stream) AwaitWrite() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	for {
		if s.writeKicked {
			s.writeKicked = false
			return transport.ErrKicked
		}
		if err := s.outputErr(); err != nil || s.room() > 0 {
			return err
		}
		s.writable.Wait()
	}
}

// KickWrite wakes AwaitWrite.
func (s *Stream) KickWrite() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.writeKicked = true
	s.writable.Signal()
}

// CloseWrite ends the output (END_STREAM) after what was accepted.
func (s *Stream) CloseWrite() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if err := s.outputErr(); err != nil && err != errWriteEnded {
		return err
	}
	s.finish()
	return nil
}

// Close ends the output after what was accepted, and throws away what the server
// still sends until it has ended its output too, for five seconds; then it
// resets the stream. It does not wait.
func (s *Stream) Close() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.wake()
	s.consume(int64(s.in.Len()))
	s.in.Clear()
	if !s.gone {
		s.lingering = time.AfterFunc(linger, func() { s.Abort() })
		s.finish()
	}
	return nil
}

// Abort resets the stream (RST_STREAM, CANCEL) unless it has ended, and gives up
// what has not been sent.
func (s *Stream) Abort() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.closed = true
	s.in.Clear()
	s.cancel(h2.ErrCodeCancel, errClosed)
	s.wake()
	return nil
}

// finish wants END_STREAM to be sent. The lock is held.
func (s *Stream) finish() {
	s.fin = true
	s.conn.want(s)
}

// consume gives n bytes of the window back to the server, now or with those that
// follow (https://www.rfc-editor.org/rfc/rfc9113#section-6.9). The lock is held.
func (s *Stream) consume(n int64) {
	s.consumed += n
	if s.consumed < DefaultStreamWindow/2 || s.peerEnded || s.gone {
		return
	}
	s.conn.framer.WriteWindowUpdate(s.id, uint32(s.consumed))
	s.receiveWindow += s.consumed
	s.consumed = 0
	s.conn.startWriting()
}

// sendable reports whether a DATA frame could be sent, as far as s is concerned. The
// lock is held.
func (s *Stream) sendable() bool {
	if s.out.Len() > 0 {
		return s.sendWindow > 0 && !s.gone
	}
	return s.fin && !s.finSent && !s.gone
}

// sent notes that n bytes have been sent, and perhaps END_STREAM. The lock is held.
func (s *Stream) sent(n int, fin bool) {
	s.sendWindow -= int64(n)
	s.finSent = fin
	s.writable.Signal()
	s.leave()
}

// onData takes what the server has sent, in a frame of that size. The lock is held.
func (s *Stream) onData(p []byte, size int64, fin bool) error {
	switch {
	case !s.answered():
		return malformed(s.id, h2.ErrCodeProtocol, "DATA before the response")
	case s.peerEnded:
		return malformed(s.id, h2.ErrCodeStreamClosed, "DATA after END_STREAM")
	case size > s.receiveWindow:
		return malformed(s.id, h2.ErrCodeFlowControl, "DATA beyond the window")
	}
	s.receiveWindow -= size
	if s.closed {
		s.consume(size)
	} else {
		s.in.Write(p)
		s.consume(size - int64(len(p)))
		s.readable.Signal()
	}
	if fin {
		s.end(io.EOF)
	}
	return nil
}

// end is the end of the server's output. The lock is held.
func (s *Stream) end(err error) {
	s.peerEnded, s.readErr = true, err
	s.readable.Broadcast()
	s.leave()
}

// leave lets the connection forget s when both sides have ended it. The lock is
// held.
func (s *Stream) leave() {
	if s.peerEnded && s.finSent && !s.gone {
		s.lose(errWriteEnded)
		s.conn.forget(s)
	}
}

// onReset takes a RST_STREAM. One with NO_ERROR means that the server is done, not
// that something went wrong (https://www.rfc-editor.org/rfc/rfc9113#section-8.1).
// The lock is held.
func (s *Stream) onReset(code h2.ErrCode) {
	if code == h2.ErrCodeNo && s.answered() && s.readErr == nil {
		s.readErr = io.EOF
	}
	if code == h2.ErrCodeRefusedStream && !s.answered() {
		s.conn.goneAway = true // the next one is for another connection
	}
	s.lose(reset(s.id, code, s.answered()))
	s.conn.forget(s)
}

// cancel resets the stream, unless it has ended, because of err. The lock is held.
func (s *Stream) cancel(code h2.ErrCode, err error) {
	if s.gone {
		return
	}
	if s.id != 0 {
		s.conn.framer.WriteRSTStream(s.id, code)
		s.conn.startWriting()
	}
	s.lose(err)
	s.conn.forget(s)
}

// lose ends both directions where they have not ended. The connection must forget
// the stream. The lock is held.
func (s *Stream) lose(err error) {
	s.gone = true
	s.unlist()
	s.out.Clear()
	if s.lingering != nil {
		s.lingering.Stop()
	}
	if s.readErr == nil {
		s.readErr = err
	}
	if s.writeErr == nil {
		s.writeErr = err
	}
	if s.question != nil {
		s.question.fail(err)
	}
	s.wake()
}

// wake lets everybody see what has become of the stream. The lock is held.
func (s *Stream) wake() {
	s.readable.Broadcast()
	s.writable.Broadcast()
}
