package websockets_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func seedPingInterval(t *testing.T) {
	p := upgraded(t, websockets.Handle(echo, zero()))
	for n := range 3 {
		p.want("\x89\x00")
		p.wantAfter(time.Duration(n+1) * 15 * time.Second)
	}
	o := zero()
	o.PingInterval = time.Second
	p = upgraded(t, websockets.Handle(echo, o))
	p.want("\x89\x00")
	p.wantAfter(time.Second)

	o = zero()
	o.PingInterval, o.ConnectionTimeout = -1, -1
	p = upgraded(t, websockets.Handle(echo, o))
	time.Sleep(time.Hour)
	p.wantNothing()
}

func seedCloseTimeout(t *testing.T) {
	closed := make(chan error, 1)
	server := func(timeout time.Duration) *websockets.Server {
		o := zero()
		o.CloseTimeout = timeout
		o.ConnectionTimeout = -1 // it judges the silence of a peer that closes too
		return websockets.Handle(func(_ context.Context, c *websockets.Conn) error {
			closed <- c.Close(websockets.NormalClosure, "")
			return nil
		}, o)
	}
	for timeout, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Minute: time.Minute} {
		p := upgraded(t, server(timeout))
		if err := <-closed; !errors.Is(err, websockets.ErrCloseTimeout) {
			t.Error(err)
		}
		p.wantAfter(want)
	}
	p := upgraded(t, server(-1))
	time.Sleep(time.Hour)
	if len(closed) > 0 {
		t.Fatal("Close has returned", <-closed)
	}
	p.send(masked(0x88, "\x03\xe8"))
	p.stream.CloseWrite()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func seedConnectionTimeout(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 58 * time.Second, time.Minute: time.Minute} {
		o := zero()
		o.ConnectionTimeout = timeout
		p := upgraded(t, websockets.Handle(echo, o))
		p.wantClose(websockets.GoingAway)
		p.wantAfter(want)

		p = upgraded(t, websockets.Handle(echo, o))
		time.Sleep(want - 1)
		p.send(masked(0x81, "any byte counts")[:1])
		p.wantClose(websockets.GoingAway)
		p.wantAfter(2*want - 1)
	}
	o := zero()
	o.ConnectionTimeout = -1
	p := upgraded(t, websockets.Handle(echo, o))
	time.Sleep(10 * time.Hour)
	for range 10 * 60 * 4 {
		p.want("\x89\x00")
	}
	p.send(masked(0x81, "alive"))
	p.want("\x81\x05alive")
}

func seedAcceptConnection(t *testing.T) {
	_, resp := request(t, websockets.Handle(echo, zero()), validRequest+"Origin: https://elsewhere.example\r\n")
	if resp.StatusCode != 101 {
		t.Errorf("by default: %d", resp.StatusCode)
	}
	o := zero()
	o.AcceptConnection = func(r *http.Request) bool {
		return r.URL.Path == "/chat" && r.Header.Get("Origin") == "https://example.com"
	}
	for _, test := range []struct {
		path, origin string
		status       int
	}{
		{"/chat", "https://example.com", 101},
		{"/chat", "https://elsewhere.example", 403},
		{"/", "https://example.com", 403},
	} {
		head := strings.Replace(validRequest, " / ", " "+test.path+" ", 1) + "Origin: " + test.origin + "\r\n"
		if _, resp := request(t, websockets.Handle(echo, o), head); resp.StatusCode != test.status {
			t.Errorf("%s from %s: %d, want %d", test.path, test.origin, resp.StatusCode, test.status)
		}
	}
}

