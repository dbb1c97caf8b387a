package websockets_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// oldHTTP2 serves HTTP/2 without extended CONNECT, and HTTP/1.1 as s does. It counts
// the connections on which each was agreed.
func oldHTTP2(t *testing.T, s *websockets.Server, protocols ...string) (url string, counted map[string]*atomic.Int32) {
	t.Helper()
	counted = map[string]*atomic.Int32{"h2": {}, "http/1.1": {}, "": {}}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate()}, NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		shut(t, s)
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if conn.(*tls.Conn).Handshake() != nil {
					return
				}
				protocol := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol
				counted[protocol].Add(1)
				if protocol == "h2" {
					io.WriteString(conn, "\x00\x00\x00\x04\x00\x00\x00\x00\x00") // SETTINGS that are empty
					io.Copy(io.Discard, conn)
					return
				}
				stream, err := tcp.FromConn(conn, nil)
				if err != nil {
					t.Error(err)
					return
				}
				s.ServeStream(context.Background(), stream)
			})
		}
	})
	return "wss://" + l.Addr().String(), counted
}

func trusting() *websockets.Options {
	o := strict()
	o.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	return o
}

// A server that takes no WebSockets over HTTP/2 is asked over HTTP/1.1, and the
// second time at once.
func TestHTTP1WhereHTTP2TakesNoWebSockets(t *testing.T) {
	url, counted := oldHTTP2(t, websockets.Handle(echo, strict()), "h2", "http/1.1")
	d := &websockets.Dialer{Options: trusting()}
	for range 3 {
		c, err := d.Dial(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if c.Response().ProtoMajor != 1 {
			t.Errorf("the response is of %s", c.Response().Proto)
		}
		c.Close(websockets.NormalClosure, "")
	}
	if h2, h1 := counted["h2"].Load(), counted["http/1.1"].Load(); h2 != 1 || h1 != 3 {
		t.Errorf("%d connections of HTTP/2 and %d of HTTP/1.1; want 1 and 3", h2, h1)
	}
}

// Many at once do not all ask.
func TestOneAsksForHTTP2(t *testing.T) {
	url, counted := oldHTTP2(t, websockets.Handle(echo, strict()), "h2", "http/1.1")
	d := &websockets.Dialer{Options: trusting()}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			c, err := d.Dial(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			c.Close(websockets.NormalClosure, "")
		})
	}
	wg.Wait()
	if h2, h1 := counted["h2"].Load(), counted["http/1.1"].Load(); h2 != 1 || h1 != 20 {
		t.Errorf("%d connections of HTTP/2 and %d of HTTP/1.1; want 1 and 20", h2, h1)
	}
}

// The connection on which a server agrees to HTTP/1.1 is the one that is used.
func TestHTTP1OnTheConnectionThatWasAsked(t *testing.T) {
	for _, protocols := range [][]string{{"http/1.1"}, nil} {
		url, counted := oldHTTP2(t, websockets.Handle(echo, strict()), protocols...)
		c := dial(t, url, trusting())
		c.Send(t.Context(), websockets.Text, []byte("x"))
		if _, p, err := c.Receive(t.Context()); string(p) != "x" {
			t.Errorf("%q, %v", p, err)
		}
		c.Close(websockets.NormalClosure, "")
		if n := counted["http/1.1"].Load() + counted[""].Load(); n != 1 {
			t.Errorf("%d connections to a server that offers %q; want 1", n, protocols)
		}
	}
}

func TestHTTP2ThatIsForced(t *testing.T) {
	o := trusting()
	o.HTTP = websockets.HTTP2
	for name, test := range map[string]struct {
		protocols []string
		want      string
	}{
		"a server of HTTP/1.1":      {[]string{"http/1.1"}, "the server does not speak HTTP/2"},
		"a server without ALPN":     {nil, "the server does not speak HTTP/2"},
		"HTTP/2 without WebSockets": {[]string{"h2"}, "extended CONNECT"},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := oldHTTP2(t, websockets.Handle(echo, strict()), test.protocols...)
			_, err := websockets.Dial(t.Context(), url, o)
			if !errors.Is(err, websockets.ErrHandshake) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want one that tells %q", err, test.want)
			}
			if errors.Is(err, http2.ErrNoExtendedConnect) != (name == "HTTP/2 without WebSockets") {
				t.Errorf("%v is no http2.ErrNoExtendedConnect, or is one", err)
			}
		})
	}
}

