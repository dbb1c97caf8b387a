package http3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
)

// serveWebSockets serves h on a new HTTP/3 server until the test ends.
func serveWebSockets(t testing.TB, h websockets.HandlerFunc, o *websockets.Options) (*server, *websockets.Server) {
	t.Helper()
	ws := websockets.Handle(h, o)
	s := serve(t, ws, nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), quictest.Patience)
		defer cancel()
		if err := ws.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return s, ws
}

func newDialer(carrier websockets.Carrier, o *websockets.Options) *websockets.Dialer {
	options := *o
	options.Carrier, options.TLSConfig = carrier, clientTLS()
	return &websockets.Dialer{Options: &options}
}

// connect opens a WebSocket that is gone when the test ends.
func connect(t testing.TB, d *websockets.Dialer, addr net.Addr, path string) *websockets.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), quictest.Patience)
	defer cancel()
	c, err := d.Dial(ctx, "wss://"+addr.String()+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func strict() *websockets.Dialer { return newDialer(&http3.Dialer{}, websockets.Strict()) }

func echo(ctx context.Context, c *websockets.Conn) error {
	for {
		typ, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if err := c.Send(ctx, typ, p); err != nil {
			return err
		}
	}
}

func TestMessagesOfAllSizes(t *testing.T) {
	s, _ := serveWebSockets(t, echo, websockets.Strict())
	exchangeAll(t, connect(t, strict(), s.addr, "/echo"))
}

// exchangeAll has messages of all sizes echoed, and closes.
func exchangeAll(t *testing.T, c *websockets.Conn) {
	for _, size := range []int{0, 1, 125, 126, 1000, 1452, 65535, 65536, 300_000, 1 << 20} {
		for _, typ := range []websockets.MessageType{websockets.Text, websockets.Binary} {
			want := bytes.Repeat([]byte("x"), size)
			if err := c.Send(t.Context(), typ, want); err != nil {
				t.Fatalf("%v of %d bytes: Send: %v", typ, size, err)
			}
			gotType, got, err := c.Receive(t.Context())
			if gotType != typ || !bytes.Equal(got, want) || err != nil {
				t.Fatalf("%v of %d bytes came back as %v of %d bytes, %v", typ, size, gotType, len(got), err)
			}
		}
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// A server that ConfigureServer has not seen holds the handler instead.
func TestAServerThatIsNotConfigured(t *testing.T) {
	returned := make(chan struct{}, 2)
	ws := websockets.Handle(echo, websockets.Strict())
	s := &server{Server: &h3.Server{TLSConfig: quictest.ServerTLS(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(taker); ok {
			t.Error("the stream can be taken")
		}
		ws.ServeHTTP(w, r)
		returned <- struct{}{}
	})}}
	s.start(t)
	d := strict()
	c := connect(t, d, s.addr, "/")
	exchangeAll(t, c)
	<-returned
	c = connect(t, d, s.addr, "/")
	c.CloseNow()
	<-returned
}

func TestTheRequestTellsOfTLSAndThePeer(t *testing.T) {
	o := websockets.Strict()
	o.Subprotocols = []string{"chat"}
	s, _ := serveWebSockets(t, func(ctx context.Context, c *websockets.Conn) error {
		r := c.Request()
		return c.Send(ctx, websockets.Text, fmt.Appendf(nil, "%s %s %s %s", r.RemoteAddr, r.TLS.NegotiatedProtocol, r.URL.Path, c.Subprotocol()))
	}, o)
	c := connect(t, newDialer(&http3.Dialer{}, o), s.addr, "/who")
	_, got, err := c.Receive(t.Context())
	if want := s.conn.Load().RemoteAddr().String() + " h3 /who chat"; string(got) != want || err != nil {
		t.Errorf("received %q, %v; want %q", got, err, want)
	}
	if r := c.Response(); r.Proto != "HTTP/3.0" || c.Subprotocol() != "chat" {
		t.Errorf("the client's response: %+v, subprotocol %q", r, c.Subprotocol())
	}
}

// What is not for a WebSocket is refused, in words of HTTP/3.
func TestRequestsThatAreNotForWebSockets(t *testing.T) {
	s, _ := serveWebSockets(t, echo, websockets.Strict())
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"GET", func(*http.Request) {}, 405},
		{"GET with the fields of HTTP/1.1", func(r *http.Request) {
			r.Header = http.Header{"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		}, 405},
		{"CONNECT without :protocol", func(r *http.Request) { r.Method, r.Proto = "CONNECT", "" }, 501},
		{"another :protocol", func(r *http.Request) { r.Method, r.Proto = "CONNECT", "connect-ip" }, 501},
		{"no version", func(r *http.Request) { r.Method, r.Proto = "CONNECT", "websocket" }, 400},
	} {
		status, body := roundTrip(t, s.addr, test.change)
		t.Logf("%s: %d %q", test.name, status, body)
		if status != test.status || body == "" {
			t.Errorf("%s: %d %q; want %d and why", test.name, status, body, test.status)
		}
	}
}

func TestARefusalIsAnError(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}), nil)
	_, err := strict().Dial(t.Context(), "wss://"+s.addr.String())
	e, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok || e.Status != 401 {
		t.Fatalf("Dial: %v", err)
	}
	_, err = strict().Dial(t.Context(), "ws://"+s.addr.String())
	if err == nil || !strings.Contains(err.Error(), "must begin with wss") {
		t.Errorf("Dial of ws: %v", err)
	}
}

