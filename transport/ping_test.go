package transport_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// answerPings answers the pings that have come, the last n of them, after d.
func (p *peer) answerPings(n int, d time.Duration) {
	synctest.Wait()
	list := p.frames(p.there())
	time.Sleep(d)
	for _, f := range list[max(0, len(list)-n):] {
		if f.op == frame.Ping {
			p.write(p.frame(nil, frame.Pong, true, []byte(f.payload)))
		}
	}
}

func TestPingTellsTheRoundTrip(t *testing.T) {
	for _, role := range roles {
		for _, reading := range []bool{true, false} {
			bubble(t, func(t *testing.T) {
				c, p := against(t, role, core.Config{})
				if reading {
					go c.Receive(t.Context(), nil)
				}
				go p.answerPings(1, 123*time.Millisecond)
				rtt, err := c.Ping(t.Context())
				late := rtt - 123*time.Millisecond
				if err != nil || late < 0 || late > time.Millisecond || reading && late != 0 {
					t.Errorf("%v, reading %v: %v, %v", role, reading, rtt, err)
				}
			})
		}
	}
}

// RFC 6455 section 5.5.3: a peer may answer only the latest ping.
func TestOnePongForManyPings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		rtts := make(chan time.Duration, 3)
		for range 3 {
			go func() {
				rtt, err := c.Ping(t.Context())
				if err != nil {
					t.Error(err)
				}
				rtts <- rtt
			}()
			time.Sleep(10 * time.Millisecond)
		}
		p.answerPings(1, 0)
		for range 3 {
			if rtt := <-rtts; rtt > 31*time.Millisecond {
				t.Error(rtt)
			}
		}
	})
}

func TestPongsThatAnswerNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Client, core.Config{})
		go c.Receive(t.Context(), nil)
		for _, payload := range []string{"", "short", "\x00\x00\x00\x00\x00\x00\x00\x02", "\x00\x00\x00\x00\x00\x00\x00\x01 and more",
			"\xff\xff\xff\xff\xff\xff\xff\xff"} {
			time.AfterFunc(time.Second, func() { p.write(p.frame(nil, frame.Pong, true, []byte(payload))) })
		}
		time.AfterFunc(2*time.Second, func() {
			pong := p.frame(nil, frame.Pong, true, []byte("\x00\x00\x00\x00\x00\x00\x00\x01"))
			for i := range pong {
				p.write(pong[i : i+1])
				synctest.Wait()
			}
		})
		if rtt, err := c.Ping(t.Context()); rtt != 2*time.Second || err != nil {
			t.Error(rtt, err)
		}
	})
}

func TestPingCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{ConnectionTimeout: -1})
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			if _, err := c.Ping(ctx); err != context.DeadlineExceeded {
				t.Error(err)
			}
			cancel()
			if _, err := c.Ping(ctx); err == nil {
				t.Error("no error with a context that has ended")
			}
		}
		p.write(p.text(nil, "still here"))
		receiveText(t, c, "still here")
		go p.answerPings(1, time.Second)
		if rtt, err := c.Ping(t.Context()); err != nil || rtt < time.Second || rtt > 1032*time.Millisecond {
			t.Error(rtt, err)
		}
	})
}

func TestPingWhileTheConnectionIsLost(t *testing.T) {
	for _, reading := range []bool{true, false} {
		for name, end := range map[string]func(c *transport.Conn, p *peer){
			"EOF":      func(_ *transport.Conn, p *peer) { p.s.CloseWrite() },
			"Reset":    func(_ *transport.Conn, p *peer) { p.s.Abort() },
			"Close":    func(_ *transport.Conn, p *peer) { p.write(p.closing(frame.NormalClosure)) },
			"CloseNow": func(c *transport.Conn, _ *peer) { c.CloseNow() },
			"Silence":  func(*transport.Conn, *peer) {},
		} {
			bubble(t, func(t *testing.T) {
				c, p := against(t, core.Server, core.Config{})
				if reading {
					go c.Receive(t.Context(), nil)
				}
				time.AfterFunc(time.Second, func() { end(c, p) })
				if _, err := c.Ping(t.Context()); err == nil || err != c.Err() {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
}

// An observer counts what it hears.
type observer struct{ pings, ends chan bool }

func (o observer) Pinged()   { o.pings <- true }
func (o observer) Released() { o.ends <- true }

func TestObserverIsTold(t *testing.T) {
	for _, reading := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			o := observer{make(chan bool, 10), make(chan bool, 10)}
			c, p := server(t, core.Config{}, transport.Observe(o))
			p.write(append([]byte(request), p.frame(nil, frame.Ping, true, nil)...))
			if _, err := c.AwaitRequest(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Accept(core.AcceptOptions{})
			if reading {
				go c.Receive(t.Context(), nil)
			}
			<-o.pings
			time.Sleep(time.Minute)
			if len(o.pings) > 0 {
				t.Error("told of the ping more than once")
			}
			p.s.Abort()
			synctest.Wait()
			c.CloseNow()
			c.CloseNow()
			if len(o.ends) != 1 {
				t.Errorf("told %d times of the end", len(o.ends))
			}
		})
	}
}
