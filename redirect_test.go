package websockets_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A web is all hosts of a test: two servers, of which the one on port 443
// speaks TLS, answer for every name.
type web struct {
	t             *testing.T
	plain, secure *httptest.Server
	sockets       *websockets.Server
	answers       answers

	mu       sync.Mutex
	requests []*http.Request
}

// answers are those to URLs that are not WebSockets, as a WebSocket client has
// them.
type answers map[string]answer

type answer struct {
	status   int
	location string
	cookie   string
}

func newWeb(t *testing.T, a answers) *web {
	t.Helper()
	w := &web{t: t, answers: a, sockets: websockets.Handle(echo, strict())}
	w.plain = httptest.NewServer(w)
	w.secure = httptest.NewUnstartedServer(w)
	w.secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.secure.StartTLS()
	t.Cleanup(w.plain.Close)
	t.Cleanup(w.secure.Close)
	return w
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.requests = append(w.requests, r)
	w.mu.Unlock()
	a := w.answers[urlOf(r)]
	if a.cookie != "" {
		rw.Header().Set("Set-Cookie", a.cookie)
	}
	if a.status == 0 {
		w.sockets.ServeHTTP(rw, r)
		return
	}
	rw.Header().Set("Location", a.location)
	rw.WriteHeader(a.status)
}

// urlOf returns the URL of a request as a WebSocket client has it.
func urlOf(r *http.Request) string {
	scheme := "ws://"
	if r.TLS != nil {
		scheme = "wss://"
	}
	return scheme + r.Host + r.RequestURI
}

func (w *web) dial(_ context.Context, network, addr string) (net.Conn, error) {
	if network != "tcp" {
		w.t.Errorf("network %q", network)
	}
	server := w.plain
	if strings.HasSuffix(addr, ":443") {
		server = w.secure
	}
	return net.Dial("tcp", server.Listener.Addr().String())
}

func (w *web) options() *websockets.Options {
	o := strict()
	o.Proxy = noProxy
	o.DialContext = w.dial
	o.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	return o
}

// seen returns what the servers were asked.
func (w *web) seen() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.requests)
}

func (w *web) urls() (urls []string) {
	for _, r := range w.seen() {
		urls = append(urls, urlOf(r))
	}
	return urls
}

