package raw

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fb1e3c20/websockets/core/frame"
)

type crowdSockets struct {
	poller int
	fds    []int
	buf    []byte
	begun  map[int][]byte // frames of which the end has not come
	turn   int            // whose ping is next
}

// Open opens n connections from another address of this machine, each with a handshake
// and one echo of a short message. After an error there are those that it opened
// before. It is called once.
func (c *Crowd) Open(from string, n int) (err error) {
	c.buf, c.begun = make([]byte, 16<<10), map[int][]byte{}
	if c.poller, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(c.server.Addr)
	if err != nil {
		return err
	}
	source, err := netip.ParseAddr(from)
	if err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 512)
	for i := range n {
		fd, err := c.dial(to, source)
		if err == unix.EAGAIN {
			err = fmt.Errorf("no answer within %v", patience)
		}
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		c.fds = append(c.fds, fd)
		c.open.Add(1)
		if i%100 == 99 {
			if err := c.wait(events, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// dial opens one connection, and watches it when it is idle.
func (c *Crowd) dial(to netip.AddrPort, from netip.Addr) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	for _, step := range []func() error{
		func() error { return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit) },
		func() error { return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit) },
		func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) },
		func() error { return unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}) },
		func() error { return connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}) },
		func() error { return c.greet(fd) },
		func() error { return unix.SetNonblock(fd, true) },
		func() error { return c.watch(fd) },
	} {
		if err := step(); err != nil {
			unix.Close(fd)
			return 0, err
		}
	}
	return fd, nil
}

// connect is that of package unix, but that it goes on when a signal comes.
func connect(fd int, to unix.Sockaddr) error {
	for {
		if err := unix.Connect(fd, to); err != unix.EINTR {
			return err
		}
	}
}

func (c *Crowd) watch(fd int) error {
	return unix.EpollCtl(c.poller, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// Short messages, as both sides have them.
var (
	hello = frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Text, Masked: true, Mask: mask}, []byte("hello"))
	echo  = frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Text}, []byte("hello"))
	ping  = frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Ping, Masked: true, Mask: mask}, nil)
)

// greet shakes hands and has one message sent back.
func (c *Crowd) greet(fd int) error {
	request := request(c.server.Addr, "")
	if c.server.Plain {
		if err := c.ask(fd, request, request); err != nil {
			return err
		}
		return c.ask(fd, hello, hello)
	}
	if err := writeAll(fd, request); err != nil {
		return err
	}
	p, err := c.head(fd)
	if err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(p)), nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the status is %s", response.Status)
	}
	return c.ask(fd, hello, echo)
}

// head reads the head of a response.
func (c *Crowd) head(fd int) ([]byte, error) {
	for have := 0; have < len(c.buf); {
		n, err := read(fd, c.buf[have:])
		if err != nil {
			return nil, err
		}
		have += n
		if bytes.HasSuffix(c.buf[:have], []byte("\r\n\r\n")) {
			return c.buf[:have], nil
		}
	}
	return nil, errors.New("a response without end")
}

// ask writes p and reads want.
func (c *Crowd) ask(fd int, p, want []byte) error {
	if err := writeAll(fd, p); err != nil {
		return err
	}
	have := 0
	for have < len(want) {
		n, err := read(fd, c.buf[have:len(want)])
		if err != nil {
			return err
		}
		have += n
	}
	if !bytes.Equal(c.buf[:have], want) {
		return fmt.Errorf("the server sends %.32q; want %.32q", c.buf[:have], want)
	}
	return nil
}

// read is that of package unix, but for the end of the input, which is an error.
func read(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.ErrUnexpectedEOF
		default:
			return n, nil
		}
	}
}

// writeAll writes p, which is short: a socket that does not take it whole is stuck.
func writeAll(fd int, p []byte) error {
	for {
		n, err := unix.Write(fd, p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n < len(p):
			return io.ErrShortWrite
		default:
			return nil
		}
	}
}

// Hold attends to the connections until done is closed. It sends each a ping every
// interval, evenly spread, and none if the interval is 0.
func (c *Crowd) Hold(done <-chan struct{}, interval time.Duration) error {
	events := make([]unix.EpollEvent, 512)
	for began, sent := time.Now(), 0; ; {
		select {
		case <-done:
			return nil
		default:
		}
		if interval > 0 {
			due := int(time.Since(began).Seconds() / interval.Seconds() * float64(len(c.fds)))
			for ; sent < due; sent++ {
				c.sendPing()
			}
		}
		if err := c.wait(events, 10); err != nil {
			return err
		}
	}
}

// wait waits for input for some milliseconds, and takes it.
func (c *Crowd) wait(events []unix.EpollEvent, milliseconds int) error {
	n, err := unix.EpollWait(c.poller, events, milliseconds)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("epoll_wait: %w", err)
	}
	for _, event := range events[:max(n, 0)] {
		if fd := int(event.Fd); c.attend(fd) != nil {
			c.lose(fd)
		}
	}
	return nil
}

// sendPing sends a ping on the connection whose turn it is. Those that were lost have
// the descriptor -1.
func (c *Crowd) sendPing() {
	c.turn = (c.turn + 1) % len(c.fds)
	if fd := c.fds[c.turn]; fd >= 0 && writeAll(fd, ping) != nil {
		c.lose(fd)
	}
}

func (c *Crowd) lose(fd int) {
	for i := range c.fds {
		if c.fds[i] == fd {
			c.fds[i] = -1
		}
	}
	delete(c.begun, fd)
	unix.Close(fd)
	c.open.Add(-1)
	c.lost.Add(1)
}

// attend takes what has come on a connection.
func (c *Crowd) attend(fd int) error {
	n, err := read(fd, c.buf)
	if err == unix.EAGAIN {
		return nil
	}
	if err != nil {
		return err
	}
	p := append(c.begun[fd], c.buf[:n]...)
	delete(c.begun, fd)
	for len(p) > 0 {
		used, err := c.take(fd, p)
		if err != nil {
			return err
		}
		if used == 0 {
			c.begun[fd] = bytes.Clone(p)
			return nil
		}
		p = p[used:]
	}
	return nil
}

// take takes the first frame of p, of so many bytes, or 0 if it is not there whole.
func (c *Crowd) take(fd int, p []byte) (used int, err error) {
	h, n, err := frame.ParseHeader(p)
	if err != nil || n == 0 {
		return 0, err
	}
	if err := h.Check(c.server.Plain, false); err != nil {
		return 0, err
	}
	end := n + int(min(h.Length, frame.MaxControlPayload))
	switch {
	case len(p) < end:
		return 0, nil
	case h.Opcode == frame.Pong || h.Opcode == frame.Ping && c.server.Plain:
		c.pings.Add(1)
		return end, nil
	case h.Opcode == frame.Ping:
		c.pings.Add(1)
		pong := frame.Header{Fin: true, Opcode: frame.Pong, Masked: true, Mask: mask}
		return end, writeAll(fd, frame.AppendFrame(nil, pong, p[n:end]))
	}
	return 0, fmt.Errorf("a frame of the type %v to a connection that rests", h.Opcode)
}

// Close closes all connections.
func (c *Crowd) Close() {
	for _, fd := range c.fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	unix.Close(c.poller)
}
