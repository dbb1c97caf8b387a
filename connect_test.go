package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http2"
)

// rawHTTP2 is a client of HTTP/2 that sends what it likes.
type rawHTTP2 struct {
	*xhttp2.Framer
	t    testing.TB
	conn net.Conn
	next uint32 // stream
}

// dialHTTP2 connects to a server that takes HTTP/2 without TLS.
func dialHTTP2(t testing.TB, url string) *rawHTTP2 {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := &rawHTTP2{Framer: xhttp2.NewFramer(conn, conn), t: t, conn: conn, next: 1}
	r.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	conn.Write([]byte(xhttp2.ClientPreface))
	r.WriteSettings()
	return r
}

// ask sends the header of a request, "name: value" each, and returns the answer.
func (r *rawHTTP2) ask(fields ...string) (stream uint32, status string, h http.Header) {
	r.t.Helper()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, f := range fields {
		i := strings.Index(f[1:], ": ") + 1
		e.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+2:]})
	}
	stream = r.next
	r.next += 2
	if err := r.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
		r.t.Fatal(err)
	}
	switch f := r.frame(stream, xhttp2.FrameHeaders, xhttp2.FrameRSTStream).(type) {
	case *xhttp2.MetaHeadersFrame:
		h = make(http.Header)
		for _, field := range f.RegularFields() {
			h.Add(field.Name, field.Value)
		}
		return stream, f.PseudoValue("status"), h
	case *xhttp2.RSTStreamFrame:
		return stream, f.ErrCode.String(), nil
	}
	return stream, "", nil
}

// frame returns the next frame of a stream that has one of these types.
func (r *rawHTTP2) frame(stream uint32, types ...xhttp2.FrameType) xhttp2.Frame {
	r.t.Helper()
	for {
		f, err := r.ReadFrame()
		if err != nil {
			r.t.Fatal(err)
		}
		if g, ok := f.(*xhttp2.GoAwayFrame); ok {
			r.t.Fatalf("the server gives up the connection: %v", g.ErrCode)
		}
		for _, typ := range types {
			if f.Header().StreamID == stream && f.Header().Type == typ {
				return f
			}
		}
	}
}

// echoes sends a text on an open stream and wants it back.
func (r *rawHTTP2) echoes(stream uint32) {
	r.t.Helper()
	r.WriteData(stream, false, []byte("\x81\x82\x00\x00\x00\x00hi"))
	f := r.frame(stream, xhttp2.FrameData).(*xhttp2.DataFrame)
	if got := string(f.Data()); got != "\x81\x02hi" {
		r.t.Errorf("the echo is %q", got)
	}
}

// connectFields are those of RFC 8441 section 5.1.
func connectFields(change ...string) []string {
	fields := []string{
		":method: CONNECT", ":protocol: websocket", ":scheme: http", ":path: /chat", ":authority: server.example.com",
		"sec-websocket-version: 13", "origin: http://server.example.com",
	}
	for _, c := range change {
		name, value, _ := strings.Cut(c[1:], ": ")
		name = c[:1] + name
		kept := fields[:0:0]
		for _, f := range fields {
			if !strings.HasPrefix(f, name+": ") {
				kept = append(kept, f)
			} else if value != "" {
				kept = append(kept, c)
			}
		}
		fields = kept
		if value != "" && !strings.Contains(strings.Join(fields, "\n"), c) {
			fields = append(fields, c)
		}
	}
	return fields
}