func TestRedirects(t *testing.T) {
	for _, test := range []struct {
		url      string
		status   int
		location string
		leads    string
	}{
		{"ws://a.example/", 301, "ws://b.example/", "ws://b.example/"},
		{"ws://a.example/", 302, "ws://b.example/", "ws://b.example/"},
		{"ws://a.example/", 303, "ws://b.example/", "ws://b.example/"},
		{"ws://a.example/", 307, "ws://b.example/", "ws://b.example/"},
		{"ws://a.example/", 308, "ws://b.example/", "ws://b.example/"},
		{"ws://a.example/", 302, "wss://a.example/", "wss://a.example/"},
		{"ws://a.example/", 302, "http://b.example/", "ws://b.example/"},
		{"ws://a.example/", 302, "HTTPS://b.example/", "wss://b.example/"},
		{"wss://a.example/", 302, "wss://b.example/", "wss://b.example/"},
		{"wss://a.example/x", 302, "/y", "wss://a.example/y"},
		{"ws://a.example/x/y?q=1", 302, "z", "ws://a.example/x/z"},
		{"ws://a.example/x/y?q=1", 302, "?q=2", "ws://a.example/x/y?q=2"},
		{"ws://a.example/x/y", 302, "../z", "ws://a.example/z"},
		{"ws://a.example:81/x", 302, "/y", "ws://a.example:81/y"},
		{"ws://a.example/", 302, "//b.example:82/z", "ws://b.example:82/z"},
		{"ws://a.example/", 302, "ws://b.example:80/", "ws://b.example/"},
		{"ws://a.example/", 302, "ws://[::1]:82/", "ws://[::1]:82/"},
		{"ws://a.example/", 302, "/there#part", "ws://a.example/there"},
		{"ws://a.example/", 302, "/ü 1", "ws://a.example/%C3%BC%201"},
	} {
		t.Run(fmt.Sprint(test.url, " ", test.status, " ", test.location), func(t *testing.T) {
			w := newWeb(t, answers{test.url: {status: test.status, location: test.location}})
			c := dial(t, test.url, w.options())
			if got, want := w.urls(), []string{test.url, test.leads}; !slices.Equal(got, want) {
				t.Errorf("asked for %q; want %q", got, want)
			}
			r := c.Response().Request
			if got, want := r.URL.Scheme+"://"+r.Host+r.URL.RequestURI(), "http"+test.leads[len("ws"):]; got != want || r.URL.Fragment != "" {
				t.Errorf("the request of the response is for %q; want %q", got, want)
			}
			if secure := c.Response().TLS != nil; secure != strings.HasPrefix(test.leads, "wss") {
				t.Errorf("the response has TLS: %v", secure)
			}
			if err := c.Close(websockets.NormalClosure, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRedirectsThatAreNotFollowed(t *testing.T) {
	const plain, secure = "ws://a.example/", "wss://a.example/"
	for _, test := range []struct {
		name, url string
		status    int
		location  string
		want      string
	}{
		{"another status", plain, 300, "ws://b.example/", "(300 Multiple Choices)"},
		{"not modified", plain, 304, "ws://b.example/", "(304 Not Modified)"},
		{"a refusal", plain, 403, "ws://b.example/", "(403 Forbidden)"},
		{"without Location", plain, 302, "", "(302 Found)"},
		{"to plain text", secure, 302, "ws://b.example/", `wss://a.example/ redirects to where nothing can be dialled: the URL "ws://b.example/" is not encrypted`},
		{"to plain HTTP", secure, 302, "http://a.example/", "is not encrypted"},
		{"to another scheme", plain, 302, "ftp://b.example/", `the URL "ftp://b.example/" must begin with ws://`},
		{"to a script", plain, 302, "javascript:alert(1)", "must begin with ws://"},
		{"to no host", plain, 302, "ws:///x", "names no host"},
		{"with a password", plain, 302, "ws://user:secret@a.example/", "has user information"},
		{"to no URL", plain, 302, "ws://user:secret@[::1/", "not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWeb(t, answers{test.url: {status: test.status, location: test.location}})
			_, err := websockets.Dial(t.Context(), test.url, w.options())
			wantHandshakeError(t, err, test.status, test.want)
			if got := w.urls(); len(got) != 1 {
				t.Errorf("asked for %q", got)
			}
		})
	}
}

// wantHandshakeError checks the error of a handshake that a server answered
// with a status.
func wantHandshakeError(t *testing.T, err error, status int, text string) {
	t.Helper()
	he, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok || !errors.Is(err, websockets.ErrHandshake) || !strings.Contains(err.Error(), text) {
		t.Fatalf("Dial: %v; want %q", err, text)
	}
	if he.Status != status || he.Response == nil || he.Response.StatusCode != status {
		t.Errorf("status %d, response %v; want %d", he.Status, he.Response, status)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells a password: %v", err)
	}
}

func TestMaxRedirects(t *testing.T) {
	chain := answers{}
	for i := range 11 {
		chain[fmt.Sprintf("ws://a.example/%d", i)] = answer{status: 307, location: fmt.Sprint(i + 1)}
	}
	for _, test := range []struct {
		max, start int
		want       string // the error; none: the dial succeeds
	}{
		{0, 1, ""},
		{0, 0, "websocket: gave up at ws://a.example/10 after 10 redirects (307 Temporary Redirect)"},
		{2, 9, ""},
		{2, 8, "websocket: gave up at ws://a.example/10 after 2 redirects (307 Temporary Redirect)"},
		{11, 0, ""},
		{-1, 11, ""},
		{-1, 10, "(307 Temporary Redirect)"},
	} {
		t.Run(fmt.Sprint(test.max, " from ", test.start), func(t *testing.T) {
			w := newWeb(t, chain)
			o := w.options()
			o.MaxRedirects = test.max
			c, err := websockets.Dial(t.Context(), fmt.Sprint("ws://a.example/", test.start), o)
			if test.want != "" {
				wantHandshakeError(t, err, 307, test.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c.CloseNow()
		})
	}
}

// Redirects that go round in a circle end too.
func TestRedirectToItself(t *testing.T) {
	w := newWeb(t, answers{"ws://a.example/": {status: 302, location: "/"}})
	_, err := websockets.Dial(t.Context(), "ws://a.example/", w.options())
	wantHandshakeError(t, err, 302, "gave up at ws://a.example/ after 10 redirects")
	if got := len(w.urls()); got != 11 {
		t.Errorf("%d requests", got)
	}
}

// Who was redirected to another origin gets no credentials, not even if a
// redirect leads back to where they are for.
func TestCredentialsAcrossRedirects(t *testing.T) {
	const there = 302
	for _, test := range []struct {
		name    string
		answers answers
		with    []bool // whether the requests have credentials
	}{
		{"the same origin", answers{
			"ws://a.example/": {status: there, location: "/x"}, "ws://a.example/x": {status: there, location: "ws://A.example:80/y"},
		}, []bool{true, true, true}},
		{"another host", answers{"ws://a.example/": {status: there, location: "ws://b.example/"}}, []bool{true, false}},
		{"a host below", answers{"ws://a.example/": {status: there, location: "ws://x.a.example/"}}, []bool{true, false}},
		{"another port", answers{"ws://a.example/": {status: there, location: "ws://a.example:81/"}}, []bool{true, false}},
		{"another scheme", answers{"ws://a.example/": {status: there, location: "wss://a.example/"}}, []bool{true, false}},
		{"there and back", answers{
			"ws://a.example/": {status: there, location: "ws://b.example/"}, "ws://b.example/": {status: there, location: "ws://a.example/x"},
			"ws://a.example/x": {status: there, location: "/y"},
		}, []bool{true, false, false, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, url := range []string{"ws://a.example/", "ws://me:secret@a.example/"} {
				w := newWeb(t, test.answers)
				o := w.options()
				o.Header = http.Header{"X-Mine": {"kept"}}
				if !strings.Contains(url, "@") {
					o.Header["authorization"] = []string{"Bearer abc"}
				}
				for _, name := range []string{"Cookie", "Cookie2", "Proxy-Authorization", "WWW-AUTHENTICATE"} {
					o.Header[name] = []string{"a=b"}
				}
				c, err := websockets.Dial(t.Context(), url, o)
				if err == nil {
					c.CloseNow()
				}
				if got := len(w.seen()); got != len(test.with) {
					t.Fatalf("%d requests, %v; want %d", got, err, len(test.with))
				}
				for i, r := range w.seen() {
					for _, name := range []string{"Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Www-Authenticate"} {
						if got := r.Header.Get(name) != ""; got != test.with[i] {
							t.Errorf("%s: request %d for %s has %s: %v", url, i, urlOf(r), name, got)
						}
					}
					if r.Header.Get("X-Mine") != "kept" {
						t.Errorf("request %d has lost X-Mine", i)
					}
				}
			}
		})
	}
}

// Encryption changes the origin as well, though host and port are the same.
// A client certificate says who the client is, and is for whom it dialled.
func TestClientCertificatesAcrossRedirects(t *testing.T) {
	var shown atomic.Int64
	count := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown.Add(int64(len(r.TLS.PeerCertificates)))
		w.WriteHeader(http.StatusForbidden)
	})
	start := func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	other := start(count)
	o := strict()
	o.TLSConfig = &tls.Config{InsecureSkipVerify: true, Certificates: other.TLS.Certificates}
	for _, test := range []struct {
		to   string
		want int64
	}{{other.URL, 0}, {"/same", 1}} {
		first := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/same" {
				count(w, r)
				return
			}
			http.Redirect(w, r, test.to, http.StatusFound)
		}))
		shown.Store(0)
		_, err := websockets.Dial(t.Context(), first.URL, o)
		if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != http.StatusForbidden || shown.Load() != test.want {
			t.Errorf("to %s: %v, %d certificates", test.to, err, shown.Load())
		}
	}
}

