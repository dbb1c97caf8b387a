package tcp_test

import (
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/streamtest"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func TestPolledContract(t *testing.T) {
	t.Run("Accepted", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connectPolled(t, poller(t, 0)) })
	})
	t.Run("Adopted", func(t *testing.T) {
		p := poller(t, 0)
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return adoptBoth(t, p, 0) })
	})
	t.Run("SmallBuffers", func(t *testing.T) {
		p := poller(t, 0)
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return adoptBoth(t, p, 64<<10) })
	})
}

func poller(t testing.TB, maxBusy int) *tcp.Poller {
	t.Helper()
	p, err := tcp.NewPoller(maxBusy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// connectPolled returns both ends of a fresh connection, the second one accepted.
func connectPolled(t testing.TB, p *tcp.Poller) (client *tcp.Stream, server transport.Polled) {
	t.Helper()
	l, err := tcp.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = tcp.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Accept(l)
	if err != nil {
		t.Fatal(err)
	}
	server = s.(transport.Polled)
	t.Cleanup(func() { client.Abort(); server.Abort() })
	return client, server
}

// adoptBoth returns both ends of a fresh connection, whose system buffers have about
// size bytes, 0 for as many as the system likes.
func adoptBoth(t testing.TB, p *tcp.Poller, size int) (a, b transport.Stream) {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return adoptInto(t, p, client, size), adoptInto(t, p, server, size)
}

func adoptInto(t testing.TB, p *tcp.Poller, c net.Conn, size int) transport.Stream {
	t.Helper()
	if size > 0 {
		c.(*net.TCPConn).SetReadBuffer(2 * size)
		c.(*net.TCPConn).SetWriteBuffer(size)
	}
	s, err := p.Adopt(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Abort() })
	return s
}

// A waker counts and tells.
type waker func()

func (w waker) Wake() { w() }

// arm has the next input of s told on the channel that it returns.
func arm(t testing.TB, s transport.Polled, before func()) <-chan struct{} {
	t.Helper()
	woken := make(chan struct{})
	if !s.WhenReadable(waker(func() { before(); close(woken) })) {
		t.Fatal("there is something to read already")
	}
	return woken
}

func nothing() {}

func await(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: not after ten seconds", what)
	}
}

func TestWhenReadable(t *testing.T) {
	for name, happens := range map[string]func(client *tcp.Stream, server transport.Polled){
		"input":   func(client *tcp.Stream, _ transport.Polled) { client.TryWrite([]byte("x")) },
		"the end": func(client *tcp.Stream, _ transport.Polled) { client.CloseWrite() },
		"a reset": func(client *tcp.Stream, _ transport.Polled) { client.Abort() },
		"a kick":  func(_ *tcp.Stream, server transport.Polled) { server.KickRead() },
		"Close":   func(_ *tcp.Stream, server transport.Polled) { server.Close() },
		"Abort":   func(_ *tcp.Stream, server transport.Polled) { server.Abort() },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := connectPolled(t, poller(t, 0))
			woken := arm(t, server, nothing)
			select {
			case <-woken:
				t.Fatal("nothing has happened")
			case <-time.After(time.Millisecond):
			}
			happens(client, server)
			await(t, name, woken)
		})
		t.Run("after "+name, func(t *testing.T) {
			client, server := connectPolled(t, poller(t, 0))
			happens(client, server)
			eventually(t, "WhenReadable returns false", func() bool {
				again := make(chan struct{})
				armed := server.WhenReadable(waker(func() { close(again) }))
				if armed {
					await(t, name, again)
				}
				return !armed || name == "a kick" // which has been seen
			})
		})
	}
}

// Whatever is left after a read that filled its buffer is told of again.
func TestWhenReadableAfterAPart(t *testing.T) {
	client, server := connectPolled(t, poller(t, 0))
	woken := arm(t, server, nothing)
	client.TryWrite([]byte("abc"))
	await(t, "input", woken)
	for _, want := range "abc" {
		if server.WhenReadable(waker(nothing)) {
			t.Fatalf("nothing is readable before %q", want)
		}
		p := make([]byte, 1)
		if n, err := server.TryRead(p); n != 1 || err != nil || rune(p[0]) != want {
			t.Fatalf("%q, %d, %v; want %q", p, n, err, want)
		}
	}
	if _, err := server.TryRead(make([]byte, 1)); err != transport.ErrWouldBlock {
		t.Fatal(err)
	}
	woken = arm(t, server, nothing)
	client.TryWrite([]byte("d"))
	await(t, "more input", woken)
}

