package main

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// A proxy is only given when it is asked for; none goes without.
func TestProxyFlag(t *testing.T) {
	for _, c := range []struct {
		flag *proxy
		want string
	}{
		{&proxy{}, ""},
		{parseProxy(t, "none"), ""},
		{parseProxy(t, ""), ""},
		{parseProxy(t, "http://127.0.0.1:3128"), "http://127.0.0.1:3128"},
		{parseProxy(t, "socks5://me:secret@host"), "socks5://me:secret@host"},
	} {
		var o websockets.Options
		if err := (&handshake{Proxy: c.flag}).apply(&o); err != nil {
			t.Fatal(err)
		}
		u, err := o.Proxy(httptest.NewRequest("GET", "https://example.com/", nil))
		got := ""
		if u != nil {
			got = u.String()
		}
		if got != c.want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
	var o websockets.Options
	if err := new(handshake).apply(&o); err != nil || o.Proxy != nil {
		t.Errorf("without the flag: %v, and the environment is not asked", err)
	}
}

func parseProxy(t *testing.T, text string) *proxy {
	t.Helper()
	p := new(proxy)
	if err := p.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConnectGoesThroughAProxy(t *testing.T) {
	server := serve(t)
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		far, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer far.Close()
		w.WriteHeader(http.StatusOK)
		near, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer near.Close()
		go func() {
			io.Copy(far, buffered)
			far.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(near, far)
	}))
	defer proxy.Close()
	r := command(t.Context(), "hello", "connect", "--proxy", proxy.URL, server.url("/echo"))
	if r.status != statusOK || r.stdout != "hello\n" {
		t.Errorf("status %d, standard output %q, standard error %q", r.status, r.stdout, r.stderr)
	}
	if got := <-asked; got != "CONNECT "+server.host {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestConnectFollowsRedirects(t *testing.T) {
	there := serve(t).url("/echo")
	s := httptest.NewServer(http.RedirectHandler(there, http.StatusFound))
	defer s.Close()
	url := "ws" + strings.TrimPrefix(s.URL, "http")
	for _, c := range []struct {
		flag   string
		status int
		says   string
	}{
		{"--max-redirects=1", statusOK, "connected to " + there + "\n"},
		{"--max-redirects=0", statusFailed, "(302 Found)"},
	} {
		r := command(t.Context(), "", "connect", c.flag, url)
		if r.status != c.status || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: status %d, standard error %q", c.flag, r.status, r.stderr)
		}
	}
}

func TestConnectTrusts(t *testing.T) {
	sockets := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, []byte("welcome"))
	}, websockets.Strict())
	s := httptest.NewTLSServer(sockets)
	defer sockets.Shutdown(context.Background())
	defer s.Close()
	url := "wss" + strings.TrimPrefix(s.URL, "https")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags  []string
		status int
		says   string
	}{
		{nil, statusFailed, "certificate"},
		{[]string{"--ca", ca}, statusOK, "connected"},
		{[]string{"--insecure"}, statusOK, "warning: --insecure"},
	} {
		r := command(t.Context(), "", append([]string{"connect", "--stay", url}, c.flags...)...)
		if r.status != c.status || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%q: status %d, standard error %q", c.flags, r.status, r.stderr)
		}
		if c.status == statusOK && r.stdout != "welcome\n" {
			t.Errorf("%q: standard output %q", c.flags, r.stdout)
		}
	}
}

// The last of several --proxy holds, and none is one of them.
func TestLastProxyHolds(t *testing.T) {
	var p proxy
	for _, test := range []struct{ text, want string }{{"http://a:1", "http://a:1"}, {"socks5://b:2", "socks5://b:2"}, {"none", ""}} {
		if err := p.UnmarshalText([]byte(test.text)); err != nil {
			t.Error(err)
		}
		got := ""
		if p.url != nil {
			got = p.url.String()
		}
		if got != test.want {
			t.Errorf("after %s: %q", test.text, got)
		}
	}
}
