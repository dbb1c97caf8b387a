package websockets_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// handlings are the ways to serve what a listener accepts.
var handlings = map[string]func(*websockets.Options) *websockets.Server{
	"Handle": func(o *websockets.Options) *websockets.Server { return websockets.Handle(echo, o) },
	"HandleEvents, blocking": func(o *websockets.Options) *websockets.Server {
		return websockets.HandleEvents(echoer{}, o)
	},
	"HandleEvents, evented": func(o *websockets.Options) *websockets.Server {
		o.Driver = websockets.Evented
		return websockets.HandleEvents(echoer{}, o)
	},
}

// Whatever becomes of a handshake, the client gets the answer that is due, it is reported
// for the right request, and nothing is left behind that Shutdown would wait for.
func TestArrivals(t *testing.T) {
	asked := func(f func() bool) func(o *websockets.Options) {
		return func(o *websockets.Options) {
			o.AcceptConnection = func(*http.Request) bool { return f() }
		}
	}
	denied := func(f func(w http.ResponseWriter)) func(o *websockets.Options) {
		return func(o *websockets.Options) {
			o.AcceptConnection = func(*http.Request) bool { return false }
			o.AccessDenied = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { f(w) })
		}
	}
	valid := strings.Replace(validRequest, "GET / ", "GET /x?y=z ", 1)
	for name, test := range map[string]struct {
		set      func(o *websockets.Options)
		send     string
		status   int // 0: nothing comes
		reported error
		path     string
	}{
		"accepted":      {send: valid, status: 101},
		"own page":      {send: valid + "Origin: http://localhost\r\n", status: 101},
		"other page":    {send: valid + "Origin: http://evil.test\r\n", status: 403, reported: core.ErrRejected, path: "/x"},
		"any page":      {set: func(o *websockets.Options) { o.AcceptConnection = nil }, send: valid + "Origin: http://evil.test\r\n", status: 101},
		"refused":       {set: asked(func() bool { return false }), send: valid, status: 403, reported: core.ErrRejected, path: "/x"},
		"denied":        {set: denied(func(w http.ResponseWriter) { w.WriteHeader(418) }), send: valid, status: 418, reported: core.ErrRejected, path: "/x"},
		"asked, panics": {set: asked(func() bool { panic("boom") }), send: valid, status: 500, reported: websockets.ErrUnexpected, path: "/x"},
		"asked, exits":  {set: asked(func() bool { runtime.Goexit(); return true }), send: valid, status: 500, reported: websockets.ErrUnexpected, path: "/x"},
		"denied, exits": {set: denied(func(http.ResponseWriter) { runtime.Goexit() }), send: valid, status: 500, reported: websockets.ErrUnexpected, path: "/x"},
		"chosen, exits": {set: func(o *websockets.Options) {
			o.ChooseSubprotocol = func(*http.Request, []string) string { runtime.Goexit(); return "" }
		}, send: valid, status: 500, reported: websockets.ErrUnexpected, path: "/x"},
		"no URL":   {send: strings.Replace(valid, "/x?", "/%zz?", 1), status: 400, reported: core.ErrBadRequest},
		"no HTTP":  {send: "nonsense\r\n", status: 400, reported: core.ErrBadRequest},
		"version":  {send: strings.Replace(valid, "13", "12", 1), status: 426, reported: core.ErrVersion},
		"too slow": {set: func(o *websockets.Options) { o.HandshakeTimeout = 20 * time.Millisecond }, send: "GET", status: 408, reported: core.ErrHandshakeTimeout},
	} {
		for way, handle := range handlings {
			t.Run(name+"/"+way, func(t *testing.T) {
				reported := make(chan error, 2)
				paths := make(chan string, 2)
				o := strict()
				o.PropagateCommonErrors = true
				o.OnError = func(r *http.Request, err error) {
					paths <- r.URL.Path
					reported <- err
				}
				if test.set != nil {
					test.set(o)
				}
				server := handle(o)
				conn := dialServer(t, server)
				io.WriteString(conn, test.send)
				if test.send != "GET" {
					io.WriteString(conn, "\r\n")
				}
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || resp.StatusCode != test.status {
					t.Fatalf("the answer is %v (%v), want %d", resp, err, test.status)
				}
				conn.Close()
				shutDown(t, server)
				if test.status == 101 {
					return // and it is reported that the client has gone, or not
				}
				if err := <-reported; !errors.Is(err, test.reported) || len(reported) > 0 {
					t.Errorf("%v is reported, want %v, once", err, test.reported)
				}
				if path := <-paths; path != test.path {
					t.Errorf("reported for %q, want %q", path, test.path)
				}
			})
		}
	}
}

// A client that goes before its request is complete, or while it is being answered, leaves
// nothing behind either.
func TestArrivalsThatGo(t *testing.T) {
	for name, send := range map[string]string{"silent": "", "begun": "GET / HTTP", "asked": validRequest + "\r\n"} {
		for way, handle := range handlings {
			t.Run(name+"/"+way, func(t *testing.T) {
				server := handle(strict())
				for range 20 {
					conn := dialServer(t, server)
					io.WriteString(conn, send)
					conn.SetLinger(0) // a reset
					conn.Close()
				}
				shutDown(t, server)
			})
		}
	}
}