func TestCredentialsToAnotherSchemeOnTheSamePort(t *testing.T) {
	w := newWeb(t, answers{"ws://a.example:99/": {status: 302, location: "wss://a.example:99/"}})
	o := w.options()
	servers := []string{"plain:80", "secure:443"}
	o.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		server := servers[0]
		servers = servers[1:]
		return w.dial(ctx, network, server)
	}
	dial(t, "ws://me:secret@a.example:99/", o)
	if r := w.seen()[1]; r.TLS == nil || r.Header.Get("Authorization") != "" {
		t.Errorf("the second request, to %s, has Authorization %q", urlOf(r), r.Header.Get("Authorization"))
	}
}

// The header goes before the user information of the URL.
func TestAuthorizationOfHeaderAndURL(t *testing.T) {
	w := newWeb(t, nil)
	o := w.options()
	o.Header = http.Header{"authorization": {"Bearer abc"}}
	dial(t, "ws://me:secret@a.example/", o)
	if got := w.seen()[0].Header["Authorization"]; !slices.Equal(got, []string{"Bearer abc"}) {
		t.Errorf("Authorization %q", got)
	}
}

func TestNoRedirectOnAStream(t *testing.T) {
	ours, theirs := pipe.New(0)
	o := strict()
	o.AcceptConnection = func(*http.Request) bool { return false }
	o.AccessDenied = http.RedirectHandler("ws://b.example/", http.StatusFound)
	go websockets.Handle(echo, o).ServeStream(context.Background(), ours)
	client := strict()
	client.Proxy = func(*http.Request) (*url.URL, error) {
		t.Error("a proxy was asked for")
		return nil, nil
	}
	client.DialContext = func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, errors.ErrUnsupported
	}
	_, err := (&websockets.Dialer{Options: client}).DialStream(t.Context(), theirs, "ws://a.example/")
	wantHandshakeError(t, err, 302, "(302 Found)")
}

