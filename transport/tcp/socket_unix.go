//go:build unix

package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A socket is a Stream over the descriptor of a connection.
//
// It waits in RawConn.Read and RawConn.Write and tries in RawConn.Control,
// which waits for nobody. A wait is kicked by a deadline in the past, which
// stays until the waiting side has seen it and clears it: trying does not look
// at deadlines.
type socket struct {
	conn socketConn
	raw  syscall.RawConn

	// What the functions given to RawConn work on. They are made once, so
	// that no call allocates.
	in, out                operation
	lender                 transport.Lender
	readFunc, writeFunc    func(fd uintptr)
	receiveFunc, probeFunc func(fd uintptr) bool

	// probe is the first byte that the socket refused. AwaitWrite learns
	// whether there is room by sending it; then probed is true, and the
	// next TryWrite finds that its first byte has gone already.
	blocked, probed bool
	probe           [1]byte

	mu   sync.Mutex
	lost error // the first error of the connection; the kernel tells it once
}

// An operation is one read or write: its operand and its results.
type operation struct {
	p   []byte
	n   int
	err error
}

func openSocket(c socketConn) (transport.Stream, error) { return newSocket(c) }

func newSocket(conn socketConn) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("tcp: no access to the descriptor: %w", err)
	}
	s := &socket{conn: conn, raw: raw}
	s.readFunc, s.writeFunc = s.read, s.write
	s.receiveFunc, s.probeFunc = s.receive, s.tryProbe
	return s, nil
}

func (s *socket) TryRead(p []byte) (int, error) {
	s.in = operation{p: p}
	err := s.raw.Control(s.readFunc)
	s.in.p = nil
	if err != nil {
		return 0, err
	}
	return s.in.n, s.in.err
}

// read reads once into in.p.
func (s *socket) read(fd uintptr) {
	s.in.n, s.in.err = ignoringEINTR(syscall.Read, fd, s.in.p)
	switch {
	case s.in.err == syscall.EAGAIN:
		s.in.err = transport.ErrWouldBlock
	case s.in.err != nil:
		s.in.err = s.fail("read", s.in.err)
	case s.in.n == 0:
		s.in.err = s.end()
	}
}

func (s *socket) AwaitRead(l transport.Lender) (int, error) {
	s.lender = l
	err := s.parkRead(s.receiveFunc)
	s.lender, s.in.p = nil, nil
	if err != nil {
		return 0, err
	}
	return s.in.n, s.in.err
}

// receive reads into a borrowed buffer. It returns false, and holds no buffer
// then, when there is nothing to read.
func (s *socket) receive(fd uintptr) bool {
	s.in = operation{p: s.lender.Borrow()}
	s.read(fd)
	if s.in.err != nil {
		s.in.p = nil
		s.lender.Return()
	}
	return s.in.err != transport.ErrWouldBlock
}

// parkRead calls try, and again whenever there is input, until it returns true
// or KickRead is called.
func (s *socket) parkRead(try func(fd uintptr) bool) error {
	err := s.raw.Read(try)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	s.conn.SetReadDeadline(time.Time{})
	return transport.ErrKicked
}

func (s *socket) KickRead() { s.conn.SetReadDeadline(past) }

var past = time.Unix(1, 0)

// Readable looks with MSG_PEEK: RawConn.Read would wait behind the one that
// waits.
func (s *socket) Readable() bool {
	readable := true
	s.raw.Control(func(fd uintptr) {
		var p [1]byte
		_, err := ignoringEINTR(peek, fd, p[:])
		switch err {
		case nil:
		case syscall.EAGAIN:
			readable = false
		default:
			s.fail("read", err)
		}
	})
	return readable
}

// peek does not wait: the descriptor is in non-blocking mode.
func peek(fd int, p []byte) (int, error) {
	n, _, err := syscall.Recvfrom(fd, p, syscall.MSG_PEEK)
	return n, err
}

func (s *socket) TryWrite(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.out = operation{p: p}
	err := s.raw.Control(s.writeFunc)
	s.out.p = nil
	if err != nil {
		return 0, err
	}
	return s.out.n, s.out.err
}

// write writes once from out.p; a socket that took a part is full.
func (s *socket) write(fd uintptr) {
	if s.probed {
		s.out.n, s.probed = 1, false
	}
	s.blocked = false
	rest := s.out.p[s.out.n:]
	if len(rest) == 0 {
		return
	}
	n, err := ignoringEINTR(syscall.Write, fd, rest[:min(len(rest), maxWrite)])
	s.out.n += n
	if err != nil && err != syscall.EAGAIN {
		s.out.err = s.fail("write", err)
		return
	}
	if s.out.n < len(s.out.p) {
		s.blocked, s.probe[0] = true, s.out.p[s.out.n]
		s.out.err = transport.ErrWouldBlock
	}
}

// maxWrite is what one system call is given: Darwin refuses more than 2 GiB.
const maxWrite = 1 << 30

func (s *socket) AwaitWrite() error {
	s.out.err = nil
	if err := s.parkWrite(s.probeFunc); err != nil {
		return err
	}
	return s.out.err
}

// tryProbe returns false when the socket would block. The poller reports edges
// and forgets one that came before the wait began, so only an attempt to send
// tells; a write of no bytes tells nothing.
func (s *socket) tryProbe(fd uintptr) bool {
	if !s.blocked {
		return true
	}
	_, err := ignoringEINTR(syscall.Write, fd, s.probe[:])
	if err == syscall.EAGAIN {
		return false
	}
	s.blocked = false
	if err != nil {
		s.out.err = s.fail("write", err)
		return true
	}
	s.probed = true
	return true
}

// parkWrite calls try, and again whenever there is room, until it returns true
// or KickWrite is called.
func (s *socket) parkWrite(try func(fd uintptr) bool) error {
	err := s.raw.Write(try)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	s.conn.SetWriteDeadline(time.Time{})
	return transport.ErrKicked
}

func (s *socket) KickWrite() { s.conn.SetWriteDeadline(past) }

func (s *socket) CloseWrite() error { return s.conn.CloseWrite() }

func (s *socket) Close() error { return closeOnce(s.conn) }

func (s *socket) Abort() error { return abort(s.conn) }

// fail describes an error of the connection and keeps the first for the reader.
// EPIPE says only that the output is over.
func (s *socket) fail(op string, err error) error {
	failure := &net.OpError{
		Op: op, Net: s.conn.LocalAddr().Network(),
		Source: s.conn.LocalAddr(), Addr: s.conn.RemoteAddr(),
		Err: os.NewSyscallError(op, err),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil && err != syscall.EPIPE {
		s.lost = failure
	}
	return failure
}

// end returns what end of file means: the kernel reports a reset once, be it
// to the writer, and end of file from then on.
func (s *socket) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost != nil {
		return s.lost
	}
	return io.EOF
}

func ignoringEINTR(f func(fd int, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := f(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
