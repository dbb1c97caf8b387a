//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// Our client and our server talk through reverse proxies that pass WebSockets from
// one version of HTTP to another.

// A gateway is a set-up of a reverse proxy.
type gateway struct {
	name  string
	start func(t *testing.T, upstream string) (host string)
	front websockets.HTTPVersion // in which clients come
	tls   bool                   // they come with TLS
	back  string                 // what the server's log has it go on over
}

// gatewayTimeout is after how long a gateway cuts a connection that is silent.
const gatewayTimeout = 3 * time.Second

var gateways = []gateway{
	{"haproxy, HTTP/1.1 to HTTP/2", haproxy("", "proto h2 ws h2"), websockets.HTTP1, false, "HTTP/2"},
	{"haproxy, HTTP/2 to HTTP/1.1", haproxy("proto h2", ""), websockets.HTTP2, false, "HTTP/1.1"},
	{"haproxy, HTTP/2 to HTTP/2", haproxy("proto h2", "proto h2 ws h2"), websockets.HTTP2, false, "HTTP/2"},
	{"haproxy, TLS", haproxy("ssl crt {pem} alpn h2,http/1.1", "proto h2 ws h2"), websockets.HTTPAuto, true, "HTTP/2"},
	{"nghttpx, HTTP/1.1 to HTTP/2", nghttpx("no-tls", "proto=h2"), websockets.HTTP1, false, "HTTP/2"},
	{"nghttpx, HTTP/2 to HTTP/1.1", nghttpx("no-tls", "proto=http/1.1"), websockets.HTTP2, false, "HTTP/1.1"},
	{"nghttpx, HTTP/2 to HTTP/2", nghttpx("no-tls", "proto=h2"), websockets.HTTP2, false, "HTTP/2"},
	{"nghttpx, TLS", nghttpx("tls", "proto=h2"), websockets.HTTPAuto, true, "HTTP/2"},
}

// throughGateways runs a test with each gateway before a server.
func throughGateways(t *testing.T, test func(t *testing.T, g gateway, s server, url string), flags ...string) {
	t.Helper()
	for _, g := range gateways {
		t.Run(g.name, func(t *testing.T) {
			s := serve(t, flags...)
			scheme := "ws://"
			if g.tls {
				scheme = "wss://"
			}
			test(t, g, s, scheme+g.start(t, s.host)+"/echo")
		})
	}
}

func (g gateway) dialer() *websockets.Dialer {
	o := websockets.Strict()
	o.HTTP, o.TLSConfig = g.front, &tls.Config{InsecureSkipVerify: true}
	return &websockets.Dialer{Options: o}
}

// dial opens a connection through the gateway.
func (g gateway) dial(t *testing.T, d *websockets.Dialer, url string) library {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := d.Dial(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	if over := fmt.Sprintf("HTTP/%d", c.Response().ProtoMajor); (over == "HTTP/2") != (g.front != websockets.HTTP1) {
		t.Errorf("the gateway was reached over %s", over)
	}
	return library{t, c}
}

func TestGatewayEchoes(t *testing.T) {
	throughGateways(t, func(t *testing.T, g gateway, s server, url string) {
		c := g.dial(t, g.dialer(), url)
		s.logs("msg=opened", "over="+g.back+"\n")
		echoes(t, c)
		c.send("ping", nil)
		c.close(4001, "so long")
		if e := c.ended(c.conn.Err()); e.Code != 4001 {
			t.Errorf("ended with %v", e)
		}
		s.logs("msg=ended", "over="+g.back, "4001", "so long")
	})
}

func TestGatewayBeforeConnect(t *testing.T) {
	flags := map[websockets.HTTPVersion][]string{websockets.HTTP1: {"--http1"}, websockets.HTTP2: {"--http2"}}
	throughGateways(t, func(t *testing.T, g gateway, s server, url string) {
		c := connect(t, url, append(flags[g.front], "--insecure")...)
		c.send("text", []byte("hello"))
		want(t, c, event{Kind: "text", Data: []byte("hello")})
		c.close(1000, "")
		c.ends(0)
		c.complains("closed: 1000")
	})
}

// The server closes, and so it reaches the client.
func TestGatewayPassesGoingAway(t *testing.T) {
	throughGateways(t, func(t *testing.T, g gateway, s server, url string) {
		c := g.dial(t, g.dialer(), url)
		c.send("text", []byte("here"))
		want(t, c, event{Kind: "text", Data: []byte("here")})
		s.signal(os.Interrupt)
		wantClose(t, c, 1001)
		s.exit(0)
	})
}

// Pings keep a connection alive that has nothing to say for longer than the gateway
// would wait.
func TestGatewayIdle(t *testing.T) {
	throughGateways(t, func(t *testing.T, g gateway, s server, url string) {
		t.Parallel()
		c := g.dial(t, g.dialer(), url)
		ctx, cancel := context.WithTimeout(t.Context(), 2*gatewayTimeout)
		defer cancel()
		if _, _, err := c.conn.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("while idle: %v", err)
		}
		c.send("text", []byte("still here"))
		want(t, c, event{Kind: "text", Data: []byte("still here")})
	}, "--ping-interval", "300ms")
}

// crowd is how many connections are open at once.
const crowd = 64

func TestGatewayCrowd(t *testing.T) {
	throughGateways(t, func(t *testing.T, g gateway, s server, url string) {
		d := g.dialer()
		conns := make([]library, crowd)
		each := func(do func(n int)) {
			var wg sync.WaitGroup
			for n := range conns {
				wg.Go(func() { do(n) })
			}
			wg.Wait()
		}
		for n := range conns {
			conns[n] = g.dial(t, d, url)
		}
		each(func(n int) {
			for size := range 20 {
				data := []byte(strings.Repeat(fmt.Sprint(n), 100*size))
				if err := conns[n].conn.Send(t.Context(), websockets.Text, data); err != nil {
					t.Error(err)
					return
				}
				if _, got, err := conns[n].conn.Receive(t.Context()); err != nil || string(got) != string(data) {
					t.Errorf("connection %d: %d bytes of %d, %v", n, len(got), len(data), err)
					return
				}
			}
		})
		each(func(n int) {
			if err := conns[n].conn.Close(websockets.CloseCode(4000+n), ""); err != nil {
				t.Error(err)
			}
		})
		ended := regexp.MustCompile("msg=ended")
		eventually(t, "the end of all", func() bool { return len(ended.FindAllString(s.stderr.String(), -1)) == crowd })
		for n := range conns {
			s.logs("msg=ended", fmt.Sprint(4000+n))
		}
	})
}