// The sockets of one Dialer share a connection, which ends with the last of them.
func TestSocketsShareAConnection(t *testing.T) {
	peers := make(chan string, 100)
	url := overNetHTTP(true)(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		peers <- c.Request().RemoteAddr
		return echo(ctx, c)
	}, strict()))
	var dialled, open atomic.Int32
	o := trusting()
	o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialled.Add(1)
		open.Add(1)
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &counting{Conn: c, open: &open}, err
	}
	d := &websockets.Dialer{Options: o}
	for round := range int32(2) {
		var wg sync.WaitGroup
		conns := make([]*websockets.Conn, 50)
		for i := range conns {
			wg.Go(func() {
				var err error
				if conns[i], err = d.Dial(t.Context(), url); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := dialled.Load(); n != round+1 {
			t.Fatalf("%d connections after round %d; want one a round", n, round)
		}
		first := <-peers
		for range len(conns) - 1 {
			if p := <-peers; p != first {
				t.Errorf("a socket from %s, another from %s", first, p)
			}
		}
		for _, c := range conns {
			wg.Go(func() {
				if err := c.Close(websockets.NormalClosure, ""); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for wait := time.Now(); open.Load() > 0; time.Sleep(time.Millisecond) {
			if time.Since(wait) > 10*time.Second {
				t.Fatal("the connection outlives its last socket")
			}
		}
	}
}

type counting struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

func (c *counting) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// HTTP/2 goes through proxies, and sockets that go through different ones share
// nothing.
func TestHTTP2ThroughAProxy(t *testing.T) {
	url := overNetHTTP(true)(t, websockets.Handle(echo, strict()))
	proxy := fakeProxy(t, nil, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(server, conn)
			server.Close()
		}()
		io.Copy(conn, server)
	})
	o := trusting()
	o.HTTP = websockets.HTTP2
	through := proxy
	o.Proxy = func(r *http.Request) (*neturl.URL, error) {
		if through == "" {
			return nil, nil
		}
		return &neturl.URL{Scheme: "http", Host: through}, nil
	}
	d := &websockets.Dialer{Options: o}
	var addrs []string
	for _, through = range []string{proxy, "", proxy} {
		c, err := d.Dial(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		c.Send(t.Context(), websockets.Text, []byte("x"))
		if _, p, err := c.Receive(t.Context()); string(p) != "x" {
			t.Errorf("%q, %v", p, err)
		}
		addrs = append(addrs, c.LocalAddr().String())
	}
	if addrs[0] != addrs[2] || addrs[0] == addrs[1] {
		t.Errorf("local addresses through, without and through the proxy: %q", addrs)
	}
}

func TestRedirectsOverHTTP2(t *testing.T) {
	target := overNetHTTP(true)(t, websockets.Handle(echo, strict()))
	o := strict()
	o.AcceptConnection = func(*http.Request) bool { return false }
	o.AccessDenied = http.RedirectHandler(strings.Replace(target, "wss", "https", 1)+"/there", http.StatusFound)
	from := overNetHTTP(true)(t, websockets.Handle(echo, o))
	client := trusting()
	client.HTTP = websockets.HTTP2
	c := dial(t, from, client)
	if got := c.Response().Request.URL.Path; got != "/there" {
		t.Errorf("arrived at %s", got)
	}
	c.Close(websockets.NormalClosure, "")
}

// Options that contradict each other, or mean nothing.
func TestOptionsOfCarriers(t *testing.T) {
	for _, o := range []*websockets.Options{
		{HTTP: 7},
		{HTTP: websockets.HTTP1, Carrier: nothing{}},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "HTTP") {
			t.Errorf("%v; want an error about HTTP", err)
		}
	}
	_, err := websockets.Dial(t.Context(), "wss://localhost", &websockets.Options{Carrier: nothing{}})
	if !errors.Is(err, websockets.ErrHandshake) || !strings.Contains(err.Error(), "neither a stream nor an error") {
		t.Errorf("a Carrier that opens nothing: %v", err)
	}
}

type nothing struct{}

func (nothing) OpenStream(context.Context, *http.Request, *tls.Config) (transport.Stream, *http.Response, error) {
	return nil, nil, nil
}

// A connection that has gone dark is left for another, as soon as one Dial has found
// out.
func TestADarkConnectionIsLeft(t *testing.T) {
	url := overNetHTTP(true)(t, websockets.Handle(echo, strict()))
	var conns []*freezing
	o := trusting()
	o.HandshakeTimeout = 1500 * time.Millisecond
	o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		f := &freezing{Conn: conn, closed: make(chan struct{})}
		conns = append(conns, f)
		return f, err
	}
	d := &websockets.Dialer{Options: o}
	first, err := d.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer first.CloseNow()
	conns[0].frozen.Store(true)
	if _, err := d.Dial(t.Context(), url); !errors.Is(err, core.ErrHandshakeTimeout) {
		t.Errorf("on a dark connection: %v", err)
	}
	c, err := d.Dial(t.Context(), url)
	if err != nil || len(conns) != 2 {
		t.Fatalf("after that: %v, %d connections", err, len(conns))
	}
	c.Close(websockets.NormalClosure, "")
}

// A freezing connection may go dark: what is written is lost, and nothing comes.
type freezing struct {
	net.Conn
	frozen atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (f *freezing) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if f.frozen.Load() {
		<-f.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (f *freezing) Write(p []byte) (int, error) {
	if f.frozen.Load() {
		return len(p), nil
	}
	return f.Conn.Write(p)
}

func (f *freezing) Close() error {
	f.once.Do(func() { close(f.closed) })
	return f.Conn.Close()
}

// Handlers that know only HTTP/1.1 are found, on a server that takes extended CONNECT
// for others.
func TestHandlersThatKnowOnlyHTTP1(t *testing.T) {
	ws := websockets.Handle(echo, strict())
	mux := http.NewServeMux()
	mux.Handle("GET /get", ws)
	mux.HandleFunc("/bad", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			http.Error(w, "no upgrade", http.StatusBadRequest)
			return
		}
		ws.ServeHTTP(w, r)
	})
	s := httptest.NewUnstartedServer(mux)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	defer shut(t, ws)
	url := "wss" + strings.TrimPrefix(s.URL, "https")
	for _, path := range []string{"/get", "/bad"} {
		c, err := websockets.Dial(t.Context(), url+path, trusting())
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if c.Response().ProtoMajor != 1 {
			t.Errorf("%s: over %s", path, c.Response().Proto)
		}
		c.Close(websockets.NormalClosure, "")
		o := trusting()
		o.HTTP = websockets.HTTP2
		if _, err := websockets.Dial(t.Context(), url+path, o); !errors.Is(err, websockets.ErrHandshake) {
			t.Errorf("%s, over HTTP/2: %v", path, err)
		}
	}
}

// What tells connections apart: nobody comes on a connection that was opened for
// another proxy's credentials, or that may show a client certificate which a redirect
// has lost the right to.
func TestConnectionsAreToldApart(t *testing.T) {
	keys := map[string]string{}
	for name, key := range map[string]string{
		"plain":                 websockets.ConnKey("wss://a.example/", "", false),
		"without TLS":           websockets.ConnKey("ws://a.example:443/", "", false),
		"another host":          websockets.ConnKey("wss://b.example/", "", false),
		"another port":          websockets.ConnKey("wss://a.example:444/", "", false),
		"after a redirect":      websockets.ConnKey("wss://a.example/", "", true),
		"through a proxy":       websockets.ConnKey("wss://a.example/", "http://p:1", false),
		"through another":       websockets.ConnKey("wss://a.example/", "http://p:2", false),
		"as somebody":           websockets.ConnKey("wss://a.example/", "http://me:x@p:1", false),
		"as somebody else":      websockets.ConnKey("wss://a.example/", "http://you:x@p:1", false),
		"with another secret":   websockets.ConnKey("wss://a.example/", "http://me:y@p:1", false),
		"through a TLS proxy":   websockets.ConnKey("wss://a.example/", "https://p:1", false),
		"through a SOCKS proxy": websockets.ConnKey("wss://a.example/", "socks5://p:1", false),
	} {
		if other, ok := keys[key]; ok {
			t.Errorf("%s and %s share connections", name, other)
		}
		keys[key] = name
	}
	if websockets.ConnKey("wss://a.example/x", "", false) != websockets.ConnKey("wss://a.example:443/y", "", false) {
		t.Error("two paths of one server share no connection")
	}
}
