package tcp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/fb1e3c20/websockets/transport"
)

// An acceptor accepts connections without package net: on a duplicate of a listener's
// descriptor, for which a loop waits.
type acceptor struct {
	socket *polled
	addr   *net.TCPAddr
	taken  atomic.Bool // by an each
}

// accepting returns an acceptor for the connections of l.
func (p *Poller) accepting(l *net.TCPListener) (*acceptor, error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := inherit(raw); err != nil {
		return nil, err
	}
	addr := tcpAddr(l.Addr())
	s := &polled{local: addr, listens: true}
	if err := p.loops[0].own(s, raw); err != nil {
		return nil, err
	}
	return &acceptor{socket: s, addr: addr}, nil
}

// accept waits for a connection, which l is to wait for.
func (a *acceptor) accept(l *loop) (transport.Stream, error) {
	for {
		s, err := a.try(l)
		if err == syscall.EAGAIN {
			if err = a.socket.await(readable, 0); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, a.failed(err)
		}
		return s, nil
	}
}

// try accepts a connection if there is one, and returns EAGAIN otherwise.
func (a *acceptor) try(l *loop) (transport.Stream, error) {
	for {
		fd, peer, err := a.tryOnce()
		switch err {
		case nil:
			s := &polled{fd: int32(fd), local: a.addr}
			s.setRemote(peer)
			if err := l.add(s); err != nil {
				closeDescriptor(fd)
				return nil, connError{err}
			}
			return s, nil
		case syscall.EINTR, syscall.ECONNABORTED:
		default:
			return nil, err
		}
	}
}

func (a *acceptor) tryOnce() (fd int, peer netip.AddrPort, err error) {
	if err := a.socket.begin(readable); err != nil {
		return 0, peer, err
	}
	neverWait(int(a.socket.fd))
	fd, peer, err = accept4(int(a.socket.fd))
	left := readable
	if err == syscall.EAGAIN {
		left = 0
	}
	a.socket.end(left)
	return fd, peer, err
}

// neverWait puts a listener into non-blocking mode: os.File.Fd of a duplicate, as programs give it
// to the process that follows them, takes it out, and nothing could end the wait then.
func neverWait(fd int) {
	syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, syscall.O_NONBLOCK)
}

func (a *acceptor) failed(err error) error {
	if _, ok := err.(connError); ok {
		return err
	}
	return &net.OpError{Op: "accept", Net: "tcp", Addr: a.addr, Err: err}
}

// each accepts connections as they come, until an error.
type each struct {
	*acceptor
	poller *Poller
	handle func(transport.Stream)
	failed chan error
}

func (a *acceptor) each(p *Poller, handle func(transport.Stream)) error {
	if !a.taken.CompareAndSwap(false, true) {
		return errors.ErrUnsupported
	}
	defer a.taken.Store(false)
	e := &each{a, p, handle, make(chan error, 1)}
	if !a.socket.WhenReadable(e) {
		go e.Wake()
	}
	return a.failed(<-e.failed)
}

// Wake accepts what is there. A call that takes long is no harm: another goroutine goes on
// for the other sockets.
func (e *each) Wake() {
	for {
		s, err := e.try(e.poller.loop())
		switch {
		case err == nil:
			e.handle(s)
		case err != syscall.EAGAIN:
			e.failed <- err
			return
		case e.socket.WhenReadable(e):
			return
		}
	}
}

func (a *acceptor) close() { a.socket.Close() }

// tcpAddr is an address of package net, nil for none.
func tcpAddr(a net.Addr) *net.TCPAddr {
	t, _ := a.(*net.TCPAddr)
	return t
}

// adopt takes the descriptor of a connection from package net.
func (p *Poller) adopt(c *net.TCPConn) (transport.Polled, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &polled{local: tcpAddr(c.LocalAddr())}
	s.setRemote(tcpAddr(c.RemoteAddr()).AddrPort())
	if err := p.loop().own(s, raw); err != nil {
		return nil, err
	}
	c.Close()
	return s, nil
}

// own gives s a duplicate of a descriptor and waits for it.
func (l *loop) own(s *polled, raw syscall.RawConn) error {
	var errno syscall.Errno
	err := raw.Control(func(fd uintptr) {
		var own uintptr
		own, _, errno = syscall.RawSyscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
		s.fd = int32(own)
	})
	if err != nil {
		return err
	}
	if errno != 0 {
		return os.NewSyscallError("fcntl", errno)
	}
	if err := l.add(s); err != nil {
		closeDescriptor(int(s.fd))
		return err
	}
	return nil
}

// inherit sets on a listener what package net sets on every connection: they inherit it.
// As there, what the system refuses is left out.
func inherit(listener syscall.RawConn) error {
	return listener.Control(func(fd uintptr) {
		for _, o := range []struct{ level, option, value int }{
			{syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1},
			{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, keepAlive},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, keepAlive},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, keepAlives},
		} {
			_ = syscall.SetsockoptInt(int(fd), o.level, o.option, o.value)
		}
	})
}

// As package net has them: so many seconds, and so many probes.
const keepAlive, keepAlives = 15, 9
