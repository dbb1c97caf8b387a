package flight_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A box collects what a Recorder wrote.
type box struct {
	t     testing.TB
	files chan string
	rec   *flight.Recorder
}

func newBox(t testing.TB) *box {
	b := &box{t: t, files: make(chan string, 100)}
	b.rec = &flight.Recorder{Dir: t.TempDir(), OnFile: func(path string, err error) {
		if err != nil {
			t.Error(err)
		}
		b.files <- path
	}}
	return b
}

// next returns the next recording.
func (b *box) next() *flight.Recording {
	b.t.Helper()
	select {
	case path := <-b.files:
		r, err := flight.Open(path)
		if err != nil {
			b.t.Fatal(err)
		}
		return r
	case <-time.After(20 * time.Second):
		b.t.Fatal("no recording was written")
	}
	return nil
}

// wantSteps checks that r replays, and that steps with these words come in this
// order.
func wantSteps(t testing.TB, r *flight.Recording, want ...string) {
	t.Helper()
	var steps []string
	err := r.Replay(func(s *flight.Step) error {
		steps = append(steps, s.String())
		if len(want) > 0 && strings.Contains(s.String(), want[0]) {
			want = want[1:]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(want) > 0 {
		t.Errorf("no step %q, or not in its place, in\n%s", want[0], strings.Join(steps, "\n"))
	}
}

func options(r *flight.Recorder) *websockets.Options {
	o := websockets.Strict()
	o.Logger = slog.New(slog.DiscardHandler)
	o.PropagateCommonErrors = false
	o.CloseTimeout = 2 * time.Second
	o.Recorder = r
	return o
}

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

// listen serves h on TCP in both ways, and returns the URLs.
func listen(t testing.TB, h websockets.HandlerFunc, o *websockets.Options) map[string]string {
	t.Helper()
	s := websockets.Handle(h, o)
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	over := httptest.NewServer(s)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Shutdown(ctx)
		<-served
		over.Close()
	})
	return map[string]string{
		"own listener": "ws://" + l.Addr().String() + "/",
		"net/http":     "ws" + strings.TrimPrefix(over.URL, "http") + "/",
	}
}

// Both ends of a connection over TCP, which the server's handler ends with an
// error that the client does not expect.
func TestBothEndsOverTCP(t *testing.T) {
	everything := func(flight.End) bool { return true }
	server, client := newBox(t), newBox(t)
	server.rec.Keep, client.rec.Keep = everything, everything
	for name, url := range listen(t, echo, options(server.rec)) {
		t.Run(name, func(t *testing.T) {
			c, err := websockets.Dial(t.Context(), url, options(client.rec))
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"hello", strings.Repeat("long ", 20_000), ""} {
				if err := c.Send(t.Context(), websockets.Text, []byte(text)); err != nil {
					t.Fatal(err)
				}
				if _, p, err := c.Receive(t.Context()); err != nil || string(p) != text {
					t.Fatalf("%q, %v", p, err)
				}
			}
			if _, err := c.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(websockets.NormalClosure, "done"); err != nil {
				t.Fatal(err)
			}
			s, r := server.next(), client.next()
			if s.Birth.Role != core.Server || r.Birth.Role != core.Client || s.Stopped+r.Stopped != "" || s.Redacted {
				t.Errorf("%+v %+v", s, r)
			}
			if s.Label == "" || s.Start.IsZero() || !strings.HasPrefix(s.Software, "github.com/fb1e3c20/websockets") || s.Calls < 10 {
				t.Errorf("facts: %+v", s)
			}
			var begin []string
			if name == "own listener" {
				begin = []string{"event: request", "Accept", "AppendOutput; output"}
			}
			wantSteps(t, s, append(begin, "event: message text, first, last, 5 bytes", "AppendMessage text, 5 bytes; output 7 bytes",
				"AppendHeader text, 100000 bytes", "AppendMessage text, 0 bytes", "event: ping", "event: close, code 1000, 4 bytes")...)
			wantSteps(t, r, "AppendOutput; output", "event: open", "AppendMessage text, 5 bytes; output 11 bytes",
				"event: message text, first, last, 5 bytes", "AppendPing", "event: pong", `AppendClose 1000 "done"; output`, "event: close, code 1000")
		})
	}
}

