package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets"
)

// answering is a server with a handler of its own.
func answering(t *testing.T, h websockets.HandlerFunc) (url string) {
	t.Helper()
	return answeringWith(t, websockets.Strict(), h)
}

func answeringWith(t *testing.T, o *websockets.Options, h websockets.HandlerFunc) (url string) {
	t.Helper()
	sockets := websockets.Handle(h, o)
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

// With --stay the end of the input is not the end.
func TestConnectStays(t *testing.T) {
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		_, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if _, _, err := c.Receive(wait); err != context.DeadlineExceeded {
			return err
		}
		c.Send(ctx, websockets.Text, append(p, '!'))
		return c.Close(4001, "")
	})
	r := command(t.Context(), "late", "connect", "--stay", url)
	if r.status != statusOK || r.stdout != "late!\n" || !strings.Contains(r.stderr, "closed by the server: 4001") {
		t.Errorf("status %d, standard output %q, standard error %q", r.status, r.stdout, r.stderr)
	}
}

func TestConnectHearsClose(t *testing.T) {
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		c.Send(ctx, websockets.Text, []byte("two\nlines"))
		c.Send(ctx, websockets.Binary, []byte("\x00\xff"))
		return c.Close(4001, "so long")
	})
	p := start(t, "connect", url)
	p.wantLine(`two\nlines`)
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
	for _, c := range []struct{ name, body, shows string }{
		{"no body", "", ""},
		{"a body", " no such room\n", "\n  no such room"},
		{"a long body", strings.Repeat("x", 3000), "\n  " + strings.Repeat("x", 1024) + "..."},
		{"a hostile body", "\x1b[2J\r\xff", "\n  \\x1b[2J\\r\uFFFD"},
		{"a body that imitates", "no\nconnected to ws://b", "\n  no\n  connected to ws://b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, c.body)
			}))
			defer s.Close()
			r := command(t.Context(), "", "connect", "ws"+strings.TrimPrefix(s.URL, "http"))
			if r.status != statusFailed || r.stdout != "" {
				t.Errorf("status %d, standard output %q", r.status, r.stdout)
			}
			if want := "(403 Forbidden)" + c.shows + "\n"; !strings.HasSuffix(r.stderr, want) {
				t.Errorf("standard error %q, want at its end %q", r.stderr, want)
			}
		})
	}
}

// Whatever a server says of itself, no terminal obeys it.
func TestConnectShowsTheServersWords(t *testing.T) {
	for _, c := range []struct{ name, answer, shows string }{
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: /ok?\u009b31m\u202e\r\nContent-Length: 0\r\n\r\n", ""},
		{"a redirect to nowhere", "HTTP/1.1 302 Found\r\nLocation: http://[\u009b31m\r\nContent-Length: 0\r\n\r\n", ""},
		{"a redirect to a foreign scheme", "HTTP/1.1 302 Found\r\nLocation: ftp://a/\u009b31m\u202e\r\nContent-Length: 0\r\n\r\n", ""},
		{"a reason phrase", "HTTP/1.1 403 no\x9b31m\r\nContent-Length: 0\r\n\r\n", `(403 no\x9b31m)`},
		{"a subprotocol", "HTTP/1.1 101 ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: \x9b31m\r\n\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := command(t.Context(), "", "connect", saying(t, c.answer))
			if strings.IndexFunc(r.stderr, invisible) >= 0 || !utf8.ValidString(r.stderr) || !strings.Contains(r.stderr, c.shows) {
				t.Errorf("standard error %q", r.stderr)
			}
		})
	}
}

// saying is a server that answers the first request with bytes of its own, and
// accepts those for /ok.
func saying(t *testing.T, answer string) (url string) {
	sockets := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		_, _, err := c.Receive(ctx)
		return err
	}, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ok" {
			sockets.ServeHTTP(w, r)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, answer)
	}))
	t.Cleanup(func() {
		s.Close()
		sockets.Shutdown(context.Background())
	})
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func TestConnectMeetsAViolation(t *testing.T) {
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, make([]byte, 1025))
	})
	p := start(t, "connect", "--max-message", "1KiB", url)
	p.exits(statusFailed)
	p.complains("1009")
}

