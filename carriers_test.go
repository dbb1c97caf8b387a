package websockets_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http2"
	_ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// A way is one over which a client comes to a server.
type way struct {
	name  string
	proto string // of the response
	serve func(testing.TB, *websockets.Server) (url string)
	set   func(*websockets.Options) // for clients
}

// ways are all of them.
var ways = []way{
	{"HTTP1", "HTTP/1.1", overNetHTTP(true), func(o *websockets.Options) { o.HTTP = websockets.HTTP1 }},
	{"HTTP2", "HTTP/2.0", overNetHTTP(true), func(o *websockets.Options) { o.HTTP = websockets.HTTP2 }},
	{"HTTPAuto", "HTTP/2.0", overNetHTTP(true), func(o *websockets.Options) {}},
	{"HTTP2 without TLS", "HTTP/2.0", overNetHTTP(false), func(o *websockets.Options) { o.HTTP = websockets.HTTP2 }},
	{"HTTP3", "HTTP/3.0", overHTTP3(true), func(o *websockets.Options) { o.Carrier = &http3.Dialer{} }},
	{"HTTP3 on a server as it is", "HTTP/3.0", overHTTP3(false), func(o *websockets.Options) { o.Carrier = &http3.Dialer{} }},
	{"QUIC", "HTTP/1.1", overQUIC, func(o *websockets.Options) { o.Carrier = &quic.Dialer{} }},
}

// overNetHTTP serves on net/http.
func overNetHTTP(secure bool) func(testing.TB, *websockets.Server) string {
	return func(t testing.TB, s *websockets.Server) string {
		t.Helper()
		server := httptest.NewUnstartedServer(s)
		server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
		server.Config.ErrorLog = slog.NewLogLogger(failing{t}, slog.LevelError)
		if err := http2.ConfigureServer(server.Config); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		t.Cleanup(func() { shut(t, s) })
		if secure {
			server.EnableHTTP2 = true
			server.StartTLS()
		} else {
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Start()
		}
		return "ws" + strings.TrimPrefix(server.URL, "http")
	}
}

// failing is a log that must stay empty.
type failing struct{ testing.TB }

func (f failing) Enabled(context.Context, slog.Level) bool { return true }
func (f failing) Handle(_ context.Context, r slog.Record) error {
	if !strings.Contains(r.Message, "TLS handshake error") { // which is the client's affair
		f.Errorf("the server logs %s", r.Message)
	}
	return nil
}
func (f failing) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f failing) WithGroup(string) slog.Handler      { return f }

// shut closes all sockets of a server.
func shut(t testing.TB, s *websockets.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("the server has not shut down: %v", err)
	}
}

// certificate is that of httptest, which is for 127.0.0.1.
var certificate = sync.OnceValue(func() tls.Certificate {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates[0]
})

func overHTTP3(configured bool) func(testing.TB, *websockets.Server) string {
	return func(t testing.TB, s *websockets.Server) string {
		t.Helper()
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &h3.Server{Handler: s, TLSConfig: h3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate()}})}
		if configured {
			http3.ConfigureServer(server)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(socket) }()
		t.Cleanup(func() {
			shut(t, s)
			server.Close()
			socket.Close()
			<-served
		})
		return "wss://" + socket.LocalAddr().String()
	}
}

func overQUIC(t testing.TB, s *websockets.Server) string {
	t.Helper()
	l, err := quic.Listen("127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		shut(t, s)
		<-served
		l.Abort()
		<-l.Done()
	})
	return "wss://" + l.Addr().String()
}

// start serves h with the options that set changes.
func (w way) start(t testing.TB, h websockets.HandlerFunc, set func(*websockets.Options)) (url string) {
	t.Helper()
	o := strict()
	if set != nil {
		set(o)
	}
	return w.serve(t, websockets.Handle(h, o))
}

// client returns options for a client.
func (w way) client() *websockets.Options {
	o := strict()
	o.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	w.set(o)
	return o
}

// overAll runs a test over all ways.
func overAll(t *testing.T, test func(t *testing.T, w way)) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}

