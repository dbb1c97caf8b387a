package transport_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

func TestSteadyStateAllocatesNothing(t *testing.T) {
	over := map[string]func(t *testing.T) (srv, cli *transport.Conn){
		"Pipe": func(t *testing.T) (srv, cli *transport.Conn) {
			return pair(t, real.New(), core.Config{}, core.Config{})
		},
		"TCP": func(t *testing.T) (srv, cli *transport.Conn) {
			a, b := sockets(t)
			return open(t, real.New(), core.Server, core.Config{}, a), open(t, real.New(), core.Client, core.Config{}, b)
		},
	}
	for name, connect := range over {
		t.Run(name, func(t *testing.T) {
			srv, cli := connect(t)
			go echo(srv)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for _, size := range []int{0, 16, 1000, 20_000} {
				msg := make([]byte, size)
				buf := make([]byte, 0, size)
				allocs := testing.AllocsPerRun(300, func() {
					if err := cli.Send(ctx, frame.Binary, msg); err != nil {
						t.Fatal(err)
					}
					if _, _, err := cli.Receive(ctx, buf); err != nil {
						t.Fatal(err)
					}
				})
				if allocs >= 1 && !raceEnabled {
					t.Errorf("%d bytes: %v allocations an echo", size, allocs)
				}
			}
		})
	}
}

// An idle connection holds no buffer, whatever it did before.
func TestIdleConnHoldsNoMemory(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, c *transport.Conn, p *peer){
		"Nothing": func(*testing.T, *transport.Conn, *peer) {},
		"Received": func(t *testing.T, c *transport.Conn, p *peer) {
			p.write(p.text(p.text(nil, "one"), "two"))
			receiveText(t, c, "one")
			receiveText(t, c, "two")
		},
		"Sent": func(t *testing.T, c *transport.Conn, p *peer) {
			for _, n := range []int{0, 10, 10_000, 300_000} {
				go c.Send(t.Context(), frame.Binary, make([]byte, n))
				synctest.Wait()
				p.there()
				for synctest.Wait(); len(p.there()) > 0; synctest.Wait() {
				}
			}
		},
		"ReadAhead": func(t *testing.T, c *transport.Conn, p *peer) {
			p.write(p.text(p.text(nil, "one"), "two"))
			time.Sleep(time.Second)
			receiveText(t, c, "one")
			receiveText(t, c, "two")
		},
		"Pinged": func(t *testing.T, c *transport.Conn, p *peer) {
			go p.answerPings(1, 0)
			c.Ping(t.Context())
		},
		"Interrupted": func(t *testing.T, c *transport.Conn, p *peer) {
			wire := p.text(nil, "interrupted")
			p.write(wire[:5])
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c.Receive(ctx, nil)
			p.write(wire[5:])
			receiveText(t, c, "interrupted")
		},
		"Misused": func(t *testing.T, c *transport.Conn, p *peer) {
			c.Send(t.Context(), frame.Ping, nil)
			c.Send(t.Context(), frame.Text, []byte("\xff"))
			c.Close(frame.Abnormal, "")
		},
		"Closed": func(t *testing.T, c *transport.Conn, p *peer) {
			p.write(p.closing(frame.NormalClosure))
			p.s.CloseWrite()
			c.Close(frame.NormalClosure, "")
		},
		"Aborted": func(t *testing.T, c *transport.Conn, p *peer) {
			go c.Send(t.Context(), frame.Binary, make([]byte, 300_000))
			p.write(p.text(p.text(nil, "one"), "two"))
			receiveText(t, c, "one")
			synctest.Wait()
			c.CloseNow()
		},
	} {
		for _, role := range roles {
			t.Run(role.String()+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					c, p := against(t, role, core.Config{})
					use(t, c, p)
					time.Sleep(5100 * time.Millisecond) // between two visits
					for _, state := range []string{"unattended", "reading"} {
						if what := transport.HoldsMemory(c); what != "" {
							t.Errorf("%s, it holds %s", state, what)
						}
						go c.Receive(t.Context(), nil)
						synctest.Wait()
					}
				})
			})
		}
	}
}

func TestConnSize(t *testing.T) {
	if transport.ConnSize > 336 {
		t.Errorf("a Conn takes %d bytes", transport.ConnSize)
	}
	t.Logf("a Conn takes %d bytes", transport.ConnSize)
}

func BenchmarkEchoOverTCP(b *testing.B) {
	for _, size := range []int{16, 1024, 65536} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, c := sockets(b)
			srv, cli := open(b, real.New(), core.Server, core.Config{}, s), open(b, real.New(), core.Client, core.Config{}, c)
			go echo(srv)
			ctx := context.Background()
			msg := make([]byte, size)
			buf := make([]byte, 0, size)
			b.ReportAllocs()
			for b.Loop() {
				if err := cli.Send(ctx, frame.Binary, msg); err != nil {
					b.Fatal(err)
				}
				if _, _, err := cli.Receive(ctx, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
