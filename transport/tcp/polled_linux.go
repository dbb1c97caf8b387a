package tcp

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"github.com/fb1e3c20/websockets/transport"
)

// A polled is a Stream over a descriptor that a loop waits for. Package net knows nothing of
// it.
//
// The loop tells of edges: that something has become readable or writable since it was
// found not to be. So what an edge has told is remembered until the next attempt
// finds nothing left.
type polled struct {
	loop   *loop
	local  *net.TCPAddr // that of the listener, until it is closed
	fd     int32
	birth  int32 // the loop's
	remote peer

	state   state
	listens bool  // it accepts connections
	users   int32 // system calls that are being made
	mu      sync.Mutex
	waker   transport.Waker // to be called when there is input
	rare    *rare           // nil: none
}

// rare is what a socket has at times.
type rare struct {
	wait *gate        // where AwaitRead and AwaitWrite wait
	lost *net.OpError // the first error of the connection; the kernel tells it once
	zone string       // of the peer's address
}

// rarely returns that for writing. The lock is held.
func (s *polled) rarely() *rare {
	if s.rare == nil {
		s.rare = new(rare)
	}
	return s.rare
}

func (s *polled) gate() *gate {
	if s.rare == nil {
		return nil
	}
	return s.rare.wait
}

type state uint8

const (
	readable    state = 1 << iota // there may be input
	writable                      // there may be room for output
	hungUp                        // the peer's output has ended: there is always something to read
	readKicked                    // KickRead was called
	writeKicked                   // KickWrite was called
	closed                        // Close or Abort was called
	urgent                        // there has been urgent data, which ends a read early
	watchesOut                    // the loop tells of room for output
)

// A gate is where goroutines wait.
type gate struct {
	sync.Cond
	waiting int
}

func (s *polled) has(any state) bool { return s.state&any != 0 }

// happened takes what the loop has been told, and returns whom to wake.
func (s *polled) happened(events uint32) (w transport.Waker) {
	const ended, failed = syscall.EPOLLRDHUP | syscall.EPOLLHUP, syscall.EPOLLERR
	s.mu.Lock()
	defer s.mu.Unlock()
	if events&ended != 0 {
		s.state |= hungUp
	}
	if events&(syscall.EPOLLOUT|ended|failed) != 0 {
		s.state |= writable
	}
	if events&syscall.EPOLLPRI != 0 {
		s.state |= urgent
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLPRI|ended|failed) != 0 {
		s.state |= readable
		w, s.waker = s.waker, nil
	}
	s.wake()
	return w
}

// wake lets those who wait look. The lock is held.
func (s *polled) wake() {
	if g := s.gate(); g != nil {
		g.Broadcast()
	}
}

// begin begins a system call, which Close waits for before the descriptor may belong to
// another connection; until end finds otherwise, there is nothing left of what.
func (s *polled) begin(what state) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(closed) {
		return net.ErrClosed
	}
	s.users++
	s.state &^= what
	return nil
}

func (s *polled) end(left state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state |= left
	s.release()
}

// release lets Close have the descriptor. The lock is held.
func (s *polled) release() {
	s.users--
	if s.has(closed) && s.users == 0 {
		closeDescriptor(int(s.fd))
	}
}

func (s *polled) TryRead(p []byte) (int, error) {
	if err := s.begin(readable); err != nil {
		return 0, err
	}
	n, err := ignoringEINTR(read, uintptr(s.fd), p)
	s.endRead(n, len(p))
	switch {
	case err == syscall.EAGAIN:
		return 0, transport.ErrWouldBlock
	case err != nil:
		return 0, s.fail("read", err)
	case n == 0:
		return 0, s.eof()
	}
	return n, nil
}

// endRead is end after a read. A short one has left nothing, unless urgent data made it
// short.
func (s *polled) endRead(n, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == size || n > 0 && s.has(urgent) {
		s.state |= readable
	}
	s.release()
}

func (s *polled) AwaitRead(l transport.Lender) (int, error) {
	for {
		if err := s.await(readable|hungUp, readKicked); err != nil {
			return 0, err
		}
		n, err := s.TryRead(l.Borrow())
		if n > 0 {
			return n, nil
		}
		l.Return()
		if err != transport.ErrWouldBlock {
			return 0, err
		}
	}
}

// await waits until the state has one of any, or kicked.
func (s *polled) await(any, kicked state) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.has(any | kicked | closed) {
		w := s.gate()
		if w == nil {
			w = &gate{}
			w.L = &s.mu
			s.rarely().wait = w
		}
		w.waiting++
		w.Wait()
		if w.waiting--; w.waiting == 0 {
			s.rare.wait = nil
		}
	}
	switch {
	case s.has(kicked):
		s.state &^= kicked
		return transport.ErrKicked
	case s.has(closed):
		return net.ErrClosed
	}
	return nil
}

// WhenReadable implements [transport.Polled].
func (s *polled) WhenReadable(w transport.Waker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(readable | hungUp | readKicked | closed) {
		s.state &^= readKicked
		return false
	}
	s.waker = w
	return true
}

// Readable asks the system: the loop may not have come to it yet.
func (s *polled) Readable() bool {
	if s.begin(0) != nil {
		return true
	}
	var p [1]byte
	_, err := ignoringEINTR(peek, uintptr(s.fd), p[:])
	s.end(0)
	if err != nil && err != syscall.EAGAIN {
		s.fail("read", err)
	}
	return err != syscall.EAGAIN
}

func (s *polled) KickRead() { s.kick(readKicked) }

