package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// patience bounds every wait; a test that passes never waits for all of it.
const patience = 30 * time.Second

// start runs a proxy in front of a server and returns the proxy's ws URL, and
// what ends it and tells how.
func start(t *testing.T, backend string) (at string, stop func() error) {
	t.Helper()
	u, err := url.Parse(backend)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(u)
	p.patience = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", p, stdout) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	host, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	t.Cleanup(cancel)
	return "ws://" + host, func() error {
		cancel()
		return <-ended
	}
}

// chain starts a server and a proxy in front of it. What a client says to the
// proxy comes out of the Conn that arrives.
func chain(t *testing.T) (at string, arrives <-chan *websockets.Conn, stop func() error) {
	t.Helper()
	conns := make(chan *websockets.Conn, 1)
	o := options()
	o.Subprotocols = []string{"one", "two"}
	o.AcceptConnection = func(r *http.Request) bool {
		return websockets.SameOrigin(r) || r.Header.Get("Origin") == friend
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Answer", r.URL.RequestURI())
		if c, err := websockets.Accept(w, r, o); err == nil {
			conns <- c
		}
	}))
	t.Cleanup(server.Close)
	at, stop = start(t, "ws"+strings.TrimPrefix(server.URL, "http"))
	return at, conns, stop
}

// friend is another origin that the server accepts.
const friend = "https://friend.example"

// options are those of both ends.
func options() *websockets.Options {
	o := websockets.Strict()
	o.MaxFrameSize, o.MaxMessageSize = 32<<20, 32<<20
	return o
}

// ends dials through the proxy and returns both ends.
func ends(t *testing.T) (client, server *websockets.Conn) {
	t.Helper()
	at, arrives, _ := chain(t)
	client, err := websockets.Dial(t.Context(), at, options())
	if err != nil {
		t.Fatal(err)
	}
	server = <-arrives
	t.Cleanup(func() {
		client.CloseNow()
		server.CloseNow()
	})
	return client, server
}

func TestInterrupt(t *testing.T) {
	at, arrives, stop := chain(t)
	client, err := websockets.Dial(t.Context(), at, options())
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseNow()
	server := <-arrives
	defer server.CloseNow()
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, c := range []*websockets.Conn{client, server} {
		select {
		case <-c.Done():
		default:
			t.Error("the proxy has ended and a connection has not")
		}
		wantClose(t, c, websockets.GoingAway, "")
	}
}

func TestCannotListen(t *testing.T) {
	err := run(t.Context(), "127.0.0.1", newProxy(&url.URL{}), io.Discard)
	if _, ok := errors.AsType[*net.AddrError](err); !ok {
		t.Errorf("got %v, want a *net.AddrError", err)
	}
}
