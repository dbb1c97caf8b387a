package websockets_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// startServe has server serve l until the test ends, and Serve end as it must.
func startServe(t *testing.T, server *websockets.Server, l websockets.Listener) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		if _, err := l.AcceptStream(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener is not closed: %v", err)
		}
	})
}

// ask sends one message and wants it back.
func ask(t *testing.T, c *websockets.Conn) {
	t.Helper()
	if err := c.Send(t.Context(), websockets.Text, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Receive(t.Context()); string(p) != "hi" || err != nil {
		t.Fatalf("received %q, %v", p, err)
	}
}

func TestServe(t *testing.T) {
	server := websockets.Handle(echo, strict())
	for _, over := range []func(*testing.T, *websockets.Server) dialFunc{overTCP, overTCP, overPipe} {
		dial := over(t, server) // several listeners at once
		c, err := dial(t.Context(), "/")
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		ask(t, c)
	}
}

func TestServeTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	l, err := tcp.ListenTLS("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	secure := new(atomic.Bool)
	startServe(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		secure.Store(c.Request().TLS != nil)
		return echo(ctx, c)
	}, strict()), l)
	stream, err := tcp.DialTLS(t.Context(), "tcp", l.Addr().String(), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	c, err := clients.DialStream(t.Context(), stream, "wss://test/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	ask(t, c)
	if !secure.Load() {
		t.Error("the request does not tell of TLS")
	}
}

// A peer that never finishes TLS is cut at the handshake timeout: there is nobody
// yet whose answer to wait for.
func TestServeCutsWhoIsSilentInTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	for name, hello := range map[string]string{"nothing": "", "half a record": "\x16\x03\x01\x00\x40\x01"} {
		t.Run(name, func(t *testing.T) {
			l, err := tcp.ListenTLS("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates})
			if err != nil {
				t.Fatal(err)
			}
			o := strict()
			o.HandshakeTimeout = 200 * time.Millisecond
			startServe(t, websockets.Handle(echo, o), l)
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, hello)
			start := time.Now()
			c.SetReadDeadline(start.Add(10 * time.Second))
			io.Copy(io.Discard, c)
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("it was cut after %v", d)
			}
		})
	}
}

func TestListenAndServe(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := websockets.Handle(echo, strict())
	if err := server.ListenAndServe(taken.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("on an address in use: %v", err)
	}
	addr := taken.Addr().String()
	taken.Close()
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe(addr) }()
	var c *websockets.Conn
	for c == nil {
		if c, err = websockets.Dial(t.Context(), "ws://"+addr, strict()); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
	}
	defer c.CloseNow()
	ask(t, c)
	shutdown(t, server, c)
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("after Shutdown: %v", err)
	}
	if err := server.ListenAndServe(addr); err != http.ErrServerClosed {
		t.Errorf("once more: %v", err)
	}
}

func TestServeAfterShutdown(t *testing.T) {
	server := websockets.Handle(echo, strict())
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := pipe.Listen(0)
	if err := server.Serve(l); err != http.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
	if _, err := l.AcceptStream(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
}

func TestServeWithInvalidOptions(t *testing.T) {
	o := strict()
	o.Workers = -1
	server := websockets.Handle(echo, o)
	l := pipe.Listen(0)
	if err := server.Serve(l); err == nil || err.Error() != o.Validate().Error() {
		t.Errorf("Serve: %v", err)
	}
	if _, err := l.AcceptStream(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
	if err := server.ListenAndServe("127.0.0.1:0"); err == nil {
		t.Error("ListenAndServe served")
	}
}

// What comes while the server shuts down is closed, and Serve does not count
// it for a failure of the listener.
func TestServeClosesWhatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := websockets.Handle(echo, strict())
		ours, theirs := pipe.New(0)
		l := acceptFunc(func() (transport.Stream, error) {
			time.Sleep(time.Second) // longer than Close, which ends no wait here
			return ours, nil
		})
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		synctest.Wait()
		start := time.Now()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("Shutdown waited %v; Serve took a second", d)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		if _, err := theirs.TryRead(make([]byte, 1)); err != io.EOF {
			t.Errorf("the stream is not closed: %v", err)
		}
	})
}

