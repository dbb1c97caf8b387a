package transport_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// Everything lives on the clock that it was given: bubbles of testing/synctest
// one after the other and side by side do not meet, and an hour of an idle
// connection's pings is over at once.
func TestBubbles(t *testing.T) {
	for range 3 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				clk := real.New()
				att := transport.NewAttendant(clk)
				if att.Clock() != clk {
					t.Error("an Attendant with another clock")
				}
				l := pipe.Listen(0)
				defer l.Close()
				var all sync.WaitGroup
				conn := func(role core.Role, s transport.Stream) *transport.Conn {
					m, err := core.NewOpen(settings(t, core.Config{Pings: core.PingAnswer}), clk.Now(), role)
					if err != nil {
						t.Fatal(err)
					}
					return transport.NewConn(m, s, att)
				}
				for range 10 {
					all.Go(func() {
						s, err := l.Accept(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						c := conn(core.Server, s)
						echo(c)
						c.Close(frame.NormalClosure, "")
					})
				}
				for range 10 {
					s, err := l.Dial(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					all.Go(func() {
						c := conn(core.Client, s)
						for range 4 {
							if err := c.Send(t.Context(), frame.Text, []byte("hello")); err != nil {
								t.Error(err)
							}
							receiveText(t, c, "hello")
							ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
							if _, _, err := c.Receive(ctx, nil); err != context.DeadlineExceeded {
								t.Error(err)
							}
							cancel()
						}
						if err := c.Close(frame.NormalClosure, ""); err != nil {
							t.Error(err)
						}
					})
				}
				if d := took(all.Wait); d != time.Hour {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}

// An Attendant without connections that need it has no timer running.
func TestAttendantRests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := against(t, core.Server, core.Config{PingInterval: -1, ConnectionTimeout: -1})
		go c.Receive(t.Context(), nil)
		time.Sleep(time.Minute)
		if n := transport.Visits(c); n != 0 {
			t.Errorf("the attendant has %d connections to visit", n)
		}
	})
}
