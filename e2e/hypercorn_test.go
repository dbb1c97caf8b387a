//go:build e2e

package e2e

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// Our client talks to hypercorn, a server that speaks HTTP/1.1 and HTTP/2.
func TestHypercorn(t *testing.T) {
	for _, c := range []struct {
		name    string
		tls     bool
		http    websockets.HTTPVersion
		version string // that it comes to
		flags   []string
	}{
		{"HTTP/1.1", false, websockets.HTTPAuto, "1.1", nil},
		{"HTTP/1.1 with TLS", true, websockets.HTTP1, "1.1", []string{"--http1"}},
		{"HTTP/2", false, websockets.HTTP2, "2", []string{"--http2"}},
		{"HTTP/2 with TLS", true, websockets.HTTP2, "2", []string{"--http2"}},
		{"what TLS agrees on", true, websockets.HTTPAuto, "2", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			far, url := hypercorn(t, c.tls)
			o := websockets.Strict()
			o.HTTP, o.TLSConfig, o.Subprotocols = c.http, &tls.Config{InsecureSkipVerify: true}, []string{"other", "chat"}
			o.CloseTimeout = time.Second // hypercorn does not end a stream of HTTP/2 that the client has closed
			open := func() library {
				conn, err := websockets.Dial(library{t: t}.context(), url, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.CloseNow() })
				comesOver(t, far, c.version)
				if got := conn.Subprotocol(); got != "chat" {
					t.Errorf("subprotocol %q", got)
				}
				return library{t, conn}
			}
			ours := open()
			converse(t, ours, far, "text", "binary")
			far.close(4001, "they go, tschüß")
			want(t, ours, event{Kind: "close", Code: 4001, Reason: "they go, tschüß"})
			far.next() // the end, with a code that hypercorn makes up

			ours = open()
			ours.send("ping", nil)
			ours.close(4002, "we go, tschüß")
			if e := ours.ended(ours.conn.Err()); e.Code != 4002 {
				t.Errorf("ours ended with %v", e)
			}
			wantClose(t, far, 1006)

			term := connect(t, url, append(c.flags, "--insecure", "--close-timeout", "1s")...)
			comesOver(t, far, c.version)
			converse(t, term, far, "text")
			term.close(1000, "")
			wantClose(t, far, 1006)
			term.ends(0)
			term.complains("closed: 1000")
		})
	}
}

// hypercorn starts it, and returns a URL.
func hypercorn(t *testing.T, secure bool) (far peer, url string) {
	t.Helper()
	if !secure {
		far, host := pythonHypercorn.listen(t)
		return far, "ws://" + host + "/any?path=1"
	}
	certFile, keyFile := certificate(t)
	far, host := pythonHypercorn.listen(t, certFile, keyFile)
	return far, "wss://" + host + "/any?path=1"
}

// comesOver checks that a connection is open at a server, over a version of HTTP.
func comesOver(t *testing.T, far peer, version string) {
	t.Helper()
	if e := far.next(); e.Kind != "open" || e.Version != version {
		t.Fatalf("got %v over HTTP/%s, want open over HTTP/%s", e, e.Version, version)
	}
}
