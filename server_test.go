package websockets_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func TestHandleEchoes(t *testing.T) {
	c := dial(t, serve(t, websockets.Handle(echo, strict())), strict())
	for _, typ := range []websockets.MessageType{websockets.Text, websockets.Binary} {
		for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
			want := strings.Repeat("a", n)
			if err := c.Send(t.Context(), typ, []byte(want)); err != nil {
				t.Fatal(err)
			}
			got, p, err := c.Receive(t.Context())
			if err != nil || got != typ || string(p) != want {
				t.Fatalf("%v of %d bytes: received %v of %d, %v", typ, n, got, len(p), err)
			}
		}
	}
	if err := c.Close(websockets.NormalClosure, "bye"); err != nil {
		t.Error(err)
	}
}

// How Handle closes, by what the handler does.
func TestHandleAlwaysCloses(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name    string
		handler websockets.HandlerFunc
		code    websockets.CloseCode
		report  bool
	}{
		{"returns nil", func(context.Context, *websockets.Conn) error { return nil }, websockets.NormalClosure, false},
		{"returns an error", func(context.Context, *websockets.Conn) error { return boom }, websockets.InternalError, true},
		{"panics", func(context.Context, *websockets.Conn) error { panic("boom") }, websockets.InternalError, true},
		{"misuses the connection", func(ctx context.Context, c *websockets.Conn) error {
			return c.Send(ctx, 7, nil)
		}, websockets.InternalError, true},
		{"closes itself", func(_ context.Context, c *websockets.Conn) error {
			return c.Close(4000, "mine")
		}, 4000, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reported := make(chan error, 1)
			o := strict()
			o.OnError = func(_ *http.Request, err error) { reported <- err }
			server := websockets.Handle(test.handler, o)
			c := dial(t, serve(t, server), strict())
			_, _, err := c.Receive(t.Context())
			if got := websockets.CloseStatus(err); got != test.code {
				t.Errorf("the client saw %v, want code %v", err, test.code)
			}
			c.Close(websockets.NormalClosure, "")
			if err := server.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := len(reported) == 1; got != test.report {
				t.Errorf("reported: %v, want %v", got, test.report)
			}
		})
	}
}

func TestPropagateCommonErrors(t *testing.T) {
	reported := make(chan error, 1)
	o := strict()
	o.PropagateCommonErrors = true
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	r, _ := rawDial(t, serve(t, websockets.Handle(echo, o)), validRequest)
	r.send("\xc1\x80\x00\x00\x00\x00") // RSV1
	err := <-reported
	for _, kind := range []websockets.Kind{websockets.ErrReservedBits, websockets.ErrProtocol} {
		if !errors.Is(err, kind) {
			t.Errorf("%v is not %v", err, kind)
		}
	}
	e, ok := errors.AsType[*websockets.Error](err)
	if !ok || e.Code != websockets.ProtocolError || !e.Remote {
		t.Errorf("reported %#v", err)
	}
}

func TestRefusals(t *testing.T) {
	url := serve(t, websockets.Handle(echo, strict()))
	tests := []struct {
		name, head string
		status     int
		header     [2]string
	}{
		{"version", strings.Replace(validRequest, "Version: 13", "Version: 8", 1), 426, [2]string{"Sec-Websocket-Version", "13"}},
		{"no upgrade", strings.Replace(validRequest, "Upgrade: websocket\r\n", "", 1), 426, [2]string{"Upgrade", "websocket"}},
		{"method", strings.Replace(validRequest, "GET", "POST", 1), 405, [2]string{"Allow", "GET"}},
		{"key", strings.Replace(validRequest, "dGhlIHNhbXBsZSBub25jZQ==", "short", 1), 400, [2]string{}},
		{"body", validRequest + "Content-Length: 5\r\n", 400, [2]string{}},
		{"chunked body", validRequest + "Transfer-Encoding: chunked\r\n", 400, [2]string{}},
		{"too many fields", validRequest + strings.Repeat("X: y\r\n", 130), 431, [2]string{}},
		{"origin", validRequest + "Origin: https://elsewhere.example\r\n", 403, [2]string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, resp := rawDial(t, url, test.head)
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
			if name := test.header[0]; name != "" && resp.Header.Get(name) != test.header[1] {
				t.Errorf("%s: %q, want %q", name, resp.Header.Get(name), test.header[1])
			}
		})
	}
}

// The first defect of the library that this one descends from: a refused client
// was answered with 403 or 426 and upgraded all the same.
func TestSeedDefect01RefusedIsNotUpgraded(t *testing.T) {
	ran := new(atomic.Bool)
	url := serve(t, websockets.Handle(func(context.Context, *websockets.Conn) error { ran.Store(true); return nil }, strict()))
	for _, head := range []string{
		validRequest + "Origin: http://elsewhere.example\r\nConnection: close\r\n",
		strings.Replace(validRequest, "Version: 13", "Version: 12", 1) + "Connection: close\r\n",
	} {
		r, resp := rawDial(t, url, head)
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode/100 != 4 || len(body) == 0 {
			t.Errorf("status %d, body %q, %v", resp.StatusCode, body, err)
		}
		r.wantEOF("nothing may follow the refusal")
	}
	if ran.Load() {
		t.Error("the handler ran")
	}
}

func TestAccessDenied(t *testing.T) {
	o := strict()
	o.AcceptConnection = func(r *http.Request) bool { return r.URL.Path == "/open" }
	_, resp := rawDial(t, serve(t, websockets.Handle(echo, o)), validRequest)
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 403 || string(body) != "<h1>Access denied</h1>" {
		t.Errorf("by default: %d %q", resp.StatusCode, body)
	}
	o.AccessDenied = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	_, resp = rawDial(t, serve(t, websockets.Handle(echo, o)), validRequest)
	if resp.StatusCode != http.StatusTeapot {
		t.Errorf("own answer: %d", resp.StatusCode)
	}
}