// A line that cannot be sent is told once; the others are sent.
func TestConnectTellsWhatWasNotSent(t *testing.T) {
	for _, c := range []struct{ name, flag, in, out string }{
		{"not UTF-8", "--no-color", "one\nbad \xff\nthree\n", "one\nthree\n"},
		{"not hexadecimal", "--hex", "aa\nxx\nbb\n", "aa\nbb\n"},
		{"half a byte", "--hex", "aa\nabc\nbb\n", "aa\nbb\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := command(t.Context(), c.in, "connect", c.flag, serve(t).url("/echo"))
			if r.status != statusFailed || r.stdout != c.out {
				t.Errorf("status %d, standard output %q", r.status, r.stdout)
			}
			if strings.Count(r.stderr, "line 2 was not sent") != 1 || strings.Contains(r.stderr, "websockets:") {
				t.Errorf("standard error %q", r.stderr)
			}
		})
	}
}

// That a server closes before it has got all is not in its code: connect tells
// it, and fails.
func TestConnectTellsThatInputIsLeft(t *testing.T) {
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		c.Receive(ctx)
		return c.Close(websockets.NormalClosure, "enough")
	})
	for _, c := range []struct {
		name   string
		stdin  io.Reader
		status int
	}{
		{"more than was wanted", endless{}, statusFailed},
		{"all was sent", strings.NewReader("x\n"), statusOK},
	} {
		for _, flag := range []string{"--stay", "--binary"} {
			var stderr transcript
			status := run(t.Context(), []string{"connect", flag, url}, &console{stdin: c.stdin, stdout: io.Discard, stderr: &stderr})
			if told := strings.HasSuffix(stderr.String(), "standard input was not sent to its end\n"); status != c.status || told != (c.status == statusFailed) {
				t.Errorf("%s, %s: status %d, standard error %q", c.name, flag, status, &stderr)
			}
		}
	}
}

// A server that closes while there is nothing to send leaves nothing.
func TestConnectHearsCloseWithoutInput(t *testing.T) {
	url := answering(t, func(_ context.Context, c *websockets.Conn) error { return c.Close(websockets.NormalClosure, "") })
	p := start(t, "connect", url)
	p.exits(statusOK)
	if strings.Contains(p.stderr.String(), "standard input") {
		t.Errorf("standard error %q", p.stderr)
	}
}

// An interrupt gives up the input: that is no failure.
func TestConnectIsInterruptedWhileSending(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	heard := make(chan error, 1)
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		c.Receive(ctx)
		interrupt()
		c.Discard()
		<-c.Done()
		heard <- c.Err()
		return nil
	})
	var stderr transcript
	status := run(ctx, []string{"connect", url}, &console{stdin: endless{}, stdout: io.Discard, stderr: &stderr})
	if status != statusOK || strings.Contains(stderr.String(), "standard input") {
		t.Errorf("status %d, standard error %q", status, &stderr)
	}
	if code := websockets.CloseStatus(<-heard); code != websockets.GoingAway {
		t.Errorf("the server heard %v, want 1001", code)
	}
}

// endless is an input of lines without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "a line\n"[i%7]
	}
	return len(p) / 7 * 7, nil
}