// A handler that waits holds up no other socket for long, and one that ends its goroutine
// none at all.
func TestBusyHandlersHoldNobodyUp(t *testing.T) {
	p := poller(t, 0)
	stuck := make(chan struct{})
	for range 50 {
		client, server := connectPolled(t, p)
		entered := make(chan struct{})
		arm(t, server, func() { close(entered); <-stuck })
		client.TryWrite([]byte("x"))
		await(t, "a handler", entered)
	}
	for range 4 {
		client, server := connectPolled(t, p)
		entered := make(chan struct{})
		arm(t, server, func() { close(entered); runtime.Goexit() })
		client.TryWrite([]byte("x"))
		await(t, "one that ends its goroutine", entered)
	}
	client, server := connectPolled(t, p)
	woken := arm(t, server, nothing)
	client.TryWrite([]byte("x"))
	await(t, "one more", woken)
	close(stuck)
}

// Where many handlers take their time, they do not begin one after the other, each after a
// look of the watch; when they return soon again, they run in the leader's goroutine.
func TestManyBusyHandlers(t *testing.T) {
	p := poller(t, 0)
	const all = 300
	stuck := make(chan struct{})
	var entered atomic.Int32
	var done sync.WaitGroup
	var clients []transport.Stream
	var servers []transport.Polled
	for range all {
		client, server := connectPolled(t, p)
		clients, servers = append(clients, client), append(servers, server)
		done.Add(1)
		arm(t, server, func() { entered.Add(1); <-stuck; done.Done() })
	}
	began := time.Now()
	for _, client := range clients {
		client.TryWrite([]byte("x"))
	}
	eventually(t, "all handlers run", func() bool { return entered.Load() == all })
	if d := time.Since(began); d > all*time.Millisecond {
		t.Errorf("%d handlers that wait have begun after %v", all, d)
	}
	close(stuck)
	done.Wait()
	drain := func(s transport.Polled) transport.Polled {
		var b [16]byte
		for _, err := s.TryRead(b[:]); err == nil; _, err = s.TryRead(b[:]) {
		}
		return s
	}
	for i := range 3 * all {
		woken := arm(t, drain(servers[i%all]), nothing)
		clients[i%all].TryWrite([]byte("y"))
		await(t, "one that returns soon", woken)
	}
	if s := stackOf(t, clients[0], drain(servers[0])); !strings.Contains(s, ".lead(") {
		t.Errorf("after many that returned soon one has a goroutine of its own:\n%s", s)
	}
}

// A listener that has much to accept is no handler that takes its time.
func TestAcceptingIsNotSlow(t *testing.T) {
	p := poller(t, 0)
	l, err := tcp.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	client, server := connectPolled(t, p)
	accepted := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- p.AcceptEach(l, func(s transport.Stream) {
			time.Sleep(20 * time.Millisecond)
			s.Abort()
			accepted <- struct{}{}
		})
	}()
	for range 4 {
		c, err := tcp.Dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Abort()
		<-accepted
	}
	if s := stackOf(t, client, server); !strings.Contains(s, ".lead(") {
		t.Errorf("a handler has a goroutine of its own:\n%s", s)
	}
	l.Close()
	<-ended
}

// stackOf returns the stack of a handler.
func stackOf(t *testing.T, client transport.Stream, server transport.Polled) string {
	t.Helper()
	stack := make(chan string, 1)
	woken := arm(t, server, func() {
		b := make([]byte, 4<<10)
		stack <- string(b[:runtime.Stack(b, false)])
	})
	client.TryWrite([]byte("z"))
	await(t, "a handler", woken)
	return <-stack
}

