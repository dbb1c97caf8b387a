package websockets_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// timeless is a connection that knows no deadlines, as those of SSH.
type timeless struct{ net.Conn }

func (timeless) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (timeless) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (timeless) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// fakeProxy runs serve for every connection, which it closes afterwards, and
// returns its address. With a configuration it speaks TLS.
func fakeProxy(t *testing.T, config *tls.Config, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if config != nil {
		l = tls.NewListener(l, config)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(served.Wait)
	t.Cleanup(func() { l.Close() })
	return addr
}

// readHead returns what comes up to an empty line.
func readHead(r io.Reader) string {
	var head []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, b...) {
		if _, err := io.ReadFull(r, b); err != nil {
			break
		}
	}
	return string(head)
}

// tunnel copies both ways until both have ended.
func tunnel(near net.Conn, addr string) {
	far, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer far.Close()
	var copied sync.WaitGroup
	copied.Go(func() { io.Copy(far, near); far.(*net.TCPConn).CloseWrite() })
	io.Copy(near, far)
	near.(interface{ CloseWrite() error }).CloseWrite()
	copied.Wait()
}

// proxied returns options for a web behind the proxy at addr, which is known by
// the name of rawURL.
func proxied(t *testing.T, w *web, rawURL, addr string) *websockets.Options {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	o := w.options()
	o.Proxy = http.ProxyURL(u)
	o.TLSConfig = w.secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	o.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
	o.DialContext = func(ctx context.Context, network, asked string) (net.Conn, error) {
		if asked != u.Host {
			t.Errorf("dialled %q instead of the proxy", asked)
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	return o
}

// echoes sends a large message there and back and closes.
func echoes(t *testing.T, c *websockets.Conn) {
	t.Helper()
	want := strings.Repeat("0123456789", 30_000)
	if err := c.Send(t.Context(), websockets.Text, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Receive(t.Context()); string(p) != want {
		t.Fatalf("the echo has %d bytes, %v", len(p), err)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// Both kinds of targets through both kinds of proxies: the four are TCP, TLS,
// and TLS in TLS.
func TestProxyConnect(t *testing.T) {
	const basic = "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" // me:secret
	for _, test := range []struct{ proxy, url, asked, extra string }{
		{"http://proxy.example.com:3128", "ws://example.com/x", "example.com:80", ""},
		{"http://proxy.example.com:3128", "ws://example.com:8080/x", "example.com:8080", ""},
		{"http://proxy.example.com:3128", "ws://[::1]:8080/x", "[::1]:8080", ""},
		{"http://proxy.example.com:3128", "ws://[fe80::1%25eth0]/x", "[fe80::1]:80", ""},
		{"http://proxy.example.com:3128", "wss://example.com/x", "example.com:443", ""},
		{"http://me:secret@proxy.example.com:3128", "wss://example.com/x", "example.com:443", basic},
		{"https://proxy.example.com:3128", "ws://example.com/x", "example.com:80", ""},
		{"https://me:secret@proxy.example.com:3128", "wss://example.com/x", "example.com:443", basic},
		{"HTTPS://me:secret@proxy.example.com:3128", "wss://user:pass@example.com/x", "example.com:443", basic},
	} {
		t.Run(test.proxy+" "+test.url, func(t *testing.T) {
			w := newWeb(t, nil)
			heads := make(chan string, 1)
			serve := func(conn net.Conn) {
				heads <- readHead(conn)
				io.WriteString(conn, "HTTP/1.0 200 Connection established\r\nContent-Length: 7\r\n\r\n")
				server := w.plain
				if strings.HasPrefix(test.url, "wss") {
					server = w.secure
				}
				tunnel(conn, server.Listener.Addr().String())
			}
			var config *tls.Config
			var hello *tls.ClientHelloInfo
			if strings.HasPrefix(strings.ToLower(test.proxy), "https") {
				config = w.secure.TLS.Clone()
				config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
					hello = h
					return nil, nil
				}
			}
			addr := fakeProxy(t, config, serve)
			o := proxied(t, w, test.proxy, addr)
			o.TLSConfig.ServerName = "example.com"
			c := dial(t, test.url, o)
			want := "CONNECT " + test.asked + " HTTP/1.1\r\nHost: " + test.asked + "\r\n" + test.extra + "\r\n"
			if got := <-heads; got != want {
				t.Errorf("the proxy was asked\n %q; want\n %q", got, want)
			}
			if hello != nil && (hello.ServerName != "proxy.example.com" || fmt.Sprint(hello.SupportedProtos) != "[http/1.1]") {
				t.Errorf("TLS with the proxy asked for %q and %v", hello.ServerName, hello.SupportedProtos)
			}
			if got := c.RemoteAddr().String(); got != addr {
				t.Errorf("connected to %s; want %s", got, addr)
			}
			r := w.seen()[0]
			if r.Header.Get("Proxy-Authorization") != "" {
				t.Error("the server was told the password for the proxy")
			}
			if r.TLS != nil && r.TLS.ServerName != "example.com" {
				t.Errorf("TLS with the server asked for %q", r.TLS.ServerName)
			}
			echoes(t, c)
		})
	}
}

// A certificate for the target is none for the proxy.
func TestProxyCertificate(t *testing.T) {
	w := newWeb(t, nil)
	addr := fakeProxy(t, w.secure.TLS, func(conn net.Conn) { readHead(conn) })
	o := proxied(t, w, "https://proxy.test:3128", addr)
	o.TLSConfig.ServerName = "example.com"
	_, err := websockets.Dial(t.Context(), "wss://example.com/", o)
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok ||
		!strings.Contains(err.Error(), "websocket: cannot connect to wss://example.com/: proxy https://proxy.test:3128: the TLS handshake failed: ") {
		t.Errorf("Dial: %v (%v)", err, e)
	}
}

func TestProxyAnswers(t *testing.T) {
	const asked = "websocket: cannot connect to ws://example.com/: proxy http://proxy.example.com:3128: "
	for _, test := range []struct{ name, answer, want string }{
		{"ok", "HTTP/1.1 200 OK\r\n\r\n", ""},
		{"another 2xx", "HTTP/1.1 204 No Content\r\n\r\n", ""},
		{"a body that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		{"interim responses", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", ""},
		{"authentication", "HTTP/1.1 407 Give me a password\r\nProxy-Authenticate: Basic\r\n\r\n", asked + "it answered CONNECT with 407 Proxy Authentication Required"},
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: ws://elsewhere.example/\r\n\r\n", asked + "it answered CONNECT with 302 Found"},
		{"an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", asked + "it answered CONNECT with 101 Switching Protocols"},
		{"an unknown status", "HTTP/1.1 599 Because\r\n\r\n", asked + "it answered CONNECT with 599"},
		{"interim, then a refusal", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n", asked + "it answered CONNECT with 403 Forbidden"},
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", asked + `cannot read its answer to CONNECT: malformed HTTP response "SSH-2.0-OpenSSH_9.2"`},
		{"the end", "", asked + "cannot read its answer to CONNECT: unexpected EOF"},
		{"the end in the head", "HTTP/1.1 200 OK\r\nX: ", asked + "cannot read its answer to CONNECT: unexpected EOF"},
		{"a long head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 33<<10), asked + "its answer to CONNECT has more than 32768 bytes"},
		{"a head of 32 KiB", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 32<<10-24) + "\r\n\r\n", ""},
		{"endless interim responses", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 2000), asked + "its answer to CONNECT has more than 32768 bytes"},
		{"a byte too many", "HTTP/1.1 200 OK\r\n\r\nx", asked + "it sent more than its answer to CONNECT, before the client spoke"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWeb(t, nil)
			addr := fakeProxy(t, nil, func(conn net.Conn) {
				readHead(conn)
				io.WriteString(conn, test.answer)
				if test.want == "" {
					tunnel(conn, w.plain.Listener.Addr().String())
				}
			})
			o := proxied(t, w, "http://me:secret@proxy.example.com:3128", addr)
			c, err := websockets.Dial(t.Context(), "ws://example.com/", o)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				echoes(t, c)
				return
			}
			wantProxyError(t, err, test.want)
		})
	}
}

// wantProxyError checks an error before any server answered.
func wantProxyError(t *testing.T, err error, want string) {
	t.Helper()
	he, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok || !strings.Contains(err.Error(), want) {
		t.Fatalf("Dial: %v; want %q", err, want)
	}
	if he.Status != 0 || he.Response != nil {
		t.Errorf("the proxy's answer passes for the server's: %d, %v", he.Status, he.Response)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestProxyURLs(t *testing.T) {
	for rawURL, want := range map[string]string{
		"ftp://me:secret@proxy/": `the URL "ftp://me:xxxxx@proxy/" of the proxy must begin with http://, https://, socks5:// or socks5h://`,
		"socks4://proxy/":        "of the proxy must begin with",
		"//proxy/":               "of the proxy must begin with",
		"http:///":               `the URL "http:///" of the proxy names no host`,
		"socks5://me:secret@:1/": "of the proxy names no host",
	} {
		o := newWeb(t, nil).options()
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		o.Proxy = http.ProxyURL(u)
		_, err = websockets.Dial(t.Context(), "ws://example.com/", o)
		wantProxyError(t, err, "websocket: cannot connect to ws://example.com/: the URL")
		wantProxyError(t, err, want)
	}
	for rawURL, want := range map[string]string{
		"http://proxy":           "proxy:80",
		"https://proxy":          "proxy:443",
		"socks5://proxy":         "proxy:1080",
		"socks5h://proxy":        "proxy:1080",
		"http://[::1]:3128":      "[::1]:3128",
		"https://[fe80::1%25lo]": "[fe80::1%lo]:443",
	} {
		o := strict()
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		o.Proxy = http.ProxyURL(u)
		failure := errors.New("refused")
		o.DialContext = func(_ context.Context, network, addr string) (net.Conn, error) {
			if network != "tcp" || addr != want {
				t.Errorf("%s: dialled %s %s; want %s", rawURL, network, addr, want)
			}
			return nil, failure
		}
		_, err = websockets.Dial(t.Context(), "ws://example.com/", o)
		wantProxyError(t, err, "proxy "+u.Scheme+"://"+want+": refused")
		if !errors.Is(err, failure) {
			t.Errorf("Dial: %v does not wrap the error of the network", err)
		}
	}
}

// The Proxy function is asked for every hop, in the terms of HTTP.
func TestProxyIsChosenForEachHop(t *testing.T) {
	w := newWeb(t, answers{"ws://a.example/x?y": {status: 302, location: "wss://b.example/"}})
	o := w.options()
	o.Header = http.Header{"X-Token": {"abc"}}
	var asked []string
	type key struct{}
	o.Proxy = func(r *http.Request) (*url.URL, error) {
		asked = append(asked, fmt.Sprint(r.Method, " ", r.URL, " ", r.Host, " ", r.Header.Get("X-Token"), " ", r.Context().Value(key{})))
		return nil, nil
	}
	ctx := context.WithValue(t.Context(), key{}, "value")
	c, err := websockets.Dial(ctx, "ws://me:secret@a.example/x?y", o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	want := "[GET http://a.example/x?y a.example abc value GET https://b.example/ b.example abc value]"
	if got := fmt.Sprint(asked); got != want {
		t.Errorf("asked for\n %s; want\n %s", got, want)
	}
	if c.Response().Request.Context().Value(key{}) != nil {
		t.Error("the response keeps the context of Dial")
	}
}

func TestProxyFunctionFails(t *testing.T) {
	failure := errors.New("no idea")
	o := strict()
	o.Proxy = func(*http.Request) (*url.URL, error) { return nil, failure }
	_, err := websockets.Dial(t.Context(), "ws://a.example/", o)
	wantProxyError(t, err, "websocket: cannot connect to ws://a.example/: cannot choose a proxy: no idea")
	if !errors.Is(err, failure) {
		t.Errorf("Dial: %v does not wrap the error", err)
	}
}

// The environment tells the proxy unless Options do. net/http reads it once in
// a process, so this is another one.
func TestProxyFromEnvironment(t *testing.T) {
	if url := os.Getenv("DIAL_URL"); url != "" {
		_, err := websockets.Dial(t.Context(), url, nil)
		fmt.Println(err)
		return
	}
	for url, want := range map[string]string{
		"ws://a.example/":   "http_proxy: me:secret CONNECT a.example:80",
		"wss://a.example/":  "https_proxy: me:secret CONNECT a.example:443",
		"ws://127.0.0.1:1/": "", // this machine needs none
	} {
		heads := make(chan string, 1)
		environ := append(os.Environ(), "DIAL_URL="+url, "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=", "GORACE=atexit_sleep_ms=0")
		for _, name := range []string{"http_proxy", "https_proxy"} {
			addr := fakeProxy(t, nil, func(conn net.Conn) {
				first, rest, _ := strings.Cut(readHead(conn), " HTTP/1.1\r\n")
				if strings.Contains(rest, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n") {
					first = "me:secret " + first
				}
				heads <- name + ": " + first
			})
			environ = append(environ, name+"=http://me:secret@"+addr, strings.ToUpper(name)+"=http://me:secret@"+addr)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestProxyFromEnvironment$")
		child.Env = environ
		out, err := child.CombinedOutput()
		if err != nil || strings.Contains(string(out), "secret") {
			t.Fatalf("%v: %s", err, out)
		}
		got := ""
		select {
		case got = <-heads:
		default:
		}
		if got != want {
			t.Errorf("%s: the proxies saw %q; want %q; Dial: %s", url, got, want, out)
		}
	}
}

// A proxy that says nothing holds nobody up: neither its TLS, nor its answer,
// nor what is behind it.
func TestSilentProxies(t *testing.T) {
	w := newWeb(t, nil)
	silent := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	answering := func(answer string) func(net.Conn) {
		return func(conn net.Conn) {
			readHead(conn)
			io.WriteString(conn, answer)
			silent(conn)
		}
	}
	for _, test := range []struct {
		name, proxy, url string
		secure           bool
		serve            func(net.Conn)
	}{
		{"CONNECT", "http://proxy.example.com:1", "ws://example.com/", false, silent},
		{"in the answer", "http://proxy.example.com:1", "ws://example.com/", false, answering("HTTP/1.1 200 OK\r\nX: ")},
		{"TLS", "https://proxy.example.com:1", "ws://example.com/", false, silent},
		{"CONNECT in TLS", "https://proxy.example.com:1", "ws://example.com/", true, silent},
		{"SOCKS", "socks5://proxy.example.com:1", "ws://example.com/", false, silent},
		{"SOCKS with a password", "socks5://me:secret@proxy.example.com:1", "ws://example.com/", false, func(conn net.Conn) {
			io.WriteString(conn, "\x05\x02")
			silent(conn)
		}},
		{"handshake behind", "http://proxy.example.com:1", "ws://example.com/", false, answering("HTTP/1.1 200 OK\r\n\r\n")},
		{"TLS behind", "http://proxy.example.com:1", "wss://example.com/", false, answering("HTTP/1.1 200 OK\r\n\r\n")},
		{"TLS in TLS", "https://proxy.example.com:1", "wss://example.com/", true, answering("HTTP/1.1 200 OK\r\n\r\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			var config *tls.Config
			if test.secure {
				config = w.secure.TLS
			}
			reached := make(chan bool, 4)
			addr := fakeProxy(t, config, func(conn net.Conn) {
				reached <- true
				test.serve(conn)
			})
			o := proxied(t, w, test.proxy, addr)
			// The deadlines of a connection must not be all that ends it.
			plain := o.DialContext
			timelessly := func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := plain(ctx, network, addr)
				return timeless{c}, err
			}
			for _, o.DialContext = range []func(context.Context, string, string) (net.Conn, error){plain, timelessly} {
				ctx, cancel := context.WithCancelCause(t.Context())
				go func() {
					<-reached
					time.Sleep(10 * time.Millisecond)
					cancel(nil)
				}()
				_, err := websockets.Dial(ctx, test.url, o)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled: %v", err)
				}
				bounded := *o
				bounded.HandshakeTimeout = 30 * time.Millisecond
				_, err = websockets.Dial(t.Context(), test.url, &bounded)
				if e, ok := errors.AsType[*websockets.Error](err); !ok || !e.Timeout() || !errors.Is(err, websockets.ErrHandshake) {
					t.Errorf("timeout: %v", err)
				}
				<-reached
			}
		})
	}
}

// All hops together have the time of one handshake.
func TestHandshakeTimeoutBoundsAllRedirects(t *testing.T) {
	w := newWeb(t, answers{"ws://a.example/": {status: 302, location: "/"}})
	o := w.options()
	o.MaxRedirects = 1 << 30
	o.HandshakeTimeout = 100 * time.Millisecond
	_, err := websockets.Dial(t.Context(), "ws://a.example/", o)
	if e, ok := errors.AsType[*websockets.Error](err); !ok || !e.Timeout() {
		t.Errorf("Dial: %v", err)
	}
	if len(w.seen()) < 2 {
		t.Errorf("%d requests", len(w.seen()))
	}
}
