package websockets_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func TestDialRefusesBadURLs(t *testing.T) {
	for url, want := range map[string]string{
		"":                        "must begin with ws://",
		"localhost:8080":          "must begin with ws://",
		"http//not a url":         `"http//not a url" must begin with ws://`,
		"ftp://localhost/":        "must begin with ws://",
		"ws://":                   "names no host",
		"ws:///path":              "names no host",
		"ws://localhost/#part":    "fragment",
		"ws://localhost:port/":    "invalid port",
		"ws://localhost:99999/":   "from 1 to 65535",
		"ws://localhost:0/":       "from 1 to 65535",
		"127.0.0.1:8080/echo":     "must begin with ws://",
		"ws://user:secret@/":      "names no host",
		"ws://user:secret@h:port": "cannot be parsed",
		"ws://local host/":        "invalid character",
		"ws://bücher.example/":    "must name its host in ASCII",
		"ws://localhost/\r\nX: y": "invalid control character",
	} {
		_, err := websockets.Dial(t.Context(), url, nil)
		if err == nil || !errors.Is(err, websockets.ErrMisuse) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error tells the password: %v", url, err)
		}
	}
}

// However a URL is broken, no error tells a password.
func TestDialTellsNoPassword(t *testing.T) {
	for _, url := range []string{
		"ws://user:secret/pass@localhost/",
		"ws://user:secret#pass@localhost/",
		"ws://user:123#secret@localhost/",
		"ws://user:se%zzcret@localhost/",
		"foo://user:secret@localhost/#part",
		"ws:user:secret@localhost/",
		"user:secret@localhost:80/chat",
		"//user:secret@localhost:80/chat",
		"ws:/user:secret@localhost:80/chat",
	} {
		_, err := websockets.Dial(t.Context(), url, nil)
		if !errors.Is(err, websockets.ErrMisuse) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret@") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// Without a handshake timeout only the caller's context ends a dial, in TLS too.
func TestDialWithoutHandshakeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := strict()
		o.HandshakeTimeout = -1
		o.Proxy = http.ProxyURL(nil)
		o.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs)
			return ours, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		if _, err := websockets.Dial(ctx, "wss://test/", o); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestDialRefused(t *testing.T) {
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Why", "because")
		http.Error(w, "come back tomorrow", http.StatusServiceUnavailable)
	}))
	_, err := websockets.Dial(t.Context(), url, strict())
	he, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok || !errors.Is(err, websockets.ErrHandshake) || he.Status != 503 {
		t.Fatalf("Dial: %#v", err)
	}
	body, _ := io.ReadAll(he.Response.Body)
	if he.Response.Header.Get("X-Why") != "because" || !strings.Contains(string(body), "tomorrow") {
		t.Errorf("response %v, body %q", he.Response, body)
	}
	if !strings.Contains(err.Error(), "503 Service Unavailable") {
		t.Errorf("the error does not tell the status: %v", err)
	}
}

// The body of a refusal may come after its head.
func TestDialRefusedSlowly(t *testing.T) {
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "15")
		w.WriteHeader(http.StatusUnauthorized)
		http.NewResponseController(w).Flush()
		time.Sleep(20 * time.Millisecond)
		io.WriteString(w, "log in, please\n")
	}))
	_, err := websockets.Dial(t.Context(), url, strict())
	he, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(he.Response.Body); string(body) != "log in, please\n" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

// The body of a refusal is shown without the framing of its chunks.
func TestDialRefusedInChunks(t *testing.T) {
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
		http.NewResponseController(w).Flush()
	}))
	_, err := websockets.Dial(t.Context(), url, strict())
	he, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok {
		t.Fatal(err)
	}
	body, err := io.ReadAll(he.Response.Body)
	if string(body) != "short and stout" || err != nil || he.Response.Header.Get("Transfer-Encoding") != "" || he.Response.TransferEncoding[0] != "chunked" {
		t.Errorf("%q, %v, %+v", body, err, he.Response)
	}
}

func TestDialContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = websockets.Dial(ctx, "ws://"+silent.Addr().String(), strict())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Dial: %v", err)
	}
}

