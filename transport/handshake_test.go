package transport_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// client returns a client in the handshake and the server's stream.
func client(t testing.TB, cfg core.Config, o core.RequestOptions) (*transport.Conn, *peer) {
	t.Helper()
	a, b := pipe.New(0)
	clk := real.New()
	o.Host, o.Target = "example.com", "/chat"
	m, err := core.NewClient(settings(t, cfg), clk.Now(), o)
	if err != nil {
		t.Fatal(err)
	}
	c := transport.NewConn(guarded(t, m), a, transport.NewAttendant(clk))
	t.Cleanup(func() { c.CloseNow() })
	return c, &peer{t: t, s: b, role: core.Server}
}

func TestHandshakeOfBothRoles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		srv, p := server(t, core.Config{})
		clk := real.New()
		m, err := core.NewClient(settings(t, core.Config{}), clk.Now(),
			core.RequestOptions{Host: "example.com", Target: "/chat", Subprotocols: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		cli := transport.NewConn(guarded(t, m), p.s, transport.NewAttendant(clk))
		served := make(chan error)
		go func() {
			r, err := srv.AwaitRequest(t.Context())
			if err != nil || r.Target != "/chat" {
				t.Error(r, err)
			}
			if err := srv.Accept(core.AcceptOptions{Subprotocol: "b"}); err != nil {
				t.Error(err)
			}
			srv.Send(t.Context(), frame.Text, []byte("welcome"))
			served <- echo(srv)
			srv.Close(frame.NormalClosure, "")
		}()
		o, err := cli.AwaitOpen(t.Context())
		if err != nil || o.Subprotocol != "b" || o.Response.Status != 101 {
			t.Fatalf("%+v, %v", o, err)
		}
		receiveText(t, cli, "welcome")
		cli.Send(t.Context(), frame.Text, []byte("hello"))
		receiveText(t, cli, "hello")
		if err := cli.Close(frame.NormalClosure, ""); err != nil {
			t.Error(err)
		}
		if _, err := cli.AwaitOpen(t.Context()); err != cli.Err() {
			t.Error("AwaitOpen after the end:", err)
		}
		<-served
		if cli.Role() != core.Client || srv.Role() != core.Server {
			t.Error("roles")
		}
	})
}

// Frames may come in one piece with the handshake, and wherever it is cut.
func TestFramesThatComeWithTheHandshake(t *testing.T) {
	for _, cut := range []int{0, 1, 50, len(request) - 1, len(request), len(request) + 3, len(request) + 20} {
		for _, wait := range []time.Duration{0, 2 * time.Second} { // for the application to accept
			bubble(t, func(t *testing.T) {
				srv, p := server(t, core.Config{})
				wire := p.text(p.text([]byte(request), "first"), "second")
				p.write(wire[:cut])
				time.AfterFunc(time.Second, func() { p.write(wire[cut:]) })
				if _, err := srv.AwaitRequest(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := srv.AwaitOpen(t.Context()); err != core.ErrNotOpen {
					t.Error("AwaitOpen of a server:", err)
				}
				if r, err := srv.AwaitRequest(t.Context()); err != nil || r.Target != "/chat" {
					t.Error("asking for the request again:", err)
				}
				time.Sleep(wait)
				if _, _, err := srv.Receive(t.Context(), nil); err != core.ErrNotOpen {
					t.Error("Receive before Accept:", err)
				}
				if err := srv.Send(t.Context(), frame.Text, nil); err != core.ErrNotOpen {
					t.Error("Send before Accept:", err)
				}
				if err := srv.Accept(core.AcceptOptions{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(wait)
				receiveText(t, srv, "first")
				receiveText(t, srv, "second")
			})
		}
	}
}

func TestFramesThatComeWithTheResponse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cli, p := client(t, core.Config{}, core.RequestOptions{})
		synctest.Wait()
		response := p.acceptance(string(p.there()))
		p.write(p.text(p.text([]byte(response), "first"), "second"))
		if _, _, err := cli.Receive(t.Context(), nil); err != core.ErrNotOpen {
			t.Error("Receive before AwaitOpen:", err)
		}
		if _, err := cli.AwaitOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		receiveText(t, cli, "first")
		receiveText(t, cli, "second")
	})
}

// acceptance answers a client's request.
func (p *peer) acceptance(request string) string {
	_, key, _ := strings.Cut(request, "Sec-WebSocket-Key: ")
	key, _, _ = strings.Cut(key, "\r\n")
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + core.AcceptKey(key) + "\r\n\r\n"
}

func TestServerRefusesABadHandshake(t *testing.T) {
	for _, test := range []struct {
		name, in, status string
		want             error
	}{
		{"Garbage", "\x16\x03\x01\x02\x00\r\n\r\n", "400", core.ErrBadRequest},
		{"Method", strings.Replace(request, "GET", "POST", 1), "405", core.ErrMethod},
		{"Version", strings.Replace(request, "Version: 13", "Version: 12", 1), "426", core.ErrVersion},
		{"TooLong", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 40000), "431", core.ErrHeadTooBig},
		{"Nothing", "", "408", core.ErrHandshakeTimeout},
		{"Half", request[:50], "408", core.ErrHandshakeTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				srv, p := server(t, core.Config{})
				p.write([]byte(test.in))
				if _, err := srv.AwaitRequest(t.Context()); err != test.want {
					t.Error(err)
				}
				synctest.Wait()
				if got := string(p.there()); !strings.HasPrefix(got, "HTTP/1.1 "+test.status+" ") {
					t.Errorf("%.60q", got)
				}
				if _, err := p.s.TryRead(make([]byte, 1)); err != io.EOF {
					t.Error("the output has not ended:", err)
				}
				p.s.CloseWrite()
				time.Sleep(time.Second) // the attendant brings it to its end
				if _, err := srv.Stream().TryWrite([]byte{0}); err == nil {
					t.Error("not released")
				}
				if err := srv.Accept(core.AcceptOptions{}); err != test.want {
					t.Error("Accept afterwards:", err)
				}
			})
		})
	}
}

func TestRequestThatIsNeverAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		srv, p := server(t, core.Config{})
		p.write(p.text([]byte(request), "early"))
		if _, err := srv.AwaitRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second - 1)
		if err := srv.Err(); err != nil {
			t.Error("too early:", err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if err := srv.Err(); err != core.ErrHandshakeTimeout {
			t.Error(err)
		}
		p.s.CloseWrite()
		time.Sleep(time.Second)
		if _, err := srv.Stream().TryWrite([]byte{0}); err == nil {
			t.Error("not released")
		}
	})
}

func TestReject(t *testing.T) {
	bubble(t, func(t *testing.T) {
		srv, p := server(t, core.Config{})
		p.write(p.text([]byte(request), "early"))
		if _, err := srv.AwaitRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { p.s.CloseWrite() })
		d := took(func() {
			if err := srv.Reject(core.RejectOptions{Body: []byte("no")}); err != nil {
				t.Error(err)
			}
		})
		if d != time.Second {
			t.Errorf("Reject took %v", d)
		}
		if got := string(p.there()); !strings.HasPrefix(got, "HTTP/1.1 403 ") || !strings.HasSuffix(got, "no") {
			t.Errorf("%q", got)
		}
		if srv.Err() != core.ErrRejected {
			t.Error(srv.Err())
		}
		if err := srv.Reject(core.RejectOptions{}); err != core.ErrRejected {
			t.Error("again:", err)
		}
	})
}

func TestClientIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cli, p := client(t, core.Config{}, core.RequestOptions{})
		p.write([]byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 22\r\n\r\n<h1>Access denied</h1>"))
		o, err := cli.AwaitOpen(t.Context())
		if err != core.ErrStatus || o.Response == nil || o.Response.Status != 403 || string(o.Body) != "<h1>Access denied</h1>" {
			t.Errorf("%+v, %v", o, err)
		}
		if _, err := cli.Stream().TryWrite([]byte{0}); err == nil {
			t.Error("not released")
		}
	})
}

func TestClientMeetsOtherServers(t *testing.T) {
	for _, test := range []struct {
		name   string
		server func(p *peer)
		want   error
		after  time.Duration
	}{
		{"Silence", func(*peer) {}, core.ErrHandshakeTimeout, 10 * time.Second},
		{"Garbage", func(p *peer) { p.write([]byte("SSH-2.0-OpenSSH\r\n\r\n")) }, core.ErrBadResponse, 0},
		{"EOF", func(p *peer) { p.s.CloseWrite() }, core.ErrHandshakeLost, 0},
		{"Reset", func(p *peer) { p.s.Abort() }, core.ErrHandshakeLost, 0},
		{"Key", func(p *peer) {
			p.write([]byte(strings.Replace(p.acceptance(string(p.there())), "Accept: ", "Accept: x", 1)))
		}, core.ErrAcceptKey, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				cli, p := client(t, core.Config{}, core.RequestOptions{})
				test.server(p)
				d := took(func() {
					if _, err := cli.AwaitOpen(t.Context()); !errors.Is(err, test.want) {
						t.Error(err)
					}
				})
				if d != test.after {
					t.Errorf("after %v", d)
				}
				if _, err := cli.Stream().TryWrite([]byte{0}); err == nil {
					t.Error("not released")
				}
			})
		})
	}
}

func TestHandshakeEndsWithItsContext(t *testing.T) {
	for _, role := range roles {
		bubble(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			var c *transport.Conn
			var err error
			if role == core.Server {
				c, _ = server(t, core.Config{})
				_, err = c.AwaitRequest(ctx)
			} else {
				c, _ = client(t, core.Config{}, core.RequestOptions{})
				_, err = c.AwaitOpen(ctx)
			}
			if err != context.DeadlineExceeded || c.Err() != transport.ErrClosed {
				t.Errorf("%v: %v, %v", role, err, c.Err())
			}
			if _, err := c.Stream().TryWrite([]byte{0}); err == nil {
				t.Error("not released")
			}
		})
	}
}

// Whatever comes, the driver brings it to an end.
func TestGarbageAfterTheHandshake(t *testing.T) {
	for seed := range uint64(100) {
		bubble(t, func(t *testing.T) {
			srv, p := server(t, core.Config{})
			rnd := rand.New(rand.NewPCG(seed, 0))
			garbage := make([]byte, 2000)
			for i := range garbage {
				garbage[i] = byte(rnd.Uint32())
			}
			p.write(append([]byte(request), garbage...))
			if _, err := srv.AwaitRequest(t.Context()); err != nil {
				t.Fatal(err)
			}
			srv.Accept(core.AcceptOptions{})
			err := echo(srv)
			if e, ok := err.(core.Error); !ok || e.Kind() != core.KindViolation {
				t.Error(seed, err)
			}
			p.s.CloseWrite()
			if d := took(func() { srv.Close(frame.NormalClosure, "") }); d != 0 {
				t.Errorf("Close took %v", d)
			}
		})
	}
}