// Shutdown does not wait for clients that have not asked yet.
func TestShutdownOfArrivals(t *testing.T) {
	for way, handle := range handlings {
		t.Run(way, func(t *testing.T) {
			server := handle(strict())
			conn := dialServer(t, server)
			io.WriteString(conn, "GET / HTTP")
			time.Sleep(10 * time.Millisecond) // so that it has come, most of the time
			shutDown(t, server)
		})
	}
}

// OnOpen may end the connection too, however it does, and OnClose follows.
func TestArrivalsOnOpen(t *testing.T) {
	own := errors.New("not today")
	for name, open := range map[string]func() error{
		"an error": func() error { return own },
		"a panic":  func() error { panic("boom") },
		"an exit":  func() error { runtime.Goexit(); return nil },
	} {
		overDrivers(t, func(t *testing.T, strict func() *websockets.Options) {
			t.Run(name, func(t *testing.T) {
				closed := make(chan error, 2)
				server := websockets.HandleEvents(arriver{open, closed}, strict())
				c, err := overTCP(t, server)(t.Context(), "/")
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
					t.Errorf("the client hears %v", err)
				}
				shutDown(t, server)
				if err := <-closed; len(closed) > 0 || name == "an error" && err != own {
					t.Errorf("OnClose is told %v", err)
				}
			})
		})
	}
}

type arriver struct {
	open   func() error
	closed chan error
}

func (o arriver) OnOpen(context.Context, *websockets.Conn) error { return o.open() }
func (o arriver) OnMessage(context.Context, *websockets.Conn, websockets.Message) error {
	return nil
}
func (o arriver) OnClose(_ *websockets.Conn, err error) { o.closed <- err }

// Two calls of Serve on one listener both end with it.
func TestServeTwice(t *testing.T) {
	overDrivers(t, func(t *testing.T, strict func() *websockets.Options) {
		l, err := tcp.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := websockets.HandleEvents(echoer{}, strict())
		served := make(chan error, 2)
		for range 2 {
			go func() { served <- server.Serve(l) }()
		}
		for range 20 {
			c, err := clients.Dial(t.Context(), "ws://"+l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			ask(t, c)
		}
		shutDown(t, server)
		for range 2 {
			if err := <-served; err != http.ErrServerClosed {
				t.Error("Serve:", err)
			}
		}
	})
}

// After a slow OnOpen that of the next connection has a goroutine of its own, and holds no
// loop of a poller up.
func TestSlowOnOpen(t *testing.T) {
	overDrivers(t, func(t *testing.T, strict func() *websockets.Options) {
		stacks := make(chan string, 2)
		server := websockets.HandleEvents(slow{stacks}, strict())
		dial := overTCP(t, server)
		for range 2 {
			c, err := dial(t.Context(), "/")
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			ask(t, c) // which is answered after OnOpen
		}
		<-stacks
		if second := <-stacks; strings.Contains(second, "tcp.(*loop)") {
			t.Errorf("it runs in a loop:\n%s", second)
		}
	})
}

// slow is an echoer that takes its time to open, and tells where it does.
type slow struct{ stacks chan string }

func (s slow) OnOpen(context.Context, *websockets.Conn) error {
	time.Sleep(3 * time.Millisecond)
	buf := make([]byte, 16<<10)
	s.stacks <- string(buf[:runtime.Stack(buf, false)])
	return nil
}
func (slow) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, m.Data)
}
func (slow) OnClose(*websockets.Conn, error) {}

// An event handler that receives is told that it cannot, at once.
func TestEventsCannotReceive(t *testing.T) {
	overDrivers(t, func(t *testing.T, strict func() *websockets.Options) {
		told := make(chan error, 1)
		server := websockets.HandleEvents(receiver{told}, strict())
		c, err := overTCP(t, server)(t.Context(), "/")
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		sendAll(c, "one", "two")
		if err := <-told; !errors.Is(err, websockets.ErrMisuse) {
			t.Errorf("Receive: %v", err)
		}
		shutDown(t, server)
	})
}

type receiver struct{ told chan error }

func (receiver) OnOpen(context.Context, *websockets.Conn) error { return nil }
func (r receiver) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	_, _, err := c.Receive(ctx)
	select {
	case r.told <- err:
	default:
	}
	return err
}
func (receiver) OnClose(*websockets.Conn, error) {}

// dialServer has server listen, and connects to it.
func dialServer(t *testing.T, server *websockets.Server) *net.TCPConn {
	t.Helper()
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); l.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn.(*net.TCPConn)
}

func shutDown(t *testing.T, server *websockets.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error("Shutdown:", err)
	}
}

// What is taken for a target without asking package url is one.
func FuzzPlainTarget(f *testing.F) {
	for _, path := range []string{"/", "/a/b.c?d=e&f", "//x", "/:", "/%", "", "a", "/a b", "/~_-"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if _, err := url.ParseRequestURI(path); websockets.IsPlain(path) && err != nil {
			t.Errorf("%q: %v", path, err)
		}
	})
}
