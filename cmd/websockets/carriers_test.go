package main

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// serveTLS starts websockets serve with a certificate of its own.
func serveTLS(t *testing.T, flags ...string) server {
	t.Helper()
	p := start(t, append([]string{"serve", "--addr", "127.0.0.1:0", "--tls-self-signed"}, flags...)...)
	host, ok := strings.CutPrefix(p.line(), "listening on https://")
	if !ok {
		t.Fatal("the first line does not say where it listens")
	}
	return server{p, host}
}

var carrierFlags = map[string]string{"": "HTTP/2", "--http1": "HTTP/1.1", "--http2": "HTTP/2", "--http3": "HTTP/3", "--quic": "QUIC"}

// One port number serves all of them, and all who talk are told how.
func TestServeOnAllCarriers(t *testing.T) { onBothCores(t, testServeOnAllCarriers) }

func testServeOnAllCarriers(t *testing.T, core string) {
	s := serveTLS(t, "--core", core)
	events := watch(t, s)
	for flag, carrier := range carrierFlags {
		args := []string{"connect", "--insecure", "wss://" + s.host + "/echo?with=query"}
		if flag != "" {
			args = append(args, flag)
		}
		r := command(t.Context(), "one\ntwo\n", args...)
		if r.status != statusOK || r.stdout != "one\ntwo\n" {
			t.Errorf("%s: status %d, %q\n%s", flag, r.status, r.stdout, r.stderr)
		}
		told := "connected to wss://" + s.host + "/echo?with=query"
		if carrier != "HTTP/1.1" {
			told += " over " + carrier
		}
		if !strings.Contains(r.stderr, told+"\n") {
			t.Errorf("%s: it says\n%s; want %q", flag, r.stderr, told)
		}
		s.complains("over=" + carrier)
		wantFrames(t, flag, events, carrier)
	}
	s.interrupt()
	s.exits(statusOK)
}

// watch opens the inspector's socket.
func watch(t *testing.T, s server) *websockets.Conn {
	t.Helper()
	o := websockets.Strict()
	o.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	o.MaxMessageSize = 16 << 20
	return dial(t, "wss://"+s.host+"/inspect", o)
}

// wantFrames reads what the inspector tells of a connection, from its opening to its
// end.
func wantFrames(t *testing.T, flag string, events *websockets.Conn, carrier string) {
	t.Helper()
	var heads, texts, closes int
	for {
		_, p, err := events.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var list []event
		if err := json.Unmarshal(p, &list); err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			switch {
			case e.Kind == "open" && e.Carrier != carrier:
				t.Errorf("%s: the inspector says %s; want %s", flag, e.Carrier, carrier)
			case e.Kind == "head":
				heads++
			case e.Kind == "frame" && e.Opcode == 1 && (string(e.Data) == "one" || string(e.Data) == "two"):
				texts++
			case e.Kind == "frame" && e.Opcode == 8:
				closes++
			case e.Kind == "end":
				if heads != 2 || texts != 4 || closes != 2 {
					t.Errorf("%s: %d heads, %d texts, %d closes; want 2, 4, 2", flag, heads, texts, closes)
				}
				return
			}
		}
	}
}

// The certificate is for this machine, and its hash is what Chromium is to be told.
func TestSelfSigned(t *testing.T) {
	for host, extra := range map[string]string{
		"": "", "127.0.0.1": "", "0.0.0.0": "", "192.0.2.1": "192.0.2.1", "box.example": "box.example", "localhost": "", "::": "",
	} {
		c, err := selfSigned(host)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{"localhost", "127.0.0.1", "::1"}
		if extra != "" {
			names = append(names, extra)
		}
		for _, name := range names {
			if err := c.Leaf.VerifyHostname(name); err != nil {
				t.Errorf("for %q: %v", host, err)
			}
		}
		if life := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore); life > certificateLife {
			t.Errorf("it lives for %v", life)
		}
	}
}

func TestServeTellsHowToOpen(t *testing.T) {
	s := serveTLS(t)
	_, port, _ := strings.Cut(s.host, ":")
	s.complains("--origin-to-force-quic-on=localhost:" + port)
	s.complains("--ignore-certificate-errors-spki-list=")
	s.complains("websockets connect --insecure wss://localhost:" + port + "/echo")
}

// A browser learns of HTTP/3 from the page.
func TestServeAdvertisesHTTP3(t *testing.T) {
	s := serveTLS(t)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	r, err := client.Get("https://" + s.host + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	_, port, _ := strings.Cut(s.host, ":")
	if got := r.Header.Get("Alt-Svc"); got != `h3=":`+port+`"; ma=3600` {
		t.Errorf("Alt-Svc is %q", got)
	}
}

func TestFlagsOfCarriers(t *testing.T) {
	s, secure := serve(t), serveTLS(t)
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"connect", "--http1", "--http2", s.url("/echo")}, statusUsage, "--http1 and --http2 can't be used together"},
		{[]string{"connect", "--http3", "--proxy", "http://127.0.0.1:1", "wss://localhost/"}, statusUsage, "--proxy is for TCP"},
		{[]string{"connect", "--http3", s.url("/echo")}, statusUsage, "need a wss URL"},
		{[]string{"connect", "--quic", s.url("/echo")}, statusUsage, "need a wss URL"},
		{[]string{"connect", "wss://" + s.host + "/echo"}, statusFailed, "a ws URL is without"},
		{[]string{"connect", "wss://" + secure.host + "/echo"}, statusFailed, "--insecure trusts any"},
		{[]string{"serve", "--tls-self-signed", "--tls-cert", "c", "--tls-key", "k"}, statusUsage, "leave --tls-cert and --tls-key out"},
	} {
		r := command(t.Context(), "", test.args...)
		if r.status != test.status || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%q: status %d, %q; want %d, %q", test.args, r.status, r.stderr, test.status, test.want)
		}
	}
	// Without TLS, HTTP/2 is for who knows.
	r := command(t.Context(), "hello", "connect", "--http2", s.url("/echo"))
	if r.status != statusOK || r.stdout != "hello\n" || !strings.Contains(r.stderr, "over HTTP/2") {
		t.Errorf("status %d, %q, %q", r.status, r.stdout, r.stderr)
	}
}

// Paths that are none are refused on a stream of QUIC as over HTTP.
func TestQUICKnowsThePaths(t *testing.T) {
	s := serveTLS(t)
	for _, flag := range []string{"--http1", "--http2", "--http3", "--quic"} {
		r := command(t.Context(), "", "connect", "--insecure", flag, "wss://"+s.host+"/elsewhere")
		if r.status != statusFailed || !strings.Contains(r.stderr, "404") {
			t.Errorf("%s: status %d, %q", flag, r.status, r.stderr)
		}
	}
	r := command(t.Context(), "", "connect", "--insecure", "--quic", "--origin", "https://evil.example", "wss://"+s.host+"/echo")
	if r.status != statusFailed || !strings.Contains(r.stderr, "403") {
		t.Errorf("another origin: status %d, %q", r.status, r.stderr)
	}
}

// An interrupt tells all of them, and takes no longer than they need.
func TestServeSaysGoingAwayOnAllCarriers(t *testing.T) {
	s := serveTLS(t)
	var conns []*process
	for _, flag := range []string{"--http1", "--http2", "--http3", "--quic"} {
		p := start(t, "connect", "--insecure", flag, "wss://"+s.host+"/echo")
		p.say("hello")
		p.wantLine("hello")
		conns = append(conns, p)
	}
	s.interrupt()
	for _, p := range conns {
		p.exits(statusOK)
		p.complains("1001")
	}
	s.exits(statusOK)
}