// A server of its own mind chooses by the request, on net/http and on streams.
func TestChooseSubprotocol(t *testing.T) {
	o := strict()
	o.ChooseSubprotocol = func(r *http.Request, offered []string) string {
		switch choice := r.URL.Query().Get("want"); choice {
		case "last":
			return offered[len(offered)-1]
		case "panic":
			panic("no choice")
		default:
			return choice
		}
	}
	server := websockets.Handle(echo, o)
	client := strict()
	client.Subprotocols = []string{"v1", "v2"}
	dialer := &websockets.Dialer{Options: client}
	for _, test := range []struct {
		want, chosen string
		status       int
	}{{"last", "v2", 0}, {"", "", 0}, {"v1", "v1", 0}, {"v3", "", 500}, {"panic", "", 500}} {
		a, b := pipe.New(0)
		go server.ServeStream(t.Context(), a)
		overPipe, pipeErr := dialer.DialStream(t.Context(), b, "ws://test/?want="+test.want)
		overHTTP, httpErr := dialer.Dial(t.Context(), serve(t, server)+"/?want="+test.want)
		for _, err := range []error{pipeErr, httpErr} {
			if e, _ := errors.AsType[*websockets.HandshakeError](err); (err != nil) != (test.status != 0) || e != nil && e.Status != test.status {
				t.Errorf("%q: %v", test.want, err)
			}
		}
		for _, c := range []*websockets.Conn{overPipe, overHTTP} {
			if c != nil && c.Subprotocol() != test.chosen {
				t.Errorf("%q: chose %q", test.want, c.Subprotocol())
			}
			if c != nil {
				c.CloseNow()
			}
		}
	}
}

func TestSubprotocols(t *testing.T) {
	server := strict()
	server.Subprotocols = []string{"v2", "v1"}
	url := serve(t, websockets.Handle(echo, server))
	for _, test := range []struct {
		offer []string
		want  string
	}{{[]string{"v1", "v2"}, "v2"}, {[]string{"v1"}, "v1"}, {[]string{"v9"}, ""}, {nil, ""}} {
		client := strict()
		client.Subprotocols = test.offer
		if got := dial(t, url, client).Subprotocol(); got != test.want {
			t.Errorf("offered %q: chose %q, want %q", test.offer, got, test.want)
		}
	}
}

func TestInvalidOptionsSendNothing(t *testing.T) {
	o := strict()
	o.MaxMessageSize = 1<<30 + 1
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "MaxMessageSize") {
		t.Errorf("Validate: %v", err)
	}
	_, resp := rawDial(t, serve(t, websockets.Handle(echo, o)), validRequest)
	if resp.StatusCode != 500 {
		t.Errorf("a server answers %d", resp.StatusCode)
	}
	if _, err := websockets.Dial(t.Context(), "ws://127.0.0.1:1", o); err == nil || !strings.Contains(err.Error(), "MaxMessageSize") {
		t.Errorf("Dial: %v", err)
	}
}

func TestShutdown(t *testing.T) {
	server := websockets.Handle(echo, strict())
	url := serve(t, server)
	const n = 100
	var clients sync.WaitGroup
	for range n {
		c := dial(t, url, strict())
		clients.Go(func() {
			for {
				if _, _, err := c.Receive(t.Context()); err != nil {
					if code := websockets.CloseStatus(err); code != websockets.GoingAway {
						t.Errorf("the client saw %v", err)
					}
					return
				}
			}
		})
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	clients.Wait()
	if _, resp := rawDial(t, url, validRequest); resp.StatusCode != 503 {
		t.Errorf("after Shutdown: %d, want 503", resp.StatusCode)
	}
}

func TestShutdownCutsWhoDoesNotClose(t *testing.T) {
	server := websockets.Handle(echo, strict())
	r, _ := rawDial(t, serve(t, server), validRequest)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	r.want("going away", "\x88\x02\x03\xe9")
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection was not cut")
	}
}

func TestAcceptWithoutHandle(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websockets.Accept(w, r, strict())
		if err != nil {
			return
		}
		if c.Request().URL.Path != "/somewhere" {
			t.Errorf("request for %v", c.Request().URL)
		}
		go func() {
			defer c.CloseNow()
			echo(context.Background(), c)
		}()
	})
	c := dial(t, serve(t, h)+"/somewhere", strict())
	if err := c.Send(t.Context(), websockets.Text, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Receive(t.Context()); string(p) != "hi" || err != nil {
		t.Fatal(p, err)
	}
	if _, err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestServerWithoutHandler(t *testing.T) {
	o := strict()
	server := &websockets.Server{Options: o}
	c := dial(t, serve(t, server), strict())
	if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
		t.Errorf("the client saw %v", err)
	}
	_, resp := rawDial(t, serve(t, &websockets.Server{}), "GET / HTTP/1.1\r\nHost: x\r\n")
	if resp.StatusCode != 426 {
		t.Errorf("the zero Server answers %d", resp.StatusCode)
	}
}

func TestResponseHeader(t *testing.T) {
	o := strict()
	o.Header = http.Header{"X-All": {"1"}}
	sockets := websockets.Handle(echo, o)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Content-Length", "7")
		w.Header().Set("Sec-WebSocket-Accept", "mine")
		sockets.ServeHTTP(w, r)
	}))
	h := dial(t, url, strict()).Response().Header
	if h.Get("X-All") != "1" || h.Get("Set-Cookie") != "a=b" || h.Get("Content-Length") != "" {
		t.Errorf("response header %v", h)
	}
}