func seedAccessDenied(t *testing.T) {
	o := zero()
	o.AcceptConnection = func(*http.Request) bool { return false }
	refusal := func() (int, string) {
		_, resp := request(t, websockets.Handle(echo, o), validRequest)
		body, _ := io.ReadAll(resp.Body)
		w := httptest.NewRecorder()
		r, _ := http.ReadRequest(bufio.NewReader(strings.NewReader(validRequest + "\r\n")))
		websockets.Handle(echo, o).ServeHTTP(w, r)
		if w.Code != resp.StatusCode || w.Body.String() != string(body) {
			t.Errorf("with net/http %d %q, without it %d %q", w.Code, w.Body, resp.StatusCode, body)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := refusal(); status != 403 || body != "<h1>Access denied</h1>" {
		t.Errorf("by default: %d %q", status, body)
	}
	o.AccessDenied = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "not %s", r.URL.Path)
	})
	if status, body := refusal(); status != http.StatusTeapot || body != "not /" {
		t.Errorf("own answer: %d %q", status, body)
	}
}

func seedDropIncomingPings(t *testing.T) {
	for drop, want := range map[websockets.Switch]string{
		websockets.Default: "\x81\x02hi",
		websockets.On:      "\x81\x02hi",
		websockets.Off:     "\x8a\x03abc\x81\x02hi",
	} {
		o := zero()
		o.DropIncomingPings = drop
		p := upgraded(t, websockets.Handle(echo, o))
		p.send(masked(0x89, "abc") + masked(0x81, "hi"))
		p.want(want)
	}
	// The page speaks of servers alone: a client answers unless it is told to drop.
	for drop, want := range map[websockets.Switch]error{
		websockets.Default: nil,
		websockets.On:      context.DeadlineExceeded,
	} {
		answered := make(chan error, 1)
		ours, theirs := pipe.New(0)
		go websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := c.Ping(ctx)
			answered <- err
			return nil
		}, zero()).ServeStream(context.Background(), ours)
		o := zero()
		o.DropIncomingPings = drop
		c, err := (&websockets.Dialer{Options: o}).DialStream(t.Context(), theirs, "ws://test/")
		if err != nil {
			t.Fatal(err)
		}
		c.Receive(t.Context())
		c.CloseNow()
		if err := <-answered; err != want {
			t.Errorf("a client with %v: %v, want %v", drop, err, want)
		}
	}
}

func seedPropagateCommonErrors(t *testing.T) {
	boom := errors.New("boom")
	fail := func(_ context.Context, c *websockets.Conn, m websockets.Message) error {
		if string(m.Data) == "fail" {
			return boom
		}
		return nil
	}
	forms := map[string]func(*websockets.Options) *websockets.Server{
		"with-websocket": func(o *websockets.Options) *websockets.Server {
			return websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
				for {
					typ, p, err := c.Receive(ctx)
					if err == nil {
						err = fail(ctx, c, websockets.Message{Type: typ, Data: p})
					}
					if err != nil {
						return err
					}
				}
			}, o)
		},
		"with-concurrent-websocket": func(o *websockets.Options) *websockets.Server {
			return websockets.HandleConcurrent(fail, o)
		},
	}
	common := map[string]error{
		masked(0x88, "\x03\xe8"): websockets.ErrClosed,
		masked(0xc1, ""):         websockets.ErrReservedBits,
		"":                       websockets.ErrLost,
	}
	for name, form := range forms {
		for _, all := range []bool{false, true} {
			for wire, want := range common {
				o, reported := reporting(all)
				p := upgraded(t, form(o))
				p.send(wire)
				synctest.Wait()
				p.finish()
				switch {
				case len(reported) == 0 && !all:
				case len(reported) != 1 || !all:
					t.Errorf("%s, %v: %d errors reported of %v", name, all, len(reported), want)
				default:
					if err := <-reported; !errors.Is(err, want) {
						t.Errorf("%s: reported %v, want %v", name, err, want)
					}
				}
			}
			o, reported := reporting(all)
			p := upgraded(t, form(o))
			p.send(masked(0x81, "fail"))
			p.wantClose(websockets.InternalError)
			if err := <-reported; !errors.Is(err, boom) || !errors.Is(err, websockets.ErrUnexpected) {
				t.Errorf("%s, %v: reported %v", name, all, err)
			}
			p.finish()
		}
	}
	// Without one of the forms every error is returned.
	for wire, want := range common {
		ours, theirs := pipe.New(0)
		p := &peer{bufio.NewReader(awaiting{theirs}), t, theirs, &websockets.Server{Options: zero()}, time.Now()}
		p.send(validRequest + "\r\n" + wire)
		c, err := p.server.AcceptStream(t.Context(), ours)
		if err != nil {
			t.Fatal(err)
		}
		theirs.CloseWrite()
		if _, _, err := c.Receive(t.Context()); !errors.Is(err, want) {
			t.Errorf("Receive: %v, want %v", err, want)
		}
		c.CloseNow()
	}
}