// The Host field and the names that TLS asks for.
func TestHosts(t *testing.T) {
	for _, test := range []struct{ url, address, host, name string }{
		{"ws://a.example/", "a.example:80", "a.example", ""},
		{"ws://a.example:/", "a.example:80", "a.example", ""},
		{"ws://a.example:80/", "a.example:80", "a.example", ""},
		{"ws://a.example:443/", "a.example:443", "a.example:443", ""},
		{"wss://a.example/", "a.example:443", "a.example", "a.example"},
		{"wss://a.example:80/", "a.example:80", "a.example:80", "a.example"},
		{"ws://[::1]/", "[::1]:80", "[::1]", ""},
		{"ws://[::1]:81/", "[::1]:81", "[::1]:81", ""},
		{"ws://[fe80::1%25eth0]/", "[fe80::1%eth0]:80", "[fe80::1]", ""},
		{"ws://[fe80::1%25eth0]:81/", "[fe80::1%eth0]:81", "[fe80::1]:81", ""},
	} {
		t.Run(test.url, func(t *testing.T) {
			w := newWeb(t, nil)
			var dialled string
			o := w.options()
			o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				dialled = addr
				if strings.HasPrefix(test.url, "wss") {
					return w.dial(ctx, network, "any:443")
				}
				return w.dial(ctx, network, "any:80")
			}
			dial(t, test.url, o)
			r := w.seen()[0]
			if dialled != test.address || r.Host != test.host {
				t.Errorf("dialled %q, Host %q; want %q, %q", dialled, r.Host, test.address, test.host)
			}
			if r.TLS != nil && r.TLS.ServerName != test.name {
				t.Errorf("server name %q", r.TLS.ServerName)
			}
		})
	}
}

// What the user's DialContext does wrong is told.
func TestDialContextOfTheUser(t *testing.T) {
	failure := &net.OpError{Op: "dial", Err: errors.New("no way")}
	for want, dialled := range map[string]error{
		"DialContext returned neither a connection nor an error": nil,
		"cannot connect to ws://a.example/: dial: no way":        failure,
	} {
		o := strict()
		o.Proxy = noProxy
		o.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, dialled }
		_, err := websockets.Dial(t.Context(), "ws://a.example/", o)
		if !errors.Is(err, websockets.ErrHandshake) || !strings.Contains(err.Error(), want) {
			t.Errorf("Dial: %v; want %q", err, want)
		}
		if e, ok := errors.AsType[*net.OpError](err); dialled != nil && (!ok || e != failure) {
			t.Errorf("Dial: %v does not wrap the error of the network", err)
		}
	}
}

// A connection that is no socket does as well, one without deadlines too.
func TestDialContextWithAnyConn(t *testing.T) {
	w := newWeb(t, nil)
	o := w.options()
	o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := w.dial(ctx, network, addr)
		return timeless{c}, err
	}
	for _, url := range []string{"ws://a.example/", "wss://a.example/"} {
		c := dial(t, url, o)
		if err := c.Send(t.Context(), websockets.Text, []byte("hi")); err != nil {
			t.Fatal(err)
		}
		if _, p, err := c.Receive(t.Context()); string(p) != "hi" {
			t.Fatal(err)
		}
		if err := c.Close(websockets.NormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
}