// When too many are busy, the others wait until one has time.
func TestTooManyBusyHandlers(t *testing.T) {
	const most, all = 4, 12
	p := poller(t, most)
	stuck := make(chan struct{})
	var entered atomic.Int32
	var done sync.WaitGroup
	for range all {
		client, server := connectPolled(t, p)
		done.Add(1)
		arm(t, server, func() { entered.Add(1); <-stuck; done.Done() })
		client.TryWrite([]byte("x"))
	}
	eventually(t, "handlers run", func() bool { return entered.Load() >= most })
	time.Sleep(20 * time.Millisecond)
	if n := int(entered.Load()); n > most+runtime.GOMAXPROCS(0) {
		t.Errorf("%d handlers run at a time; at most %d were to be busy", n, most)
	}

	// Those that wait in a stream are none of them.
	client, server := connectPolled(t, p)
	time.AfterFunc(10*time.Millisecond, func() { client.TryWrite([]byte("y")) })
	var lent lender
	if n, err := server.AwaitRead(&lent); n != 1 || err != nil {
		t.Errorf("AwaitRead: %d, %v", n, err)
	}
	close(stuck)
	done.Wait()
	if n := entered.Load(); n != all {
		t.Errorf("%d of %d handlers ran", n, all)
	}
}

type lender struct{ b [16]byte }

func (l *lender) Borrow() []byte { return l.b[:] }
func (l *lender) Return()        {}

// Without sockets a poller has no descriptor, and with new ones it works again.
func TestPollerWithoutSockets(t *testing.T) {
	p := poller(t, 0)
	for range 20 {
		before := descriptors(t)
		client, server := connectPolled(t, p)
		woken := arm(t, server, nothing)
		client.TryWrite([]byte("x"))
		await(t, "input", woken)
		client.Close()
		server.Close()
		eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= before })
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestPolledAddresses(t *testing.T) {
	client, server := connectPolled(t, poller(t, 0))
	s := server.(interface {
		LocalAddr() net.Addr
		RemoteAddr() net.Addr
	})
	if got, want := s.LocalAddr().String(), client.RemoteAddr().String(); got != want {
		t.Errorf("LocalAddr is %v, want %v", got, want)
	}
	if got, want := s.RemoteAddr().String(), client.LocalAddr().String(); got != want {
		t.Errorf("RemoteAddr is %v, want %v", got, want)
	}
	local, remote := s.LocalAddr().String(), s.RemoteAddr().String()
	server.Close()
	if s.LocalAddr().String() != local || s.RemoteAddr().String() != remote {
		t.Errorf("after Close: from %v to %v", s.RemoteAddr(), s.LocalAddr())
	}
}

// What package net reads ahead comes first.
func TestAdoptWithInput(t *testing.T) {
	p := poller(t, 0)
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Adopt(c, []byte("ab"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	server := s.(transport.Polled)
	if server.WhenReadable(waker(nothing)) {
		t.Error("what was read ahead is not readable")
	}
	client.Write([]byte("c"))
	var got []byte
	for len(got) < 3 {
		var lent lender
		n, err := s.AwaitRead(&lent)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, lent.b[:n]...)
	}
	if string(got) != "abc" {
		t.Errorf("%q", got)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection that was adopted still writes: %v", err)
	}
}

// Urgent data, which the system takes out, holds up nothing that follows it.
func TestPolledUrgentData(t *testing.T) {
	client, server := connectPolled(t, poller(t, 0))
	raw, err := client.NetConn().(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	woken := arm(t, server, nothing)
	raw.Control(func(fd uintptr) {
		syscall.Write(int(fd), []byte("before"))
		syscall.Sendto(int(fd), []byte("!"), syscall.MSG_OOB, nil)
		syscall.Write(int(fd), []byte("behind"))
	})
	await(t, "input", woken)
	var got []byte
	for len(got) < len("beforebehind") {
		var lent lender
		n, err := server.AwaitRead(&lent)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, lent.b[:n]...)
	}
	if string(got) != "beforebehind" {
		t.Errorf("%q", got)
	}
}

// An Accept that failed does not spoil the next.
func TestPollerAcceptsAgain(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	l, err := tcp.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := tcp.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Abort()
	p := poller(t, 0)
	low := before
	low.Cur = 3
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low)
	_, err = p.Accept(l)
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
	if e, ok := err.(interface{ Temporary() bool }); !ok || !e.Temporary() {
		t.Errorf("without descriptors: %v, which is not temporary", err)
	}
	s, err := p.Accept(l)
	if err != nil {
		t.Fatal(err)
	}
	s.Abort()
}

