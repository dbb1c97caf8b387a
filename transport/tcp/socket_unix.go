//go:build unix

package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
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

	// What AwaitRead is given, and what comes of it. The function is made
	// once, so that no call allocates.
	lender      transport.Lender
	received    result
	receiveFunc func(fd uintptr) bool

	// probe is the first byte that the socket refused. AwaitWrite learns
	// whether there is room by sending it; then probed is true, and the
	// next TryWrite finds that its first byte has gone already.
	blocked, probed bool
	probe           [1]byte

	lost atomic.Pointer[net.OpError] // the first error of the connection; the kernel tells it once
}

// A result is that of one read or write.
type result struct {
	n   int
	err error
}

// An attempt is one call of RawConn but for that of AwaitRead, which an idle connection
// waits in. Attempts come from a pool, with the functions
// that are given to RawConn.
type attempt struct {
	s    *socket
	p    []byte
	last bool // the end of the output follows p
	result

	readFunc, writeFunc func(fd uintptr)
	probeFunc           func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.readFunc, a.writeFunc, a.probeFunc = a.read, a.write, a.probe
	return a
}}

func (s *socket) attempt(p []byte) *attempt {
	a := attempts.Get().(*attempt)
	a.s, a.p = s, p
	return a
}

// end returns the result, with the error of RawConn if there is one, and gives a back.
func (a *attempt) end(err error) (int, error) {
	r := a.result
	if err != nil {
		r = result{0, err}
	}
	a.s, a.p, a.last, a.result = nil, nil, false, result{}
	attempts.Put(a)
	return r.n, r.err
}

func openSocket(c socketConn) (transport.Stream, error) { return newSocket(c) }

func newSocket(conn socketConn) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("tcp: no access to the descriptor: %w", err)
	}
	s := &socket{conn: conn, raw: raw}
	s.receiveFunc = s.receive
	return s, nil
}

func (s *socket) TryRead(p []byte) (int, error) {
	a := s.attempt(p)
	return a.end(s.raw.Control(a.readFunc))
}

func (a *attempt) read(fd uintptr) { a.result = a.s.read(fd, a.p) }

// read reads once into p.
func (s *socket) read(fd uintptr, p []byte) result {
	n, err := ignoringEINTR(read, fd, p)
	switch {
	case err == syscall.EAGAIN:
		err = transport.ErrWouldBlock
	case err != nil:
		err = s.fail("read", err)
	case n == 0:
		err = s.end()
	}
	return result{n, err}
}

func (s *socket) AwaitRead(l transport.Lender) (int, error) {
	s.lender = l
	err := s.parkRead(s.receiveFunc)
	r := s.received
	s.lender, s.received = nil, result{}
	if err != nil {
		return 0, err
	}
	return r.n, r.err
}

// receive reads into a borrowed buffer. It returns false, and holds no buffer
// then, when there is nothing to read.
func (s *socket) receive(fd uintptr) bool {
	s.received = s.read(fd, s.lender.Borrow())
	if s.received.err != nil {
		s.lender.Return()
	}
	return s.received.err != transport.ErrWouldBlock
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

// Sleep implements [transport.Sleeper]. What the poller told before the wait began is
// forgotten then, so a look comes first.
func (s *socket) Sleep() error {
	looked := false
	return s.parkRead(func(fd uintptr) bool {
		if looked {
			return true
		}
		looked = true
		return hasInput(int(fd))
	})
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
	a := s.attempt(p)
	return a.end(s.raw.Control(a.writeFunc))
}

// TryFinish implements [transport.Finisher].
func (s *socket) TryFinish(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, s.CloseWrite()
	}
	a := s.attempt(p)
	a.last = true
	n, err := a.end(s.raw.Control(a.writeFunc))
	if err != nil {
		return n, err
	}
	return n, s.CloseWrite()
}

// write writes once from p; a socket that took a part is full.
func (a *attempt) write(fd uintptr) {
	s := a.s
	if s.probed {
		a.n, s.probed = 1, false
	}
	s.blocked = false
	rest := a.p[a.n:]
	if len(rest) == 0 {
		return
	}
	send := write
	if a.last {
		send = writeLast
	}
	n, err := ignoringEINTR(send, fd, rest[:min(len(rest), maxWrite)])
	a.n += n
	if err != nil && err != syscall.EAGAIN {
		a.err = s.fail("write", err)
		return
	}
	if a.n < len(a.p) {
		s.blocked, s.probe[0] = true, a.p[a.n]
		a.err = transport.ErrWouldBlock
	}
}

// maxWrite is what one system call is given: Darwin refuses more than 2 GiB.
const maxWrite = 1 << 30

func (s *socket) AwaitWrite() error {
	a := s.attempt(nil)
	_, err := a.end(s.parkWrite(a.probeFunc))
	return err
}

// probe returns false when the socket would block. The poller reports edges
// and forgets one that came before the wait began, so only an attempt to send
// tells; a write of no bytes tells nothing.
func (a *attempt) probe(fd uintptr) bool {
	s := a.s
	if !s.blocked {
		return true
	}
	_, err := ignoringEINTR(write, fd, s.probe[:])
	if err == syscall.EAGAIN {
		return false
	}
	s.blocked = false
	if err != nil {
		a.err = s.fail("write", err)
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
	if err != syscall.EPIPE {
		s.lost.CompareAndSwap(nil, failure)
	}
	return failure
}

// end returns what end of file means: the kernel reports a reset once, be it
// to the writer, and end of file from then on.
func (s *socket) end() error {
	if lost := s.lost.Load(); lost != nil {
		return lost
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