// When messages cannot be printed the server hears it, though it goes on. That
// nobody reads them any more is no failure.
func TestConnectCannotPrint(t *testing.T) {
	for _, c := range []struct {
		name   string
		why    error
		says   string
		status int
	}{
		{"nobody reads", errNoReader, "nobody reads standard output any more\nclosed: 1001 going away\n", statusOK},
		{"the disk is full", errors.New("no space left"), "websockets: standard output: no space left\n", statusFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			closed := make(chan error, 1)
			url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
				go func() {
					for c.Send(ctx, websockets.Text, make([]byte, 10_000)) == nil {
					}
				}()
				_, _, err := c.Receive(ctx)
				closed <- err
				return err
			})
			stdin, in := io.Pipe()
			defer in.Close()
			var stderr transcript
			status := run(t.Context(), []string{"connect", url}, &console{stdin: stdin, stdout: broken{c.why}, stderr: &stderr})
			if status != c.status || !strings.HasSuffix(stderr.String(), c.says) {
				t.Errorf("status %d, standard error %q", status, &stderr)
			}
			if code := websockets.CloseStatus(<-closed); code != websockets.GoingAway {
				t.Errorf("the server heard %v, want 1001", code)
			}
		})
	}
}

// broken is an output that fails.
type broken struct{ why error }

func (b broken) Write([]byte) (int, error) { return 0, b.why }

// What flags make of lines and of messages when nothing is a terminal.
func TestConnectInAPipe(t *testing.T) {
	url := serve(t).url("/echo")
	const json = `{ "b":[1,2],  "a":"\u00e4" }`
	for _, c := range []struct{ name, flags, in, out string }{
		{"text", "", "hello\nfünf \r\n\n", "hello\nfünf \r\n\n"},
		{"control characters", "", "\x1b[31m\x00\a\u202e\n", "\x1b[31m\x00\a\u202e\n"},
		{"JSON is not altered", "", json + "\n[1, 2]\n{no}\n", json + "\n[1, 2]\n{no}\n"},
		{"JSON indented", "--pretty=always", json, "{\n  \"b\": [1, 2],\n  \"a\": \"\\u00e4\"\n}\n"},
		{"JSON coloured", "--color=always", "[1]", "\x1b[1m[\x1b[0m\x1b[33m1\x1b[0m\x1b[1m]\x1b[0m\n"},
		{"text coloured", "--color=always --pretty=always", "hello", "hello\n"},
		{"binary", "--binary", "hello\n\xff\x00\n", "68656c6c6f\nff00\n"},
		{"hexadecimal", "--hex", "00fF\n\n0a", "00ff\n\n0a\n"},
		{"raw", "--raw --binary", "hello\n\xff\x00\n", "hello\n\xff\x00\n"},
		{"no history", "--no-history", "hello", "hello\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := command(t.Context(), c.in, append(strings.Fields("connect "+c.flags), url)...)
			if r.status != statusOK || r.stdout != c.out {
				t.Errorf("status %d, standard output %q, want %q\n%s", r.status, r.stdout, c.out, r.stderr)
			}
			if !strings.Contains(r.stderr, "connected to "+url) || !strings.Contains(r.stderr, "1000") {
				t.Errorf("standard error %q", r.stderr)
			}
		})
	}
}