// AcceptEach hands out what comes until the listener is closed, and a handler that waits
// holds up no socket that is open.
func TestAcceptEach(t *testing.T) {
	l, err := tcp.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	p := poller(t, 0)
	accepted, ready := make(chan transport.Stream, 100), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- p.AcceptEach(l, func(s transport.Stream) {
			accepted <- s
			<-ready
		})
	}()
	connect := func() *tcp.Stream {
		c, err := tcp.Dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Abort() })
		return c
	}
	first := connect()
	server := (<-accepted).(transport.Polled)
	defer server.Abort()
	if got, want := server.(interface{ RemoteAddr() net.Addr }).RemoteAddr().String(), first.LocalAddr().String(); got != want {
		t.Errorf("the peer is %s, want %s", got, want)
	}
	woken := make(signal)
	if server.WhenReadable(woken) {
		first.TryWrite([]byte("x"))
		<-woken
	}
	close(ready)
	for range 50 {
		connect()
	}
	for range 50 {
		(<-accepted).Abort()
	}
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error("it ended:", err)
	}
	if err := p.AcceptEach(l, func(transport.Stream) {}); !errors.Is(err, net.ErrClosed) {
		t.Error("after the end:", err)
	}
}

type signal chan struct{}

func (s signal) Wake() { close(s) }

// What is not a plain socket is for Accept.
func TestAcceptEachWithoutSockets(t *testing.T) {
	l := tcp.NewListener(struct{ net.Listener }{}, nil)
	if err := poller(t, 0).AcceptEach(l, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// A listener that was handed to another process is in blocking mode, also if it has been since:
// that neither stops this process nor keeps the listener from being closed.
func TestAcceptEachInBlockingMode(t *testing.T) {
	for _, since := range []bool{false, true} {
		l, err := net.Listen("tcp", anyPort)
		if err != nil {
			t.Fatal(err)
		}
		hand := func() {
			f, err := l.(*net.TCPListener).File()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			f.Fd() // which does it
		}
		if !since {
			hand()
		}
		listener := tcp.NewListener(l, nil)
		p := poller(t, 0)
		accepted, ended := make(chan transport.Stream, 2), make(chan error, 1)
		go func() { ended <- p.AcceptEach(listener, func(s transport.Stream) { accepted <- s }) }()
		for range 2 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			(<-accepted).Abort()
			runtime.GC() // which waits for every system call that Go does not know of
			if since {
				hand()
			}
		}
		listener.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error("it ended:", err)
		}
	}
}

// Nor does a connection that is in blocking mode.
func TestPolledInBlockingMode(t *testing.T) {
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, adopt := range []func(net.Conn) (transport.Stream, error){
		func(c net.Conn) (transport.Stream, error) { return poller(t, 0).Adopt(c, nil) },
		func(c net.Conn) (transport.Stream, error) {
			s, err := tcp.FromConn(c, nil)
			return s, err
		},
	} {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.(*net.TCPConn).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := adopt(c)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Abort()
		f.Fd()
		if !raceEnabled { // which has other system calls
			if n, err := s.TryRead(make([]byte, 1)); n != 0 || err != transport.ErrWouldBlock {
				t.Errorf("read %d bytes, %v", n, err)
			}
			for err = nil; err == nil; _, err = s.TryWrite(make([]byte, 64<<10)) {
			}
			if err != transport.ErrWouldBlock {
				t.Error("write:", err)
			}
		}
	}
}

// Of two AcceptEach on one listener the second is told to do without.
func TestAcceptEachTwice(t *testing.T) {
	l, err := tcp.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	p := poller(t, 0)
	ended := make(chan error, 2)
	for range 2 {
		go func() { ended <- p.AcceptEach(l, func(transport.Stream) {}) }()
	}
	if err := <-ended; err != errors.ErrUnsupported {
		t.Error("one ended:", err)
	}
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error("the other ended:", err)
	}
}
