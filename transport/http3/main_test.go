package http3_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/internal/leak"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A server is an HTTP/3 server of a test.
type server struct {
	*h3.Server
	addr  net.Addr
	conns atomic.Int32                // that came
	conn  atomic.Pointer[quicgo.Conn] // the last of them
	taken chan *http3.Stream

	mu  sync.Mutex
	all []*http3.Stream // that were taken
}

// serve starts a server for h, nil for [server.take], after change, which may be nil.
// It is gone when the test ends.
func serve(t testing.TB, h http.Handler, change func(*h3.Server)) *server {
	t.Helper()
	return newServer().serve(t, h, change)
}

// newServer returns a server that is not started, for handlers that use it.
func newServer() *server { return &server{taken: make(chan *http3.Stream, 2000)} }

func (s *server) serve(t testing.TB, h http.Handler, change func(*h3.Server)) *server {
	t.Helper()
	if h == nil {
		h = http.HandlerFunc(s.take)
	}
	s.Server = &h3.Server{TLSConfig: quictest.ServerTLS(), Handler: h, ConnContext: func(ctx context.Context, c *quicgo.Conn) context.Context {
		s.conns.Add(1)
		s.conn.Store(c)
		return ctx
	}}
	if change != nil {
		change(s.Server)
	}
	http3.ConfigureServer(s.Server)
	s.start(t)
	return s
}

func (s *server) start(t testing.TB) {
	t.Helper()
	socket, err := net.ListenPacket("udp", quictest.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = socket.LocalAddr()
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := s.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	}()
	t.Cleanup(func() {
		s.Close()
		s.abortAll()
		quictest.Await(t, "the end of the server", served)
		socket.Close()
	})
}

// take takes the stream of every request and returns.
func (s *server) take(w http.ResponseWriter, r *http.Request) {
	stream, err := takeStream(w)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.all = append(s.all, stream)
	s.mu.Unlock()
	s.taken <- stream
}

func (s *server) abortAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stream := range s.all {
		stream.Abort()
	}
}

func takeStream(w http.ResponseWriter) (*http3.Stream, error) {
	w.WriteHeader(http.StatusOK)
	s, err := w.(interface {
		TakeStream() (transport.Stream, error)
	}).TakeStream()
	if err != nil {
		return nil, err
	}
	return s.(*http3.Stream), nil
}

// accept returns the next stream that was taken.
func (s *server) accept(t testing.TB) *http3.Stream {
	t.Helper()
	select {
	case stream := <-s.taken:
		return stream
	case <-time.After(quictest.Patience):
		t.Fatal("no stream came")
		return nil
	}
}

// request returns the handshake request for a path on addr.
func request(addr net.Addr, path string) *http.Request {
	u, err := url.Parse("https://" + addr.String() + path)
	if err != nil {
		panic(err)
	}
	return &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"X-Test": {"yes"}}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// clientTLS is one configuration, since connections are shared by configuration.
var clientTLS = quictest.ClientTLS().Clone

// open returns both ends of a new stream, with nothing on it.
func open(t testing.TB, d *http3.Dialer, s *server) (client, accepted *http3.Stream) {
	t.Helper()
	client = dial(t, d, s.addr)
	return client, s.accept(t)
}

// dial returns a stream that is gone when the test ends.
func dial(t testing.TB, d *http3.Dialer, addr net.Addr) *http3.Stream {
	t.Helper()
	s, response, err := d.OpenStream(t.Context(), request(addr, "/"), clientTLS())
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("OpenStream: %v, %v", response, err)
	}
	t.Cleanup(func() { s.Abort() })
	return s.(*http3.Stream)
}

// eventually fails the test when condition does not become true in time.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(start) > quictest.Patience {
			t.Fatalf("%s: not so after %v", what, quictest.Patience)
		}
	}
}
