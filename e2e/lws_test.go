//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// Our client talks over HTTP/2 to the test server of libwebsockets.
func TestLibwebsockets(t *testing.T) {
	certFile, keyFile := certificate(t)
	host := listens(t, func(host string) *process {
		_, port, _ := net.SplitHostPort(host)
		return start(t, "libwebsockets-test-server", "--ssl", "--ssl-cert", certFile, "--ssl-key", keyFile, "--interface", "lo", "--port", port)
	})
	open := func(t *testing.T, subprotocol string) library {
		o := websockets.Strict()
		o.HTTP, o.TLSConfig, o.Subprotocols = websockets.HTTP2, &tls.Config{InsecureSkipVerify: true}, []string{subprotocol}
		c, err := websockets.Dial(library{t: t}.context(), "wss://"+host+"/", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.CloseNow() })
		if got := c.Subprotocol(); got != subprotocol {
			t.Errorf("subprotocol %q", got)
		}
		return library{t, c}
	}
	t.Run("what was sent comes back", func(t *testing.T) {
		c := open(t, "lws-mirror-protocol")
		for _, n := range []int{1, 125, 126, 1000} {
			data := bytes.Repeat([]byte("x"), n)
			c.send("text", data)
			want(t, c, event{Kind: "text", Data: data})
			c.send("ping", nil)
		}
		c.close(1000, "")
	})
	t.Run("it closes", func(t *testing.T) {
		c := open(t, "dumb-increment-protocol")
		c.send("text", []byte("closeme\n"))
		for {
			switch e := c.next(); e.Kind {
			case "text": // a number
			case "close":
				if e.Code != 1001 || e.Reason != "seeya" {
					t.Errorf("got %v", e)
				}
				return
			}
		}
	})
}