// Each kind of failure, as the server sees it, is recorded and replays.
func TestFailuresOverTCP(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	for _, test := range []struct {
		name   string
		set    func(*websockets.Options)
		does   func(c net.Conn)
		fails  core.Error
		cause  string
		redact bool
	}{
		{name: "a violation", does: func(c net.Conn) { io.WriteString(c, "\x83\x80abcd and more that is not read") }, fails: core.ErrOpcode, cause: "reserved opcode"},
		{name: "invalid text", does: func(c net.Conn) { io.WriteString(c, "\x81\x82\x00\x00\x00\x00a\xff") }, fails: core.ErrInvalidUTF8, cause: "UTF-8"},
		{name: "a violation, redacted", does: func(c net.Conn) { io.WriteString(c, "\x81\x82\x00\x00\x00\x00a\xff") }, fails: core.ErrInvalidUTF8, redact: true},
		{name: "a timeout", set: func(o *websockets.Options) {
			o.PingInterval, o.ConnectionTimeout, o.CloseTimeout = 20*time.Millisecond, 60*time.Millisecond, 50*time.Millisecond
		}, does: func(net.Conn) {}, fails: core.ErrConnectionTimeout, cause: "silent"},
		{name: "an unanswered close", set: func(o *websockets.Options) {
			o.PingInterval, o.CloseTimeout = 20*time.Millisecond, 50*time.Millisecond
			o.PongTimeout = 100 * time.Millisecond
		}, does: func(c net.Conn) { io.WriteString(c, "\x81\x84\x00\x00\x00\x00stop") }, fails: core.ErrCloseTimeout, cause: "close"},
		{name: "the end of the stream", does: func(c net.Conn) { c.Close() }, fails: core.ErrLost, cause: "EOF"},
		{name: "a reset", does: func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }, fails: core.ErrLost, cause: "reset"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBox(t)
			b.rec.Redact = test.redact
			o := options(b.rec)
			if test.set != nil {
				test.set(o)
			}
			url := listen(t, func(ctx context.Context, c *websockets.Conn) error {
				_, p, err := c.Receive(ctx)
				if string(p) == "stop" {
					c.Close(websockets.NormalClosure, "")
				}
				return err
			}, o)["own listener"]
			conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, head)
			if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
				t.Fatal(err)
			}
			test.does(conn)
			if test.redact || test.cause == "UTF-8" || test.cause == "reserved opcode" {
				io.Copy(io.Discard, conn)
				conn.Close()
			}
			r := b.next()
			var last flight.State
			if err := r.Replay(func(s *flight.Step) error { last = s.State; return nil }); err != nil {
				t.Fatal(err)
			}
			if last.Err != test.fails {
				t.Errorf("the replay ends with %v, want %v", last.Err, test.fails)
			}
			if !strings.Contains(r.Cause, test.cause) || r.Redacted != test.redact || test.redact && r.Cause+r.Label != "" {
				t.Errorf("the cause is %q", r.Cause)
			}
		})
	}
}

// A client's failure is recorded as well.
func TestClientFailureOverTCP(t *testing.T) {
	b := newBox(t)
	urls := listen(t, func(ctx context.Context, c *websockets.Conn) error {
		c.CloseNow()
		return nil
	}, options(nil))
	c, err := websockets.Dial(t.Context(), urls["own listener"], options(b.rec))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Receive(t.Context()); err == nil {
		t.Fatal("received")
	}
	c.CloseNow()
	r := b.next()
	wantSteps(t, r, "event: open", "event: failed")
}

// Connections that end well leave no file, and neither do handshakes that fail.
func TestNothingIsKeptOfWhatEndsWell(t *testing.T) {
	b := newBox(t)
	url := listen(t, echo, options(b.rec))["own listener"]
	c, err := websockets.Dial(t.Context(), url, options(b.rec))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "HELO\r\n\r\n")
	io.Copy(io.Discard, conn)
	conn.Close()
	broken, err := websockets.Dial(t.Context(), url, options(b.rec))
	if err != nil {
		t.Fatal(err)
	}
	broken.CloseNow()
	wantSteps(t, b.next(), "event: failed") // the server's, and no other came before it
	entries, err := os.ReadDir(b.rec.Dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

// The recordings of connections that are up can be asked for.
func TestDump(t *testing.T) {
	b := newBox(t)
	url := listen(t, echo, options(b.rec))["net/http"]
	c, err := websockets.Dial(t.Context(), url, options(b.rec))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), websockets.Text, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.rec.Dump(); err != nil {
		t.Fatal(err)
	}
	roles := []core.Role{}
	for range 2 {
		r := b.next()
		roles = append(roles, r.Birth.Role)
		wantSteps(t, r, "5 bytes")
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
	slices.Sort(roles)
	if !slices.Equal(roles, []core.Role{core.Server, core.Client}) {
		t.Errorf("roles %v", roles)
	}
}

// A disk that cannot be written to is reported, and the connection knows
// nothing of it.
func TestDiskFailure(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 10)
	rec := &flight.Recorder{Dir: filepath.Join(file, "no directory"), OnFile: func(_ string, err error) { failed <- err }}
	url := listen(t, echo, options(nil))["own listener"]
	c, err := websockets.Dial(t.Context(), url, options(rec))
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Dump(); err == nil {
		t.Error("dumped")
	}
	if err := <-failed; !errors.As(err, new(*os.PathError)) {
		t.Errorf("%v", err)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Fatal(err)
	}
}