func TestEchoOverAll(t *testing.T) {
	overAll(t, func(t *testing.T, w way) {
		c := dial(t, w.start(t, echo, nil)+"/path?query=1", w.client())
		if c.Response().Proto != w.proto {
			t.Errorf("the response is of %s; want %s", c.Response().Proto, w.proto)
		}
		if c.RemoteAddr() == nil || c.LocalAddr() == nil {
			t.Errorf("from %v to %v", c.LocalAddr(), c.RemoteAddr())
		}
		for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
			for _, typ := range []websockets.MessageType{websockets.Text, websockets.Binary} {
				sent := bytes.Repeat([]byte("x"), size)
				if err := c.Send(t.Context(), typ, sent); err != nil {
					t.Fatal(err)
				}
				if got, p, err := c.Receive(t.Context()); err != nil || got != typ || !bytes.Equal(p, sent) {
					t.Fatalf("%d bytes: %v, %d bytes, %v", size, got, len(p), err)
				}
			}
		}
		if rtt, err := c.Ping(t.Context()); err != nil || rtt <= 0 {
			t.Errorf("ping: %v, %v", rtt, err)
		}
		// The server's timeouts, 300 ms, are none of the socket's.
		time.Sleep(400 * time.Millisecond)
		if err := c.Send(t.Context(), websockets.Text, []byte("late")); err != nil {
			t.Fatal(err)
		}
		if _, p, err := c.Receive(t.Context()); err != nil || string(p) != "late" {
			t.Errorf("%q, %v", p, err)
		}
		if err := c.Close(websockets.NormalClosure, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestTheRequestOverAll(t *testing.T) {
	type seen struct {
		r      *http.Request
		remote net.Addr
		local  net.Addr
	}
	set := func(o *websockets.Options) {
		o.Subprotocols = []string{"b"}
		o.Header = http.Header{"X-Server": {"1"}, "Set-Cookie": {"k=v"}}
	}
	overAll(t, func(t *testing.T, w way) {
		requests := make(chan seen, 1)
		url := w.start(t, func(_ context.Context, c *websockets.Conn) error {
			requests <- seen{c.Request(), c.RemoteAddr(), c.LocalAddr()}
			return nil
		}, set)
		jar, _ := cookiejar.New(nil)
		client := w.client()
		client.Subprotocols = []string{"a", "b"}
		client.Header = http.Header{"X-Client": {"1", "2"}, "Origin": {strings.Replace(url, "ws", "http", 1)}}
		client.Jar = jar
		c := dial(t, url+"/%C3%A9?q=%20", client)
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.NormalClosure {
			t.Error(err)
		}
		s := <-requests
		if got := fmt.Sprint(s.r.URL.Path, " ", s.r.URL.RawQuery, " ", s.r.RequestURI, " ", s.r.Header["X-Client"]); got != "/é q=%20 /%C3%A9?q=%20 [1 2]" {
			t.Errorf("the server saw %s", got)
		}
		if s.r.Host != strings.TrimPrefix(strings.TrimPrefix(url, "wss://"), "ws://") {
			t.Errorf("host %q", s.r.Host)
		}
		if (s.r.TLS != nil) != strings.HasPrefix(url, "wss") {
			t.Errorf("TLS %v", s.r.TLS)
		}
		if s.remote == nil || s.local == nil || s.remote.String() != s.r.RemoteAddr {
			t.Errorf("from %v, %q, to %v", s.remote, s.r.RemoteAddr, s.local)
		}
		if p, err := io.ReadAll(s.r.Body); len(p) > 0 || err != nil {
			t.Errorf("the request has a body: %q, %v", p, err)
		}
		if err := s.r.Context().Err(); err != nil {
			t.Errorf("the context of the request: %v", err)
		}
		r := c.Response()
		if c.Subprotocol() != "b" || r.Header.Get("X-Server") != "1" || r.Header.Get("Sec-WebSocket-Protocol") != "b" {
			t.Errorf("the client saw %q, %v", c.Subprotocol(), r.Header)
		}
		if cookies := jar.Cookies(r.Request.URL); len(cookies) != 1 {
			t.Errorf("cookies %v", cookies)
		}
		if (r.TLS != nil) != strings.HasPrefix(url, "wss") {
			t.Errorf("TLS at the client: %v", r.TLS)
		}
	})
}

func TestRefusalsOverAll(t *testing.T) {
	deny := func(o *websockets.Options) {
		o.AccessDenied = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Why", r.URL.Path)
			http.Error(w, "not today", http.StatusTeapot)
		})
		o.AcceptConnection = func(r *http.Request) bool { return r.URL.Path == "/yes" }
	}
	overAll(t, func(t *testing.T, w way) {
		url := w.start(t, echo, deny)
		d := &websockets.Dialer{Options: w.client()}
		for range 2 {
			_, err := d.Dial(t.Context(), url+"/no")
			e, ok := errors.AsType[*websockets.HandshakeError](err)
			if !ok || e.Status != http.StatusTeapot || e.Response == nil || e.Response.Header.Get("X-Why") != "/no" {
				t.Fatalf("%v", err)
			}
			if body, _ := io.ReadAll(e.Response.Body); string(body) != "not today\n" {
				t.Errorf("body %q", body)
			}
			if !strings.Contains(err.Error(), "418") {
				t.Errorf("the error does not tell the status: %v", err)
			}
		}
		c, err := d.Dial(t.Context(), url+"/yes")
		if err != nil {
			t.Fatal(err)
		}
		c.Close(websockets.NormalClosure, "")
	})
}

// How either side ends is what the other one sees.
func TestEndsOverAll(t *testing.T) {
	overAll(t, func(t *testing.T, w way) {
		results := make(chan error, 1)
		url := w.start(t, func(ctx context.Context, c *websockets.Conn) error {
			switch c.Request().URL.Path {
			case "/return":
				return nil
			case "/fail":
				return errors.New("mine")
			case "/panic":
				panic("mine")
			case "/cut":
				c.Receive(ctx)
				c.CloseNow()
				return nil
			case "/flood":
				for {
					if err := c.Send(ctx, websockets.Binary, make([]byte, 32<<10)); err != nil {
						return err
					}
				}
			case "/last":
				c.Send(ctx, websockets.Text, bytes.Repeat([]byte("z"), 300<<10))
				return c.Close(4000, "good bye")
			}
			_, _, err := c.Receive(ctx)
			if c.Request().URL.Path == "/tell" {
				results <- err
			}
			return err
		}, func(o *websockets.Options) { o.MaxMessageSize = 1000 })
		d := &websockets.Dialer{Options: w.client()}
		open := func(path string) *websockets.Conn {
			t.Helper()
			c, err := d.Dial(t.Context(), url+path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.CloseNow() })
			return c
		}
		for path, want := range map[string]websockets.CloseCode{
			"/return": websockets.NormalClosure, "/fail": websockets.InternalError, "/panic": websockets.InternalError,
		} {
			if _, _, err := open(path).Receive(t.Context()); websockets.CloseStatus(err) != want {
				t.Errorf("%s: %v; want %v", path, err, want)
			}
		}
		c := open("/cut")
		c.Send(t.Context(), websockets.Text, nil)
		if _, _, err := c.Receive(t.Context()); !errors.Is(err, websockets.ErrLost) {
			t.Errorf("a server that cuts: %v", err)
		}
		c = open("/last")
		if _, p, err := c.Receive(t.Context()); len(p) != 300<<10 || err != nil {
			t.Errorf("the last message: %d bytes, %v", len(p), err)
		}
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != 4000 || !strings.Contains(err.Error(), "good bye") {
			t.Errorf("behind it: %v", err)
		}
		c = open("/tell")
		if err := c.Close(3001, "bye"); err != nil {
			t.Error(err)
		}
		if err := <-results; websockets.CloseStatus(err) != 3001 {
			t.Errorf("the server saw %v; want 3001", err)
		}
		open("/tell").CloseNow()
		if err := <-results; !errors.Is(err, websockets.ErrLost) {
			t.Errorf("a client that cuts: %v", err)
		}
		c = open("/tell")
		c.Send(t.Context(), websockets.Text, make([]byte, 1001))
		if err := <-results; !errors.Is(err, websockets.ErrMessageTooLarge) {
			t.Errorf("too large: %v", err)
		}
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.MessageTooBig {
			t.Errorf("the client saw %v; want 1009", err)
		}
		open("/flood").CloseNow() // the handler ends, or the server could not shut down
	})
}