// acceptFunc is a Listener whose Close does nothing.
type acceptFunc func() (transport.Stream, error)

func (f acceptFunc) AcceptStream() (transport.Stream, error) { return f() }
func (acceptFunc) Close() error                              { return nil }

// A faulty listener fails as often as it is told.
type faulty struct {
	*pipe.Listener
	err   error
	times int
}

func (l *faulty) AcceptStream() (transport.Stream, error) {
	if l.times > 0 {
		l.times--
		return nil, l.err
	}
	return l.Listener.AcceptStream()
}

// emfile is what accept(2) says when no descriptor is left.
var emfile = &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}

// 5, 10, 20, 40, 80, 160, 320, 640, 1000 and 1000 ms.
func TestServeBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := new(recorder)
		o := strict()
		o.Logger = logged.logger()
		l := &faulty{pipe.Listen(0), emfile, 10}
		startServe(t, websockets.Handle(echo, o), l)
		start := time.Now()
		stream, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), stream, "ws://test/")
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if d := time.Since(start); d != 3275*time.Millisecond {
			t.Errorf("accepted after %v", d)
		}
		if n := logged.count("could not be accepted"); n != 10 {
			t.Errorf("logged %d times", n)
		}
	})
}

// What was accepted between ends the backing off: the next time it begins anew.
func TestServeBacksOffAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		l := acceptFunc(func() (transport.Stream, error) {
			at = append(at, time.Now())
			switch len(at) {
			case 3:
				a, b := pipe.New(0)
				b.Close()
				return a, nil
			case 6:
				return nil, io.EOF
			}
			return nil, emfile
		})
		server := websockets.Handle(echo, strict())
		if err := server.Serve(l); err != io.EOF {
			t.Error(err)
		}
		for i, want := range []time.Duration{5, 10, 0, 5, 10} {
			if got := at[i+1].Sub(at[i]); got != want*time.Millisecond {
				t.Errorf("wait %d was %v", i, got)
			}
		}
		server.Shutdown(context.Background())
	})
}

func TestShutdownWakesServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := websockets.Handle(echo, strict())
		served := make(chan error, 1)
		go func() { served <- server.Serve(&faulty{pipe.Listen(0), emfile, 1 << 30}) }()
		time.Sleep(10 * time.Second)
		start := time.Now()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v", d)
		}
	})
}

func TestServeReturnsTheErrorOfTheListener(t *testing.T) {
	broken := errors.New("broken")
	l := &faulty{pipe.Listen(0), broken, 1}
	server := websockets.Handle(echo, strict())
	if err := server.Serve(l); err != broken {
		t.Errorf("Serve: %v", err)
	}
	if _, err := l.AcceptStream(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
	closed := pipe.Listen(0)
	closed.Close()
	if err := server.Serve(closed); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener: %v", err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Peers that say nothing hold nobody up.
func TestSlowHandshakesDoNotHoldServeUp(t *testing.T) {
	l := pipe.Listen(0)
	startServe(t, websockets.Handle(echo, strict()), l)
	for range 10 {
		silent, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Abort()
	}
	stream, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := clients.DialStream(t.Context(), stream, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	ask(t, c)
}

// A server without a handler says so at once, and not to every client.
func TestServeWithoutAHandler(t *testing.T) {
	l := pipe.Listen(0)
	for _, err := range []error{(&websockets.Server{}).Serve(l), websockets.Handle(nil, nil).ListenAndServe("127.0.0.1:0")} {
		if err == nil || !strings.Contains(err.Error(), "Handler is not set") {
			t.Error(err)
		}
	}
	if _, err := l.AcceptStream(); !errors.Is(err, net.ErrClosed) {
		t.Error("the listener is open:", err)
	}
}