// The context of Dial is for dialling alone.
func TestConnectionOutlivesTheContextOfDial(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := websockets.Dial(ctx, serve(t, websockets.Handle(echo, strict())), strict())
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	cancel()
	if err := c.Send(t.Context(), websockets.Text, []byte("still here")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Receive(t.Context()); string(p) != "still here" {
		t.Fatal(err)
	}
}

func TestDialSendsHeaderAndUser(t *testing.T) {
	got := make(chan *http.Request, 1)
	url := serve(t, websockets.Handle(func(_ context.Context, c *websockets.Conn) error {
		got <- c.Request()
		return nil
	}, strict()))
	o := strict()
	o.Header = http.Header{"X-Token": {"abc"}}
	c := dial(t, strings.Replace(url, "ws://", "ws://me:pass@", 1)+"/a%20b?q=ü 1", o)
	defer c.Close(websockets.NormalClosure, "")
	r := <-got
	user, pass, _ := r.BasicAuth()
	if r.Header.Get("X-Token") != "abc" || user != "me" || pass != "pass" || r.RequestURI != "/a%20b?q=%C3%BC%201" {
		t.Errorf("the server saw %v %v, user %q", r.RequestURI, r.Header, user)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(websockets.Handle(echo, strict()))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	o := strict()
	o.TLSConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	o.TLSConfig.NextProtos = []string{"h2", "http/1.1"} // as configurations of HTTP clients have it
	url := "wss" + strings.TrimPrefix(s.URL, "https")
	c := dial(t, url, o)
	want := strings.Repeat("x", 300_000)
	if err := c.Send(t.Context(), websockets.Text, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Receive(t.Context()); string(p) != want {
		t.Fatal(len(p), err)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
	if _, err := websockets.Dial(t.Context(), url, strict()); err == nil {
		t.Error("an unknown certificate was accepted")
	}
}

// AcceptStream and DialStream work on any byte stream, with the same checks.
func TestStreams(t *testing.T) {
	o := strict()
	o.Subprotocols = []string{"chat"}
	server := websockets.Handle(echo, o)
	open := func(t *testing.T, client *websockets.Options) (*websockets.Conn, error) {
		a, b := pipe.New(0)
		go server.ServeStream(context.Background(), a)
		return (&websockets.Dialer{Options: client}).DialStream(t.Context(), b, "ws://example.com/x")
	}
	c, err := open(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subprotocol() != "chat" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	if err := c.Send(t.Context(), websockets.Text, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Receive(t.Context()); string(p) != "hi" {
		t.Fatal(err)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}

	cross := strict()
	cross.Header = http.Header{"Origin": {"http://elsewhere.example"}}
	_, err = open(t, cross)
	he, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok || he.Status != 403 {
		t.Fatalf("another origin: %v", err)
	}
	if body, _ := io.ReadAll(he.Response.Body); string(body) != "<h1>Access denied</h1>" {
		t.Errorf("body %q", body)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// A handler that gives up because its context ended has not failed.
func TestHandlerStoppedFromOutside(t *testing.T) {
	o := strict()
	o.OnError = func(_ *http.Request, err error) { t.Error("reported:", err) }
	ours, theirs := pipe.New(0)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan bool)
	go func() {
		websockets.Handle(echo, o).ServeStream(ctx, ours)
		close(served)
	}()
	c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), theirs, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.GoingAway {
		t.Errorf("the client saw %v", err)
	}
	c.Close(websockets.NormalClosure, "")
	<-served
}

// One timeout bounds connecting, TLS and the handshake.
func TestHandshakeTimeoutOfDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := strict()
	o.HandshakeTimeout = 50 * time.Millisecond
	for _, scheme := range []string{"ws://", "wss://"} {
		start := time.Now()
		_, err = websockets.Dial(t.Context(), scheme+l.Addr().String(), o)
		e, ok := errors.AsType[*websockets.Error](err)
		if !ok || !e.Timeout() || !errors.Is(err, websockets.ErrHandshake) {
			t.Errorf("%s: %v", scheme, err)
		}
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("%s took %v", scheme, d)
		}
	}
}

// The handler of a TLS stream sees what TLS agreed on.
func TestTLSStateOfStreams(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	l, err := tcp.ListenTLS("tcp", "127.0.0.1:0", s.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan *http.Request, 1)
	server := websockets.Handle(func(_ context.Context, c *websockets.Conn) error {
		got <- c.Request()
		return nil
	}, strict())
	go func() {
		if stream, err := l.Accept(); err == nil {
			server.ServeStream(context.Background(), stream)
		}
	}()
	o := strict()
	o.TLSConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
	c := dial(t, "wss://"+l.Addr().String(), o)
	defer c.Close(websockets.NormalClosure, "")
	r := <-got
	if r.TLS == nil || !r.TLS.HandshakeComplete || r.RemoteAddr != c.LocalAddr().String() || c.RemoteAddr().String() != l.Addr().String() {
		t.Errorf("TLS %v, from %q to %v", r.TLS, r.RemoteAddr, c.RemoteAddr())
	}
}
