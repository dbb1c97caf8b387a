package websockets_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// echo is the handler of most tests.
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

// serve starts an HTTP server for h and returns its ws URL.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func dial(t testing.TB, url string, o *websockets.Options) *websockets.Conn {
	t.Helper()
	c, err := websockets.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// strict returns Strict options that log nowhere.
func strict() *websockets.Options {
	o := websockets.Strict()
	o.Logger = slog.New(slog.DiscardHandler)
	return o
}

// raw is a client that writes bytes as it likes.
type raw struct {
	net.Conn
	*bufio.Reader
	t testing.TB
}

func (r *raw) Read(p []byte) (int, error) { return r.Reader.Read(p) }

const validRequest = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// browserRequest is a handshake as a browser sends it.
const browserRequest = validRequest + "Origin: http://localhost\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

// rawDial connects and sends a request head, which it ends.
func rawDial(t testing.TB, url, head string) (*raw, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := &raw{conn, bufio.NewReader(conn), t}
	r.send(head + "\r\n")
	resp, err := http.ReadResponse(r.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, resp
}

func (r *raw) send(s string) {
	r.t.Helper()
	if _, err := io.WriteString(r.Conn, s); err != nil {
		r.t.Fatal(err)
	}
}

// want reads exactly the bytes of s.
func (r *raw) want(why, s string) {
	r.t.Helper()
	got := make([]byte, len(s))
	n, err := io.ReadFull(r, got)
	if err != nil || string(got) != s {
		r.t.Fatalf("%s: read %q, %v; want %q", why, got[:n], err, s)
	}
}

// wantEOF reads to the end of the output, which must come without a byte.
func (r *raw) wantEOF(why string) {
	r.t.Helper()
	rest, err := io.ReadAll(r)
	if err != nil || len(rest) > 0 {
		r.t.Fatalf("%s: read %q, %v; want the end", why, rest, err)
	}
}
