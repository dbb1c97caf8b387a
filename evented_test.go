package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// overDrivers runs a test with both drivers.
func overDrivers(t *testing.T, test func(t *testing.T, strict func() *websockets.Options)) {
	for _, driver := range []websockets.Driver{websockets.Blocking, websockets.Evented} {
		t.Run(driver.String(), func(t *testing.T) {
			test(t, func() *websockets.Options {
				o := strict()
				o.Driver = driver
				return o
			})
		})
	}
}

// An echoer sends back what comes.
type echoer struct{ opened, closed chan struct{} }

func (e echoer) OnOpen(context.Context, *websockets.Conn) error {
	if e.opened != nil {
		e.opened <- struct{}{}
	}
	return nil
}

func (e echoer) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, m.Data)
}

func (e echoer) OnClose(*websockets.Conn, error) {
	if e.closed != nil {
		e.closed <- struct{}{}
	}
}

// pollable are the ways to a server on which Evented has an effect, on Linux.
var pollable = map[string]func(*testing.T, *websockets.Server) dialFunc{
	"pipe": overPipe,
	"TCP":  overTCP,
	"HTTP": overHTTP,
}

func TestEventedEchoes(t *testing.T) {
	overDrivers(t, func(t *testing.T, strict func() *websockets.Options) {
		for name, over := range pollable {
			for _, lends := range []bool{false, true} {
				for _, compressed := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, lends %v, compressed %v", name, lends, compressed), func(t *testing.T) {
						o := strict()
						o.LendMessages = lends
						if compressed {
							o.Compression = &websockets.Compression{}
						}
						testEventedEchoes(t, over(t, websockets.HandleEvents(echoer{}, o)))
					})
				}
			}
		}
	})
}

func testEventedEchoes(t *testing.T, dial dialFunc) {
	c, err := dial(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	sizes := []int{0, 1, 125, 126, 4000, 4096, 10_000, 65535, 65536, 200_000, 1 << 20, 3, 70_000}
	message := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, sizes[i]) }
	go func() {
		for i := range sizes { // all at once
			c.Send(t.Context(), websockets.Text, message(i))
		}
	}()
	for i := range sizes {
		_, p, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p, message(i)) {
			t.Fatalf("message %d has %d bytes, or other ones; want %d", i, len(p), sizes[i])
		}
	}
	if _, err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Close(4000, ""); err != nil {
		t.Error(err)
	}
}

// An idle connection has no goroutine.
func TestEventedIdle(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("elsewhere it has one")
		return
	}
	const n = 100
	for _, name := range []string{"pipe", "TCP", "HTTP"} {
		t.Run(name, func(t *testing.T) {
			h := echoer{make(chan struct{}, n), make(chan struct{}, n)}
			o := strict()
			o.Driver = websockets.Evented
			dial := pollable[name](t, websockets.HandleEvents(h, o))
			var conns []*websockets.Conn
			for range n {
				c, err := dial(t.Context(), "/")
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				<-h.opened
				ask(t, c)
				conns = append(conns, c)
			}
			inServer := func() int {
				buf := make([]byte, 1<<20)
				stacks := string(buf[:runtime.Stack(buf, true)])
				return strings.Count(stacks, "websockets.(*Server).serve")
			}
			for start := time.Now(); inServer() > 5; time.Sleep(time.Millisecond) {
				if time.Since(start) > 5*time.Second {
					t.Fatalf("%d goroutines serve %d idle connections", inServer(), n)
				}
			}
			for _, c := range conns {
				ask(t, c)
				c.Close(websockets.NormalClosure, "")
			}
			for range n {
				<-h.closed
			}
		})
	}
}

// While OnMessage runs, others are served, and control frames of its own connection are
// answered.
func TestEventedWhileAHandlerIsBusy(t *testing.T) {
	for name, over := range pollable {
		t.Run(name, func(t *testing.T) {
			stuck, in := make(chan struct{}), make(chan struct{}, 99)
			o := strict()
			o.Driver = websockets.Evented
			server := websockets.HandleEvents(stops{stuck, in}, o)
			dial := over(t, server)
			var busy []*websockets.Conn
			for range 20 {
				c, err := dial(t.Context(), "/")
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				sendAll(c, "stop", "go on")
				<-in
				busy = append(busy, c)
			}
			other, err := dial(t.Context(), "/")
			if err != nil {
				t.Fatal(err)
			}
			defer other.CloseNow()
			ask(t, other)
			if _, err := busy[0].Ping(t.Context()); err != nil {
				t.Errorf("a ping to a busy handler: %v", err)
			}
			close(stuck)
			for _, c := range busy {
				for _, want := range []string{"stop", "go on"} {
					if _, p, err := c.Receive(t.Context()); err != nil || string(p) != want {
						t.Fatalf("%q, %v; want %q", p, err, want)
					}
				}
			}
			shutdown(t, server, append(busy, other)...)
		})
	}
}