// The whole request is as the flags say, and nothing of the user's information
// is told.
func TestConnectAsks(t *testing.T) {
	asked := make(chan *http.Request, 1)
	url := asking(t, asked)
	r := command(t.Context(), "", "connect", "-H", "Cookie: a=b, c", "--header", "X-A:1", "-H", "X-A: 2", "--origin", "https://example.com",
		"--subprotocol", "one,two", "--subprotocol", "three", strings.Replace(url, "://", "://me:secret@", 1))
	if r.status != statusOK {
		t.Fatalf("status %d: %s", r.status, r.stderr)
	}
	if !strings.Contains(r.stderr, "subprotocol two") || strings.Contains(r.stderr, "secret") {
		t.Errorf("standard error %q", r.stderr)
	}
	h := (<-asked).Header
	for name, want := range map[string]string{
		"Cookie":                 "a=b, c",
		"X-A":                    "1|2",
		"Origin":                 "https://example.com",
		"Sec-Websocket-Protocol": "one, two, three",
	} {
		if got := strings.Join(h[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// asking is a server that knows the subprotocol two and shows requests.
func asking(t *testing.T, asked chan<- *http.Request) (url string) {
	o := &websockets.Options{Subprotocols: []string{"two"}}
	o.AcceptConnection = func(r *http.Request) bool { asked <- r; return true }
	sockets := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		_, _, err := c.Receive(ctx)
		return err
	}, o)
	s := httptest.NewServer(sockets)
	t.Cleanup(func() {
		s.Close()
		sockets.Shutdown(context.Background())
	})
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func TestConnectMeasuresRoundTrips(t *testing.T) {
	p := start(t, "connect", "--ping", "1ms", serve(t).url("/echo"))
	for range 1000 {
		if strings.Count(p.stderr.String(), "round trip ") >= 3 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.stdin.Close()
	p.exits(statusOK)
	if n := strings.Count(p.stderr.String(), "round trip "); n < 3 {
		t.Errorf("%d round trips", n)
	}
}

// A pong that does not come is told of, though the server is not silent.
func TestConnectMissesAPong(t *testing.T) {
	o := &websockets.Options{} // which does not answer pings
	sockets := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		_, _, err := c.Receive(ctx)
		return err
	}, o)
	s := httptest.NewServer(sockets)
	defer s.Close()
	p := start(t, "connect", "--ping", "1ms", "ws"+strings.TrimPrefix(s.URL, "http"))
	for range 1000 {
		if strings.Contains(p.stderr.String(), "no pong for 1s\n") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.stdin.Close()
	p.exits(statusOK)
	p.complains("no pong for 1s\n")
}

// A hundred thousand lines all arrive, in order, and so do their echoes.
func TestConnectLosesNoLine(t *testing.T) {
	var lines strings.Builder
	for i := range 100_000 {
		fmt.Fprintln(&lines, "line", i)
	}
	r := command(t.Context(), lines.String(), "connect", serve(t).url("/echo"))
	if r.status != statusOK || r.stdout != lines.String() {
		t.Errorf("status %d, %d bytes of %d\n%s", r.status, len(r.stdout), lines.Len(), r.stderr)
	}
}

// A server that is slow to read and slow to answer gets and says everything.
func TestConnectWaitsForASlowServer(t *testing.T) {
	o := websockets.Strict()
	o.HoldClose = true // until it has answered the last message
	url := answeringWith(t, o, func(ctx context.Context, c *websockets.Conn) error {
		for {
			time.Sleep(20 * time.Millisecond)
			typ, p, err := c.Receive(ctx)
			if err != nil {
				return err
			}
			if err := c.Send(ctx, typ, p); err != nil {
				return err
			}
		}
	})
	lines := strings.Repeat(strings.Repeat("slow", 25_000)+"\n", 20)
	r := command(t.Context(), lines, "connect", url)
	if r.status != statusOK || r.stdout != lines {
		t.Errorf("status %d, %d bytes of %d\n%s", r.status, len(r.stdout), len(lines), r.stderr)
	}
}

func TestConnectPrintsLargeMessages(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 1<<20)
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		for range 5 {
			c.Send(ctx, websockets.Text, large)
			c.Send(ctx, websockets.Binary, large)
		}
		return nil
	})
	r := command(t.Context(), "", "connect", "--stay", url)
	want := strings.Repeat(string(large)+"\n"+strings.Repeat("78", 1<<20)+"\n", 5)
	if r.status != statusOK || r.stdout != want {
		t.Errorf("status %d, %d bytes of %d\n%s", r.status, len(r.stdout), len(want), r.stderr)
	}
}

// A clean close is one, whatever its code.
func TestConnectHearsAnyCode(t *testing.T) {
	for _, code := range []websockets.CloseCode{1000, 1001, 1009, 1011, 4000, websockets.NoStatus} {
		url := answering(t, func(_ context.Context, c *websockets.Conn) error { return c.Close(code, "") })
		p := start(t, "connect", url)
		p.exits(statusOK)
		p.complains("closed by the server: " + code.String())
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