func seedMaxFrameSize(t *testing.T) {
	p := upgraded(t, websockets.Handle(echo, zero()))
	p.send(masked(0x82, strings.Repeat("a", 1<<20)))
	if _, payload := p.next(); len(payload) != 1<<20 {
		t.Errorf("1 MiB became %d bytes", len(payload))
	}
	wantDropped(p, header(0x82, 1<<20+1))

	o := zero()
	o.MaxFrameSize = 3
	p = upgraded(t, websockets.Handle(echo, o))
	p.send(masked(0x01, "abc") + masked(0x80, "def"))
	p.want("\x81\x06abcdef")
	wantDropped(p, header(0x01, 4))

	o.MaxFrameSize, o.MaxMessageSize = -1, -1
	p = upgraded(t, websockets.Handle(echo, o))
	p.send(header(0x82, 1<<30))
	p.wantNothing()
	wantDropped(upgraded(t, websockets.Handle(echo, o)), header(0x82, 1<<30+1))
	o.MaxFrameSize = 1<<30 + 1
	wantInvalid(t, o, "MaxFrameSize")
}

func seedMaxMessageSize(t *testing.T) {
	const half = 512 << 10
	p := upgraded(t, websockets.Handle(echo, zero()))
	p.send(masked(0x02, strings.Repeat("a", half)) + masked(0x80, strings.Repeat("b", half)))
	if _, payload := p.next(); len(payload) != 1<<20 {
		t.Errorf("1 MiB became %d bytes", len(payload))
	}
	wantDropped(p, masked(0x02, strings.Repeat("a", half))+header(0x80, half+1))

	o := zero()
	o.MaxMessageSize = 3
	p = upgraded(t, websockets.Handle(echo, o))
	p.send(masked(0x02, "ab") + masked(0x80, "c"))
	p.want("\x82\x03abc")
	wantDropped(p, masked(0x02, "ab")+header(0x80, 2))

	o.MaxFrameSize, o.MaxMessageSize = -1, -1
	p = upgraded(t, websockets.Handle(echo, o))
	p.send(masked(0x02, "a") + header(0x80, 1<<30-1))
	p.wantNothing()
	wantDropped(upgraded(t, websockets.Handle(echo, o)), masked(0x02, "a")+header(0x80, 1<<30))
	o.MaxMessageSize = 1<<30 + 1
	wantInvalid(t, o, "MaxMessageSize")
}

// wantDropped sends a frame without its payload, for which the connection is
// dropped.
func wantDropped(p *peer, wire string) {
	p.t.Helper()
	p.send(wire)
	p.wantClose(websockets.MessageTooBig)
	if rest, err := io.ReadAll(p); err != nil || len(rest) > 0 {
		p.t.Errorf("then %q, %v", rest, err)
	}
}

func wantInvalid(t *testing.T, o *websockets.Options, field string) {
	t.Helper()
	e, ok := errors.AsType[*core.ConfigError](o.Validate())
	if !ok || e.Field != field {
		t.Errorf("Validate: %v; want that %s is wrong", e, field)
	}
}