func TestShutdownOverAll(t *testing.T) {
	overAll(t, func(t *testing.T, w way) {
		s := websockets.Handle(echo, strict())
		url := w.serve(t, s)
		d := &websockets.Dialer{Options: w.client()}
		var conns []*websockets.Conn
		for range 5 {
			c, err := d.Dial(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
		}
		var wg sync.WaitGroup
		for _, c := range conns {
			wg.Go(func() {
				if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.GoingAway {
					t.Errorf("the client saw %v; want 1001", err)
				}
				c.Close(websockets.NormalClosure, "")
			})
		}
		shut(t, s)
		wg.Wait()
	})
}

// A dead peer is noticed, whatever carries it.
func TestSilenceOverAll(t *testing.T) {
	overAll(t, func(t *testing.T, w way) {
		ended := make(chan error, 1)
		url := w.start(t, func(ctx context.Context, c *websockets.Conn) error {
			_, _, err := c.Receive(ctx)
			ended <- err
			return err
		}, func(o *websockets.Options) {
			o.PingInterval, o.ConnectionTimeout = 50*time.Millisecond, 200*time.Millisecond
		})
		client := w.client()
		client.DropIncomingPings, client.PingInterval = websockets.On, -1
		c := dial(t, url, client)
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.GoingAway {
			t.Errorf("the client saw %v; want 1001", err)
		}
		if err := <-ended; !errors.Is(err, websockets.ErrConnectionTimeout) {
			t.Errorf("the server saw %v; want a connection timeout", err)
		}
	})
}