// What is no good gets a clear answer, and the connection goes on.
func TestBadRequestsOverHTTP2(t *testing.T) {
	r := dialHTTP2(t, overNetHTTP(false)(t, websockets.Handle(echo, strict())))
	for _, test := range []struct {
		name   string
		fields []string
		status string
		header string // that the answer has
	}{
		{"no version", connectFields("sec-websocket-version: "), "400", "Sec-Websocket-Version: 13"},
		{"another version", connectFields("sec-websocket-version: 8"), "400", "Sec-Websocket-Version: 13"},
		{"another :protocol", connectFields(":protocol: connect-udp"), "501", ""},
		// RFC 9113 section 8.5: without :protocol there is no :path either.
		{"no :protocol", connectFields(":protocol: "), "PROTOCOL_ERROR", ""},
		{"a plain CONNECT", []string{":method: CONNECT", ":authority: server.example.com:80"}, "501", ""},
		{"GET", []string{":method: GET", ":scheme: http", ":path: /", ":authority: a"}, "405", "Allow: CONNECT"},
		{"POST", []string{":method: POST", ":scheme: http", ":path: /", ":authority: a"}, "405", "Allow: CONNECT"},
		{"another origin", connectFields("origin: https://evil.example"), "403", ""},
		{"a key that is none", connectFields("sec-websocket-key: abc"), "400", ""},
		{"a Host that says something else", connectFields("host: other.example.com"), "400", ""},
		{"a body", connectFields("content-length: 5"), "400", ""},
		{"a field of HTTP/1.1", connectFields("upgrade: websocket"), "400", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			_, status, h := r.ask(test.fields...)
			if status != test.status {
				t.Errorf("the answer is %s, %v; want %s", status, h, test.status)
			}
			if name, value, ok := strings.Cut(test.header, ": "); ok && h.Get(name) != value {
				t.Errorf("%s is %q; want %q", name, h.Get(name), value)
			}
			if h.Get("Upgrade") != "" {
				t.Error("the answer speaks of an upgrade")
			}
			stream, status, _ := r.ask(connectFields()...)
			if status != "200" {
				t.Fatalf("behind it, a request that is good is answered %s", status)
			}
			r.echoes(stream)
		})
	}
}

// A Host field that says the same as :authority, or stands for it, is as good as none
// (RFC 9113 section 8.3.1).
func TestHostOverHTTP2(t *testing.T) {
	r := dialHTTP2(t, overNetHTTP(false)(t, websockets.Handle(echo, strict())))
	for _, fields := range [][]string{
		connectFields("host: server.example.com"),
		connectFields(":authority: ", "host: server.example.com"),
	} {
		stream, status, h := r.ask(fields...)
		if status != "200" {
			t.Errorf("%q is answered %s, %v", fields, status, h)
			continue
		}
		r.echoes(stream)
	}
}

// A client that takes no byte any more keeps nobody from closing, whatever it owes.
func TestClosingOverAConnectionThatTakesNothing(t *testing.T) {
	const sockets = 30
	opened := make(chan *websockets.Conn, sockets)
	o := strict()
	o.CloseTimeout = 300 * time.Millisecond
	s := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		opened <- c
		for {
			if err := c.Send(ctx, websockets.Binary, make([]byte, 64<<10)); err != nil {
				return err
			}
		}
	}, o)
	h := httptest.NewUnstartedServer(s)
	h.Config.Protocols = new(http.Protocols)
	h.Config.Protocols.SetUnencryptedHTTP2(true)
	h.Start()
	defer h.Close()
	r := dialHTTP2(t, "ws"+strings.TrimPrefix(h.URL, "http"))
	defer r.conn.Close()
	r.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 30})
	r.WriteWindowUpdate(0, 1<<30)
	for range sockets {
		var block bytes.Buffer
		e := hpack.NewEncoder(&block)
		for _, f := range connectFields() {
			i := strings.Index(f[1:], ": ") + 1
			e.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+2:]})
		}
		r.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: r.next, BlockFragment: block.Bytes(), EndHeaders: true})
		r.next += 2
	}
	var conns []*websockets.Conn
	for range sockets {
		conns = append(conns, <-opened)
	}
	limit := func(what string, most time.Duration, f func()) {
		t.Helper()
		start := time.Now()
		f()
		if took := time.Since(start); took > most {
			t.Errorf("%s took %v", what, took)
		}
	}
	limit("Close", 2*time.Second, func() { conns[0].Close(websockets.NormalClosure, "") })
	limit("CloseNow", time.Second, func() { conns[1].CloseNow() })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	limit("Shutdown", 2*time.Second, func() { s.Shutdown(ctx) })
}

// Some clients send a key, and want it answered.
func TestAKeyIsAnsweredOverHTTP2(t *testing.T) {
	r := dialHTTP2(t, overNetHTTP(false)(t, websockets.Handle(echo, strict())))
	// The key and the answer of RFC 6455 section 1.3.
	stream, status, h := r.ask(connectFields("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==")...)
	if status != "200" || h.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("%s, %v", status, h)
	}
	r.echoes(stream)
	if _, _, h := r.ask(connectFields()...); h["Sec-Websocket-Accept"] != nil {
		t.Errorf("a key that was not sent is answered: %v", h)
	}
}