// stops stops at a message of that name.
type stops struct{ stuck, in chan struct{} }

func (stops) OnOpen(context.Context, *websockets.Conn) error { return nil }
func (stops) OnClose(*websockets.Conn, error)                {}

func (s stops) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	if string(m.Data) == "stop" {
		s.in <- struct{}{}
		<-s.stuck
	}
	return c.Send(ctx, m.Type, m.Data)
}

// A peer that does not read what is sent to it holds up its own connection alone.
func TestEventedBackpressure(t *testing.T) {
	o := strict()
	o.Driver = websockets.Evented
	server := websockets.HandleEvents(echoer{}, o)
	dial := overTCP(t, server)
	deaf, err := dial(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.CloseNow()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	sent, err := 0, error(nil)
	for ; err == nil && sent < 1000; sent++ {
		err = deaf.Send(ctx, websockets.Binary, make([]byte, 100_000))
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%d messages of 100 kB could be sent to a server whose replies nobody reads: %v", sent, err)
	}
	other, err := dial(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	defer other.CloseNow()
	ask(t, other)
	for range sent - 1 { // the last one may not have been begun
		if _, p, err := deaf.Receive(t.Context()); err != nil || len(p) != 100_000 {
			t.Fatalf("%d bytes, %v", len(p), err)
		}
	}
}

// Many connections at a time keep their messages, and their order.
func TestEventedManyConnections(t *testing.T) {
	o := strict()
	o.Driver, o.LendMessages = websockets.Evented, true
	server := websockets.HandleEvents(echoer{}, o)
	dial := overTCP(t, server)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			c, err := dial(t.Context(), "/")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close(websockets.NormalClosure, "")
			for j := range 30 {
				for k := range 10 {
					c.Send(t.Context(), websockets.Text, fmt.Appendf(nil, "%d %d %d %s", i, j, k, strings.Repeat("x", 37*k)))
				}
				for k := range 10 {
					want := fmt.Sprintf("%d %d %d %s", i, j, k, strings.Repeat("x", 37*k))
					if _, p, err := c.Receive(t.Context()); err != nil || string(p) != want {
						t.Errorf("%q, %v; want %q", p, err, want)
						return
					}
				}
			}
		})
	}
	all.Wait()
	shutdown(t, server)
}

// The context of a handler is one of package context's, once somebody waits for it.
func TestEventedContext(t *testing.T) {
	for _, early := range []bool{true, false} {
		o := strict()
		o.Driver = websockets.Evented
		h := &keeper{early: early, closed: make(chan struct{})}
		c, err := overPipe(t, websockets.HandleEvents(h, o))(t.Context(), "/")
		if err != nil {
			t.Fatal(err)
		}
		sendAll(c, "a")
		c.Close(websockets.NormalClosure, "")
		<-h.closed
		child, cancel := context.WithCancel(h.ctx)
		defer cancel()
		select {
		case <-child.Done():
		case <-time.After(5 * time.Second):
			t.Fatal("it does not end with the connection")
		}
		if h.ctx.Err() != context.Canceled || h.atClose != nil {
			t.Errorf("it ended with %v, and at OnClose with %v", h.ctx.Err(), h.atClose)
		}
	}
}

// keeper keeps the context.
type keeper struct {
	early   bool // somebody waits before the end
	ctx     context.Context
	atClose error
	closed  chan struct{}
}

func (k *keeper) OnOpen(ctx context.Context, _ *websockets.Conn) error {
	k.ctx = ctx
	if k.early {
		context.AfterFunc(ctx, func() {})
	}
	return nil
}

func (k *keeper) OnMessage(context.Context, *websockets.Conn, websockets.Message) error { return nil }

func (k *keeper) OnClose(*websockets.Conn, error) {
	k.atClose = k.ctx.Err()
	close(k.closed)
}

// A server with TLS falls back to a goroutine each.
func TestEventedWithTLS(t *testing.T) {
	logged := new(recorder)
	o := strict()
	o.Driver = websockets.Evented
	o.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := websockets.HandleEvents(echoer{}, o)
	w := ways[0]
	url := w.serve(t, server)
	for range 2 {
		c := dial(t, url, w.client())
		ask(t, c)
		c.CloseNow()
	}
	if n := logged.count("served by a goroutine"); n != 1 {
		t.Errorf("that was logged %d times: %s", n, logged)
	}
}

func TestDriverIsValidated(t *testing.T) {
	if err := (&websockets.Options{Driver: 7}).Validate(); err == nil || !strings.Contains(err.Error(), "Driver") {
		t.Error(err)
	}
}

// A teller tells the driver of its connection, in OnOpen.
type teller struct{ drivers chan websockets.Driver }

func (h teller) OnOpen(_ context.Context, c *websockets.Conn) error {
	h.drivers <- c.Driver()
	return nil
}