func TestCloseCodes(t *testing.T) {
	ended := make(chan error, 1)
	s, _ := serveWebSockets(t, func(ctx context.Context, c *websockets.Conn) (err error) {
		defer func() { ended <- err }()
		_, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		return c.Close(4002, string(p))
	}, websockets.Strict())
	d := strict()

	c := connect(t, d, s.addr, "/")
	if err := c.Close(4001, "the client has had enough"); err != nil {
		t.Errorf("the client's Close: %v", err)
	}
	if err := <-ended; websockets.CloseStatus(err) != 4001 || !strings.Contains(err.Error(), "has had enough") {
		t.Errorf("the server was told %v; want 4001", err)
	}

	c = connect(t, d, s.addr, "/")
	c.Send(t.Context(), websockets.Text, []byte("the server has had enough"))
	_, _, err := c.Receive(t.Context())
	if websockets.CloseStatus(err) != 4002 || !strings.Contains(err.Error(), "has had enough") {
		t.Errorf("the client was told %v; want 4002", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server's Close: %v", err)
	}

	c = connect(t, d, s.addr, "/")
	c.CloseNow()
	if err := <-ended; !errors.Is(err, websockets.ErrLost) || !errors.Is(err, http3.ErrAborted) {
		t.Errorf("after CloseNow the server was told %v; want ErrLost and ErrAborted", err)
	}
}

// What was sent before Close arrives, and so does the close, though the connection
// goes with the socket, and though the server goes away.
func TestTheLastMessageAndTheCloseArrive(t *testing.T) {
	for _, goingAway := range []bool{false, true} {
		t.Run(fmt.Sprintf("GoingAway=%t", goingAway), func(t *testing.T) {
			type last struct {
				n   int
				err error
			}
			got := make(chan last, 1)
			opened := make(chan struct{}, 1)
			ws := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
				opened <- struct{}{}
				for n := 0; ; {
					_, p, err := c.Receive(ctx)
					if n += len(p); err != nil {
						got <- last{n, err}
						return err
					}
				}
			}, websockets.Strict())
			for range 10 {
				s := serve(t, ws, nil)
				relay := quictest.NewRelay(t, s.addr, 1)
				relay.Set(quictest.Faults{Loss: 0.05, Delay: 2 * time.Millisecond})
				c := connect(t, strict(), relay.Addr(), "/")
				<-opened
				if goingAway {
					go s.Shutdown(t.Context())
				}
				c.Send(t.Context(), websockets.Binary, make([]byte, 100_000))
				c.Send(t.Context(), websockets.Binary, make([]byte, 10))
				if err := c.Close(4000, ""); err != nil {
					t.Error(err)
				}
				if g := <-got; g.n != 100_010 || websockets.CloseStatus(g.err) != 4000 {
					t.Errorf("%d bytes came, and then %v; want 100,010 and 4000", g.n, g.err)
				}
			}
		})
	}
}

func TestShutdown(t *testing.T) {
	s, ws := serveWebSockets(t, echo, websockets.Strict())
	d := strict()
	var clients []*websockets.Conn
	for range 10 {
		clients = append(clients, connect(t, d, s.addr, "/"))
	}
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.GoingAway {
				t.Errorf("a client was told %v; want 1001", err)
			}
		})
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), quictest.Patience)
	defer cancel()
	if err := errors.Join(ws.Shutdown(ctx), s.Shutdown(ctx)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Shutdown took %v", d)
	}
	all.Wait()
}

// Sockets that are not read hold up none of the others, in either direction.
func TestSocketsThatAreNotRead(t *testing.T) {
	quictest.Unread(t, func(t *testing.T, h websockets.HandlerFunc) func(string) *websockets.Conn {
		s, _ := serveWebSockets(t, h, websockets.Strict())
		d := strict()
		t.Cleanup(func() {
			if n := s.conns.Load(); n != 1 {
				t.Errorf("%d connections; want 1", n)
			}
		})
		return func(path string) *websockets.Conn { return connect(t, d, s.addr, path) }
	})
}
