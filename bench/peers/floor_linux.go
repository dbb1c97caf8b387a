package peers

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"github.com/fb1e3c20/websockets/bench/raw"
)

// floor is the peer that is the least in Go: one goroutine that waits for all
// connections and sends back bytes.
func floor() []*Peer {
	return []*Peer{{Name: "epollfloor", Module: "none", Plain: true, Modes: []string{"off"}, Serve: serveFloor}}
}

func serveFloor(l net.Listener, _ raw.Mode) error {
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer file.Close()
	listener := int(file.Fd())
	if err := unix.SetNonblock(listener, true); err != nil {
		return err
	}
	poller, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(poller)
	f := &epollFloor{poller: poller, listener: listener, buf: make([]byte, 64<<10), unsent: map[int][]byte{}}
	if err := f.watch(unix.EPOLL_CTL_ADD, listener, unix.EPOLLIN); err != nil {
		return err
	}
	return f.run()
}

// epollFloor is the loop and what it knows of connections: nothing, but for those whose
// peer does not read.
type epollFloor struct {
	poller, listener int
	buf              []byte
	unsent           map[int][]byte
}

func (f *epollFloor) run() error {
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(f.poller, events, -1)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for _, event := range events[:max(n, 0)] {
			switch fd := int(event.Fd); {
			case fd == f.listener:
				f.accept()
			case event.Events&unix.EPOLLOUT != 0:
				f.flush(fd)
			default:
				f.echo(fd)
			}
		}
	}
}

func (f *epollFloor) watch(op, fd int, events uint32) error {
	return unix.EpollCtl(f.poller, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

func (f *epollFloor) accept() {
	for {
		fd, _, err := unix.Accept4(f.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // there is none left, or it has gone
		}
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if f.watch(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) != nil {
			unix.Close(fd)
		}
	}
}

func (f *epollFloor) echo(fd int) {
	n, err := unix.Read(fd, f.buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil || n == 0:
		f.close(fd)
	default:
		f.send(fd, f.buf[:n])
	}
}

// send writes p, or keeps what does not go, and reads no more until it has gone.
func (f *epollFloor) send(fd int, p []byte) {
	n, err := unix.Write(fd, p)
	if err != nil && err != unix.EAGAIN && err != unix.EINTR {
		f.close(fd)
		return
	}
	if rest := p[max(n, 0):]; len(rest) > 0 {
		f.unsent[fd] = append([]byte(nil), rest...)
		f.watch(unix.EPOLL_CTL_MOD, fd, unix.EPOLLOUT)
	}
}

func (f *epollFloor) flush(fd int) {
	p := f.unsent[fd]
	delete(f.unsent, fd)
	f.watch(unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN)
	f.send(fd, p)
}

func (f *epollFloor) close(fd int) {
	delete(f.unsent, fd)
	unix.Close(fd)
}
