package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fb1e3c20/websockets"
)

// answering is a server with a handler of its own.
func answering(t *testing.T, h websockets.HandlerFunc) (url string) {
	t.Helper()
	sockets := websockets.Handle(h, websockets.Strict())
	s := httptest.NewServer(sockets)
	t.Cleanup(func() {
		s.Close()
		sockets.Shutdown(context.Background())
	})
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func TestConnectTalks(t *testing.T) {
	p := start(t, "connect", serve(t).url("/echo"))
	long := strings.Repeat("long", 300_000)
	for _, line := range []string{"hello", "", "fünf", " spaces ", "a\rb", long[:1<<20]} {
		p.say(line)
		p.wantLine(line)
	}
	p.stdin.Close()
	p.exits(statusOK)
	p.complains("1000")
}

// Everything that is on standard input is sent, and everything that comes back
// is printed, though the input ends long before.
func TestConnectPrintsWhatStillArrives(t *testing.T) {
	lines := strings.Repeat("line\n", 5000) + "and one without an end"
	r := command(t.Context(), lines, "connect", serve(t).url("/echo"))
	if r.status != statusOK || r.stdout != lines+"\n" {
		t.Errorf("status %d, %d bytes of %d\n%s", r.status, len(r.stdout), len(lines)+1, r.stderr)
	}
}

func TestConnectHearsClose(t *testing.T) {
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		c.Send(ctx, websockets.Text, []byte("two\nlines"))
		c.Send(ctx, websockets.Binary, []byte("\x00\xff"))
		return c.Close(4001, "so long")
	})
	p := start(t, "connect", url)
	p.wantLine("two")
	p.wantLine("lines")
	p.wantLine("00ff")
	p.exits(statusOK)
	p.complains("4001")
	p.complains("so long")
	p.complains("hexadecimal")
}

func TestConnectLosesTheServer(t *testing.T) {
	url := answering(t, func(_ context.Context, c *websockets.Conn) error { return c.CloseNow() })
	p := start(t, "connect", url)
	p.exits(statusFailed)
}

func TestConnectIsRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	r := command(t.Context(), "", "connect", "ws"+strings.TrimPrefix(s.URL, "http"))
	if r.status != statusFailed || !strings.Contains(r.stderr, "404") {
		t.Errorf("status %d, standard error %q", r.status, r.stderr)
	}
}

func TestConnectMeetsAViolation(t *testing.T) {
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, make([]byte, 1025))
	})
	p := start(t, "connect", "--max-message", "1KiB", url)
	p.exits(statusFailed)
	p.complains("1009")
}

// A line that is not text is not sent; the others are.
func TestConnectTellsWhatWasNotSent(t *testing.T) {
	r := command(t.Context(), "one\nbad \xff\nthree\n", "connect", serve(t).url("/echo"))
	if r.status != statusFailed || r.stdout != "one\nthree\n" || !strings.Contains(r.stderr, "line 2") {
		t.Errorf("status %d, standard output %q, standard error %q", r.status, r.stdout, r.stderr)
	}
}

func TestConnectIsInterrupted(t *testing.T) {
	closed := make(chan error, 1)
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		c.Send(ctx, websockets.Text, []byte("welcome"))
		_, _, err := c.Receive(ctx)
		closed <- err
		return err
	})
	p := start(t, "connect", url)
	p.wantLine("welcome")
	p.interrupt()
	p.exits(statusOK)
	if code := websockets.CloseStatus(<-closed); code != websockets.GoingAway {
		t.Errorf("the server heard %v, want 1001", code)
	}
}

// An interrupt ends the wait for a server that accepts and says nothing.
func TestConnectIsInterruptedWhileDialling(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := start(t, "connect", "ws://"+l.Addr().String())
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.interrupt()
	p.exits(statusFailed)
}

func TestReadLine(t *testing.T) {
	input := "one\n\n" + strings.Repeat("x", 100) + "\r\nend"
	for _, r := range []io.Reader{strings.NewReader(input), iotest.OneByteReader(strings.NewReader(input))} {
		in := bufio.NewReaderSize(r, 16)
		for _, want := range []string{"one", "", strings.Repeat("x", 100) + "\r"} {
			got, err := readLine(in, nil)
			if err != nil || string(got) != want {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
		if got, err := readLine(in, nil); err != io.EOF || string(got) != "end" {
			t.Errorf("got %q, %v", got, err)
		}
		if got, err := readLine(in, nil); err != io.EOF || len(got) > 0 {
			t.Errorf("got %q, %v", got, err)
		}
	}
}