func (s *polled) kick(side state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state |= side
	s.wake()
	if s.waker != nil && side == readKicked {
		s.state &^= readKicked
		s.rouse()
	}
}

// rouse calls the waker, in a goroutine of its own: the caller may hold what it needs.
// The lock is held.
func (s *polled) rouse() {
	if s.waker != nil {
		go s.waker.Wake()
		s.waker = nil
	}
}

func (s *polled) TryWrite(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	return s.tryWrite(write, p[:min(len(p), maxWrite)], len(p))
}

// tryWrite writes p, a part of all.
func (s *polled) tryWrite(write func(fd int, p []byte) (int, error), p []byte, all int) (n int, err error) {
	if err := s.begin(writable); err != nil {
		return 0, err
	}
	n, err = ignoringEINTR(write, uintptr(s.fd), p)
	left := state(0)
	if n == len(p) {
		left = writable
	}
	s.end(left)
	switch {
	case err != nil && err != syscall.EAGAIN:
		return n, s.fail("write", err)
	case n < all:
		return n, transport.ErrWouldBlock
	}
	return n, nil
}

// TryFinish implements [transport.Finisher].
func (s *polled) TryFinish(p []byte) (n int, err error) {
	if len(p) > 0 {
		if n, err = s.tryWrite(writeLast, p[:min(len(p), maxWrite)], len(p)); err != nil {
			return n, err
		}
	}
	return n, s.CloseWrite()
}

func (s *polled) AwaitWrite() error {
	if err := s.watchOut(); err != nil {
		return err
	}
	return s.await(writable, writeKicked)
}

// watchOut has the loop tell of room for output, from the first time on that there was none.
func (s *polled) watchOut() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(watchesOut | closed | writable) {
		return nil
	}
	if err := s.loop.addOutput(s); err != nil {
		return err
	}
	s.state |= watchesOut
	return nil
}

func (s *polled) KickWrite() { s.kick(writeKicked) }

func (s *polled) CloseWrite() error {
	if err := s.begin(0); err != nil {
		return err
	}
	err := shutdown(int(s.fd))
	s.end(0)
	if err != nil {
		return s.fail("shutdown", err)
	}
	return nil
}

func (s *polled) Close() error { return s.close(false) }
func (s *polled) Abort() error { return s.close(true) }

func (s *polled) close(abort bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(closed) {
		return nil
	}
	if s.local == nil || isAny(s.local) {
		s.local = s.ownAddr()
	}
	s.state |= closed
	s.loop.remove(s)
	if abort {
		syscall.SetsockoptLinger(int(s.fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	}
	if s.users == 0 {
		closeDescriptor(int(s.fd))
	}
	s.wake()
	s.rouse()
	return nil
}

// fail describes an error of the connection and keeps the first for the reader.
// EPIPE says only that the output is over.
func (s *polled) fail(op string, err error) error {
	failure := &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: os.NewSyscallError(op, err)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != syscall.EPIPE && s.rarely().lost == nil {
		s.rare.lost = failure
	}
	return failure
}

// eof returns what end of file means: the kernel reports a reset once, be it to the
// writer, and end of file from then on.
func (s *polled) eof() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rare != nil && s.rare.lost != nil {
		return s.rare.lost
	}
	return io.EOF
}

// LocalAddr returns the local address of the connection.
func (s *polled) LocalAddr() net.Addr {
	if s.begin(0) != nil {
		return netAddr(s.local)
	}
	defer s.end(0)
	return netAddr(s.ownAddr())
}

// netAddr is an address for package net, nil for none.
func netAddr(a *net.TCPAddr) net.Addr {
	if a == nil {
		return nil
	}
	return a
}

func (s *polled) ownAddr() *net.TCPAddr {
	own, err := syscall.Getsockname(int(s.fd))
	if err != nil {
		return s.local
	}
	return net.TCPAddrFromAddrPort(addrPort(own))
}

// isAny reports whether a listener listens on all addresses, and a connection of it has
// another one.
func isAny(a *net.TCPAddr) bool { return len(a.IP) == 0 || a.IP.IsUnspecified() }

// RemoteAddr returns the peer's address of the connection.
func (s *polled) RemoteAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.remote.addrPort()
	if s.rare != nil && s.rare.zone != "" {
		a = netip.AddrPortFrom(a.Addr().WithZone(s.rare.zone), a.Port())
	}
	return net.TCPAddrFromAddrPort(a)
}

// A peer is an address and a port in 18 bytes, without a zone.
type peer struct {
	ip   [16]byte
	port uint16
}

// setRemote notes the peer's address of a new socket.
func (s *polled) setRemote(a netip.AddrPort) {
	if zone := a.Addr().Zone(); zone != "" {
		s.rarely().zone = zone
	}
	if a.IsValid() {
		s.remote = peer{a.Addr().As16(), a.Port()}
	}
}

func (p peer) addrPort() netip.AddrPort {
	if p == (peer{}) {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(p.ip).Unmap(), p.port)
}

// addrPort returns the address and port of a TCP socket.
func addrPort(a syscall.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *syscall.SockaddrInet6:
		return addrPort6(a.Addr, uint16(a.Port), a.ZoneId)
	}
	return netip.AddrPort{}
}

func addrPort6(addr [16]byte, port uint16, zone uint32) netip.AddrPort {
	ip := netip.AddrFrom16(addr).Unmap()
	if zone != 0 {
		if i, err := net.InterfaceByIndex(int(zone)); err == nil {
			ip = ip.WithZone(i.Name)
		}
	}
	return netip.AddrPortFrom(ip, port)
}
