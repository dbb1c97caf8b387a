package http2_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/internal/leak"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
	_ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is how long anything that must happen may take.
const patience = 10 * time.Second

func await(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: still waiting after %v:\n%s", what, patience, leak.Stacks())
	}
}

// serve serves h over HTTP/2 without TLS, on a loopback address, until the test
// ends.
func serve(t testing.TB, h http.HandlerFunc) (addr string) {
	t.Helper()
	l := listen(t)
	s := newServer(t, h)
	go s.Serve(l)
	return l.Addr().String()
}

// serveTLS is serve with TLS.
func serveTLS(t testing.TB, c tls.Certificate, h http.HandlerFunc) (addr string) {
	t.Helper()
	l := listen(t)
	s := newServer(t, h)
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{c}}
	go s.ServeTLS(l, "", "")
	return l.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newServer(t testing.TB, h http.HandlerFunc) *http.Server {
	t.Helper()
	s := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	if err := http2.ConfigureServer(s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// dial returns a connection, with a place held, that is gone when the test ends.
func dial(t testing.TB, addr string) *http2.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := http2.NewConn(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Abort()
		await(t, "the end of the connection", c.Done())
	})
	reserve(t, c)
	return c
}

func reserve(t testing.TB, c *http2.Conn) {
	t.Helper()
	if !c.Reserve() {
		t.Fatalf("no place: %v", c.Err())
	}
}

// request asks for a WebSocket at that path.
func request(path string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		panic(err)
	}
	return r
}

// open opens a stream on a place that is held.
func open(t testing.TB, c *http2.Conn, path string) *http2.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, response, err := c.OpenStream(ctx, request(path))
	if err != nil || s == nil {
		t.Fatalf("OpenStream = %v, %v, %v", s, response, err)
	}
	return s
}

// echo is a handler that sends back what comes, until it ends.
func echo(w http.ResponseWriter, r *http.Request) {
	s, err := http2.FromRequest(w, r)
	if err != nil {
		panic(err)
	}
	p := make(lender, 64<<10)
	for {
		n, err := s.AwaitRead(p)
		if err != nil || writeAll(s, p[:n]) != nil {
			break
		}
	}
	s.Close()
	<-s.Released()
}

// A lender lends the same buffer again and again.
type lender []byte

func (l lender) Borrow() []byte { return l }
func (l lender) Return()        {}

// writeAll writes all of p and waits where it must.
func writeAll(s transport.Stream, p []byte) error {
	for len(p) > 0 {
		n, err := s.TryWrite(p)
		p = p[n:]
		if err == transport.ErrWouldBlock {
			err = s.AwaitWrite()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads n bytes, or up to the error that ends the input.
func read(s transport.Stream, n int) ([]byte, error) {
	all := make([]byte, 0, n)
	for len(all) < n {
		m, err := s.AwaitRead(lender(all[len(all):n]))
		if all = all[:len(all)+m]; err != nil {
			return all, err
		}
	}
	return all, nil
}

// readAll reads to the end of the input and returns io.EOF as nil.
func readAll(s transport.Stream) (all []byte, err error) {
	p := make(lender, 64<<10)
	for {
		n, err := s.AwaitRead(p)
		all = append(all, p[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}
