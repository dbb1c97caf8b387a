package quic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// serve serves h on a new listener until the test ends.
func serve(t testing.TB, h websockets.HandlerFunc, o *websockets.Options) (*quic.Listener, *websockets.Server) {
	t.Helper()
	l := listen(t, nil)
	s := websockets.Handle(h, o)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), quictest.Patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l, s
}

// connect opens a WebSocket on a new stream of c.
func connect(t testing.TB, c *quic.Conn, d *websockets.Dialer, path string) *websockets.Conn {
	t.Helper()
	s, err := c.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ws, err := d.DialStream(t.Context(), s, "wss://localhost"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	return ws
}

func newDialer() *websockets.Dialer { return &websockets.Dialer{Options: websockets.Strict()} }

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
	l, _ := serve(t, echo, websockets.Strict())
	c := connect(t, dial(t, l.Addr(), nil), newDialer(), "/echo")
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

func TestTheRequestTellsOfTLSAndThePeer(t *testing.T) {
	l, _ := serve(t, func(ctx context.Context, c *websockets.Conn) error {
		r := c.Request()
		return c.Send(ctx, websockets.Text, fmt.Appendf(nil, "%s %s %s", r.RemoteAddr, r.TLS.NegotiatedProtocol, r.URL.Path))
	}, websockets.Strict())
	conn := dial(t, l.Addr(), nil)
	_, got, err := connect(t, conn, newDialer(), "/who").Receive(t.Context())
	port := conn.LocalAddr().String()
	port = port[strings.LastIndex(port, ":"):]
	if want := "127.0.0.1" + port + " " + quic.ALPN + " /who"; string(got) != want || err != nil {
		t.Errorf("received %q, %v; want %q", got, err, want)
	}
}

func TestCloseCodes(t *testing.T) {
	ended := make(chan error, 1)
	l, _ := serve(t, func(ctx context.Context, c *websockets.Conn) (err error) {
		defer func() { ended <- err }()
		_, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		return c.Close(4002, string(p))
	}, websockets.Strict())
	conn := dial(t, l.Addr(), nil)

	c := connect(t, conn, newDialer(), "/")
	if err := c.Close(4001, "the client has had enough"); err != nil {
		t.Errorf("the client's Close: %v", err)
	}
	if err := <-ended; websockets.CloseStatus(err) != 4001 || !strings.Contains(err.Error(), "has had enough") {
		t.Errorf("the server was told %v; want 4001", err)
	}

	c = connect(t, conn, newDialer(), "/")
	c.Send(t.Context(), websockets.Text, []byte("the server has had enough"))
	_, _, err := c.Receive(t.Context())
	if websockets.CloseStatus(err) != 4002 || !strings.Contains(err.Error(), "has had enough") {
		t.Errorf("the client was told %v; want 4002", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server's Close: %v", err)
	}

	c = connect(t, conn, newDialer(), "/")
	c.CloseNow()
	if err := <-ended; !errors.Is(err, websockets.ErrLost) || !errors.Is(err, quic.ErrAborted) {
		t.Errorf("after CloseNow the server was told %v; want ErrLost and ErrAborted", err)
	}
}

// What was sent before Close arrives, and so does the close, though the
// connection goes with the socket.
func TestTheLastMessageAndTheCloseArrive(t *testing.T) {
	type last struct {
		n   int
		err error
	}
	got := make(chan last, 1)
	l, _ := serve(t, func(ctx context.Context, c *websockets.Conn) error {
		for n := 0; ; {
			_, p, err := c.Receive(ctx)
			if n += len(p); err != nil {
				got <- last{n, err}
				return err
			}
		}
	}, websockets.Strict())
	for range 20 {
		s, err := quic.DialStream(t.Context(), l.Addr().String(), quictest.ClientTLS(), nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newDialer().DialStream(t.Context(), s, "wss://localhost/")
		if err != nil {
			t.Fatal(err)
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
}

func TestShutdown(t *testing.T) {
	l, s := serve(t, echo, websockets.Strict())
	conn := dial(t, l.Addr(), nil)
	var clients []*websockets.Conn
	for range 10 {
		clients = append(clients, connect(t, conn, newDialer(), "/"))
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
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Shutdown took %v", d)
	}
	all.Wait()
	quictest.Await(t, "the end of the listener", l.Done())
	quictest.Await(t, "the end of the connection", conn.Done())
}

// Sockets that are not read hold up none of the others, in either direction.
func TestSocketsThatAreNotRead(t *testing.T) {
	quictest.Unread(t, func(t *testing.T, h websockets.HandlerFunc) func(string) *websockets.Conn {
		l, _ := serve(t, h, websockets.Strict())
		conn := dial(t, l.Addr(), nil)
		return func(path string) *websockets.Conn { return connect(t, conn, newDialer(), path) }
	})
}