func (teller) OnMessage(context.Context, *websockets.Conn, websockets.Message) error { return nil }
func (teller) OnClose(*websockets.Conn, error)                                       {}

func TestConnDriver(t *testing.T) {
	dials := map[string]func(*testing.T, *websockets.Server) dialFunc{"TLS": func(t *testing.T, s *websockets.Server) dialFunc {
		w := ways[0]
		url := w.serve(t, s)
		return func(ctx context.Context, _ string) (*websockets.Conn, error) { return dial(t, url, w.client()), nil }
	}}
	maps.Copy(dials, pollable)
	for name, over := range dials {
		for _, driver := range []websockets.Driver{websockets.Blocking, websockets.Evented} {
			o := strict()
			o.Driver = driver
			h := teller{make(chan websockets.Driver, 1)}
			c, err := over(t, websockets.HandleEvents(h, o))(t.Context(), "/")
			if err != nil {
				t.Fatal(err)
			}
			want := driver
			if name == "TLS" || name != "pipe" && runtime.GOOS != "linux" {
				want = websockets.Blocking
			}
			if got := <-h.drivers; got != want {
				t.Errorf("%s, %v: the connection has the driver %v", name, driver, got)
			}
			if c.Driver() != websockets.Blocking {
				t.Errorf("%s: the client has the driver %v", name, c.Driver())
			}
			c.CloseNow()
		}
	}
}

// With the blocking driver an idle connection has a goroutine that has not grown.
func TestIdleEventsSleep(t *testing.T) {
	const n = 20
	for _, name := range []string{"TCP"} {
		t.Run(name, func(t *testing.T) {
			h := echoer{make(chan struct{}, n), make(chan struct{}, n)}
			dial := pollable[name](t, websockets.HandleEvents(h, strict()))
			var conns []*websockets.Conn
			for range n {
				c, err := dial(t.Context(), "/")
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				conns = append(conns, c)
			}
			for _, times := range []int{1, 10} { // in quick succession they stay awake for a while
				for _, c := range conns {
					for range times {
						ask(t, c)
					}
				}
				asleep := func() int {
					buf := make([]byte, 1<<20)
					return strings.Count(string(buf[:runtime.Stack(buf, true)]), "(*socket).Sleep(")
				}
				for start := time.Now(); asleep() < n; time.Sleep(10 * time.Millisecond) {
					if time.Since(start) > 5*time.Second {
						t.Fatalf("%d of %d sleep", asleep(), n)
					}
				}
			}
			for _, c := range conns {
				c.Close(websockets.NormalClosure, "")
			}
			for range n {
				<-h.closed
			}
		})
	}
}

// A close frame behind messages that came with it is answered when they have been handled.
func TestEventsBeforeAClose(t *testing.T) { overDrivers(t, testEventsBeforeAClose) }

func testEventsBeforeAClose(t *testing.T, strict func() *websockets.Options) {
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	startServe(t, websockets.HandleEvents(slowFirst{}, strict()), l)
	r, _ := rawDial(t, "ws://"+l.Addr().String(), validRequest)
	masked := "\x81\x81\x00\x00\x00\x00"
	r.send(masked + "a" + masked + "b" + masked + "c" + "\x88\x82\x00\x00\x00\x00\x03\xe8")
	r.want("the replies, and then the close", "\x81\x01a\x81\x01b\x81\x01c\x88\x02\x03\xe8")
}

// slowFirst echoes, the first message after the attendant has read ahead.
type slowFirst struct{ echoer }

func (s slowFirst) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	if string(m.Data) == "a" {
		time.Sleep(700 * time.Millisecond)
	}
	return s.echoer.OnMessage(ctx, c, m)
}

// OnClose is told the addresses that OnOpen was told.
func TestEventedAddresses(t *testing.T) { overDrivers(t, testEventedAddresses) }

func testEventedAddresses(t *testing.T, strict func() *websockets.Options) {
	l, err := tcp.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	h := addresses{make(chan string, 2)}
	startServe(t, websockets.HandleEvents(h, strict()), l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dial(t, "ws://127.0.0.1:"+port, websockets.Strict()).CloseNow()
	if opened, closed := <-h.seen, <-h.seen; opened != closed {
		t.Errorf("%s at first, and at the end %s", opened, closed)
	}
}

type addresses struct{ seen chan string }

func (a addresses) tell(c *websockets.Conn) {
	a.seen <- fmt.Sprintf("from %v to %v", c.RemoteAddr(), c.LocalAddr())
}

func (a addresses) OnOpen(_ context.Context, c *websockets.Conn) error { a.tell(c); return nil }
func (a addresses) OnClose(c *websockets.Conn, _ error)                { a.tell(c) }

func (a addresses) OnMessage(context.Context, *websockets.Conn, websockets.Message) error { return nil }