// serveHTTP2 serves h over HTTP/2 without TLS.
func serveHTTP2(t *testing.T, h http.Handler) (url string) {
	s := httptest.NewUnstartedServer(h)
	if err := http2.ConfigureServer(s.Config); err != nil {
		t.Fatal(err)
	}
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// Accept in a handler of one's own: it holds the socket until it closes it.
func TestAcceptOverHTTP2(t *testing.T) {
	handled := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Middleware", "1")
		c, err := websockets.Accept(w, r, strict())
		if err != nil {
			handled <- err
			return
		}
		defer c.CloseNow()
		typ, p, err := c.Receive(r.Context())
		if err == nil {
			err = c.Send(r.Context(), typ, p)
		}
		if err == nil {
			err = c.Close(4001, "done")
		}
		handled <- err
	})
	o := strict()
	o.HTTP = websockets.HTTP2
	c := dial(t, serveHTTP2(t, h), o)
	if got := c.Response().Header["X-Middleware"]; len(got) != 1 || got[0] != "1" {
		t.Errorf("the field of a middleware is %q", got)
	}
	c.Send(t.Context(), websockets.Text, []byte("x"))
	if _, p, err := c.Receive(t.Context()); string(p) != "x" {
		t.Errorf("%q, %v", p, err)
	}
	if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != 4001 {
		t.Errorf("%v; want 4001", err)
	}
	if err := <-handled; err != nil {
		t.Errorf("the handler saw %v", err)
	}
}

// A handler that returns before it has closed is a mistake, and not the end of the
// program.
func TestAHandlerThatReturnsTooEarly(t *testing.T) {
	conns := make(chan *websockets.Conn, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websockets.Accept(w, r, strict())
		if err != nil {
			t.Error(err)
		}
		conns <- c
	})
	o := strict()
	o.HTTP = websockets.HTTP2
	c := dial(t, serveHTTP2(t, h), o)
	if _, _, err := c.Receive(t.Context()); !errors.Is(err, websockets.ErrLost) {
		t.Errorf("the client saw %v", err)
	}
	server := <-conns
	if _, _, err := server.Receive(t.Context()); !errors.Is(err, websockets.ErrLost) {
		t.Errorf("receiving: %v", err)
	}
	if err := server.Send(t.Context(), websockets.Text, []byte("late")); !errors.Is(err, websockets.ErrLost) {
		t.Errorf("sending: %v", err)
	}
	server.CloseNow()

	if raceEnabled {
		return // what follows is a race in net/http, by our mistake
	}
	conns = make(chan *websockets.Conn, 100)
	url := serveHTTP2(t, h)
	for range 20 {
		c := dial(t, url, o)
		server := <-conns
		sent := make(chan error)
		go func() {
			var err error
			for err == nil {
				err = server.Send(t.Context(), websockets.Binary, make([]byte, 3000))
			}
			sent <- err
		}()
		if err := <-sent; !errors.Is(err, websockets.ErrLost) {
			t.Errorf("sending: %v", err)
		}
		server.CloseNow()
		c.CloseNow()
	}
}

// A middleware that compresses or buffers what is written leaves the socket alone.
func TestMiddlewareOverHTTP2(t *testing.T) {
	var status int
	ws := websockets.Handle(echo, strict())
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws.ServeHTTP(&garbling{ResponseWriter: w, status: &status}, r)
	})
	o := strict()
	o.HTTP = websockets.HTTP2
	c := dial(t, serveHTTP2(t, h), o)
	c.Send(t.Context(), websockets.Text, []byte("x"))
	if _, p, err := c.Receive(t.Context()); string(p) != "x" {
		t.Errorf("%q, %v", p, err)
	}
	c.Close(websockets.NormalClosure, "")
	if status != http.StatusOK {
		t.Errorf("the middleware saw the status %d", status)
	}
}

type garbling struct {
	http.ResponseWriter
	status *int
}

func (g *garbling) WriteHeader(status int) {
	*g.status = status
	g.ResponseWriter.WriteHeader(status)
}
func (g *garbling) Write(p []byte) (int, error) { return g.ResponseWriter.Write(make([]byte, len(p))) }
func (g *garbling) Unwrap() http.ResponseWriter { return g.ResponseWriter }
