//go:build unix

package tcp

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A secure stream is TLS over a socket.
type secure struct {
	sock      *socket
	wire      *wire
	tls       *tls.Conn
	handshake *handshake

	// Kicks that come during the handshake, which nothing must interrupt.
	mu                  sync.Mutex
	readKick, writeKick chan struct{}

	lender      transport.Lender
	received    result
	receiveFunc func(fd uintptr) bool
	flushFunc   func(fd uintptr) bool

	buffered  atomic.Bool // crypto/tls may have input
	encrypted int         // bytes at the start of the next TryWrite that are on their way
}

// writePiece is how much is encrypted before the socket must have taken it.
const writePiece = 16 << 10

// openTLS makes a stream of a connection on which start begins to speak TLS. The
// handshake runs in a goroutine of its own.
func openTLS(c net.Conn, start func(net.Conn) *tls.Conn, timeout time.Duration) (*Stream, error) {
	conn, ok, err := socketOf(c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return pumpTLS(start(c), timeout), nil
	}
	sock, err := newSocket(conn)
	if err != nil {
		return nil, err
	}
	s := newSecure(sock, start)
	go s.shake(timeout)
	return &Stream{Stream: s, conn: s.tls, handshake: s.handshake}, nil
}

func newSecure(sock *socket, start func(net.Conn) *tls.Conn) *secure {
	s := &secure{
		sock:      sock,
		wire:      &wire{sock: sock},
		handshake: newHandshake(),
		readKick:  make(chan struct{}, 1),
		writeKick: make(chan struct{}, 1),
	}
	s.tls = start(s.wire)
	s.receiveFunc, s.flushFunc = s.receive, s.tryFlush
	s.buffered.Store(true) // input may have come with the handshake
	return s
}

// shake runs the handshake and hands kicks that nobody has taken to the socket.
func (s *secure) shake(timeout time.Duration) {
	err := s.handshake.do(s.tls, timeout)
	if err != nil {
		s.sock.Close()
	}
	s.wire.live.Store(err == nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if taken(s.readKick) {
		s.sock.KickRead()
	}
	if taken(s.writeKick) {
		s.sock.KickWrite()
	}
	s.handshake.finish(err) // last: whoever waits for it goes to the socket next
}

func taken(kick chan struct{}) bool {
	select {
	case <-kick:
		return true
	default:
		return false
	}
}

// awaitHandshake returns nil once the handshake has succeeded.
func (s *secure) awaitHandshake(kick chan struct{}) error {
	select {
	case <-s.handshake.over:
		return s.handshake.err
	case <-kick:
		return transport.ErrKicked
	}
}

func (s *secure) KickRead() { s.kick(s.readKick, s.sock.KickRead) }

func (s *secure) KickWrite() { s.kick(s.writeKick, s.sock.KickWrite) }

func (s *secure) kick(during chan struct{}, after func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handshake.settled() != transport.ErrWouldBlock {
		after()
		return
	}
	select {
	case during <- struct{}{}:
	default:
	}
}

func (s *secure) TryRead(p []byte) (int, error) {
	if err := s.handshake.settled(); err != nil {
		return 0, err
	}
	return s.read(p)
}

// read reads until p is full or crypto/tls has nothing more, and then sends
// what reading made it say.
func (s *secure) read(p []byte) (n int, err error) {
	s.wire.dry = false
	for n < len(p) && err == nil {
		s.wire.sated = n > 0
		var m int
		m, err = s.tls.Read(p[n:])
		n += m
	}
	s.buffered.Store(err != errDry)
	s.wire.flush()
	switch {
	case n > 0:
		return n, nil // crypto/tls repeats a real error
	case err == errDry:
		return 0, transport.ErrWouldBlock
	}
	return 0, err
}

func (s *secure) AwaitRead(l transport.Lender) (int, error) {
	if err := s.awaitHandshake(s.readKick); err != nil {
		return 0, err
	}
	s.lender = l
	err := s.sock.parkRead(s.receiveFunc)
	r := s.received
	s.lender, s.received = nil, result{}
	if err != nil {
		return 0, err
	}
	return r.n, r.err
}

// receive looks into crypto/tls before the socket: a record may be complete
// there already.
func (s *secure) receive(uintptr) bool {
	n, err := s.read(s.lender.Borrow())
	s.received = result{n, err}
	if err != nil {
		s.lender.Return()
	}
	return err != transport.ErrWouldBlock
}

func (s *secure) Readable() bool {
	switch s.handshake.settled() {
	case nil:
		return s.buffered.Load() || s.sock.Readable()
	case transport.ErrWouldBlock:
		return false
	}
	return true
}

func (s *secure) TryWrite(p []byte) (n int, err error) {
	if err := s.handshake.settled(); err != nil {
		return 0, err
	}
	if err := s.wire.flush(); err != nil {
		return 0, err
	}
	n = min(s.encrypted, len(p))
	s.encrypted -= n
	for n < len(p) {
		piece := p[n:][:min(len(p)-n, writePiece)]
		if _, err := s.tls.Write(piece); err != nil {
			return n, err
		}
		if err := s.wire.flush(); err != nil {
			s.encrypted = len(piece)
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

func (s *secure) AwaitWrite() error {
	if err := s.awaitHandshake(s.writeKick); err != nil {
		return err
	}
	return s.sock.parkWrite(s.flushFunc)
}

func (s *secure) tryFlush(uintptr) bool { return s.wire.flush() != transport.ErrWouldBlock }

func (s *secure) CloseWrite() error {
	if err := s.handshake.settled(); err == transport.ErrWouldBlock {
		return errors.New("tcp: CloseWrite during the TLS handshake")
	} else if err != nil {
		return err
	}
	if err := s.tls.CloseWrite(); err != nil {
		return err
	}
	if s.wire.flush() == transport.ErrWouldBlock {
		go s.finish()
		return nil
	}
	return s.sock.CloseWrite()
}

// finish ends the output once close_notify has found room.
func (s *secure) finish() {
	err := transport.ErrKicked
	for err == transport.ErrKicked {
		err = s.sock.parkWrite(s.flushFunc)
	}
	if err == nil {
		s.sock.CloseWrite()
	}
}

func (s *secure) Close() error { return closeOnce(s.tls) }

func (s *secure) Abort() error { return s.sock.Abort() }
