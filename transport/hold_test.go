package transport_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// holding returns an open Conn that answers closes itself, and its peer.
func holding(t testing.TB, role core.Role) (*transport.Conn, *peer) {
	t.Helper()
	a, b := pipe.New(0)
	clk := real.New()
	m, err := core.NewOpen(settings(t, core.Config{}), clk.Now(), role)
	if err != nil {
		t.Fatal(err)
	}
	c := transport.NewConn(guarded(t, m), a, transport.NewAttendant(clk), transport.HoldClose())
	t.Cleanup(func() { c.CloseNow() })
	return c, &peer{t: t, s: b, role: 1 - role}
}

func wantClosed(t testing.TB, why string, err error, code frame.CloseCode) {
	t.Helper()
	if e, ok := errors.AsType[*transport.CloseError](err); !ok || e.Code != code || e.Local {
		t.Errorf("%s: %v", why, err)
	}
}

// A close frame that is held is told, and answered by Close alone; in between
// messages are sent (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1).
func TestHoldClose(t *testing.T) {
	for _, role := range roles {
		for _, ahead := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				c, p := holding(t, role)
				wire := append(p.text(nil, "before"), p.closing(frame.GoingAway)...)
				p.write(wire)
				if ahead {
					time.Sleep(time.Second)
				}
				receiveText(t, c, "before")
				for range 2 {
					_, _, err := c.Receive(t.Context(), nil)
					wantClosed(t, "Receive", err, frame.GoingAway)
				}
				_, _, err := c.Reader(t.Context())
				wantClosed(t, "Reader", err, frame.GoingAway)
				time.Sleep(time.Second)
				if got := p.there(); len(got) > 0 {
					t.Errorf("%v, ahead %v: answered %x", role, ahead, got)
				}
				select {
				case <-c.Done():
					t.Error("ended")
				default:
				}
				if err := c.Err(); err != nil {
					t.Error(err)
				}
				if err := c.Send(t.Context(), frame.Text, []byte("last words")); err != nil {
					t.Error(err)
				}
				closed := make(chan error, 1)
				go func() { closed <- c.Close(4000, "and out") }()
				synctest.Wait()
				want := []received{{frame.Text, "last words"}, {frame.Close, "\x0f\xa0and out"}}
				if got := p.frames(p.there()); !equal(got, want) {
					t.Errorf("%v, ahead %v: wrote %v", role, ahead, got)
				}
				wantClosed(t, "closing", c.Err(), frame.GoingAway)
				p.s.Close()
				<-closed
				wantClosed(t, "Err", c.Err(), frame.GoingAway)
				<-c.Done()
			})
		}
	}
}

// The close timeout bounds the hold: the frame is answered with its own code.
func TestHoldCloseIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := holding(t, core.Server)
		p.write(p.closing(4001))
		_, _, err := c.Receive(t.Context(), nil)
		wantClosed(t, "Receive", err, 4001)
		time.Sleep(5*time.Second - 1)
		if got := p.there(); len(got) > 0 || c.Err() != nil {
			t.Errorf("%x, %v", got, c.Err())
		}
		time.Sleep(time.Second)
		if got := p.frames(p.there()); !equal(got, []received{closeFrame(4001)}) {
			t.Error(got)
		}
		wantClosed(t, "Err", c.Err(), 4001)
		<-c.Done()
		if err := c.Send(t.Context(), frame.Text, nil); err == nil {
			t.Error("sent after the end")
		}
	})
}

func TestHoldCloseEnds(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(t *testing.T, c *transport.Conn, p *peer)
		want []received
	}{
		"CloseNow": {func(t *testing.T, c *transport.Conn, p *peer) { c.CloseNow() }, nil},
		"Discard": {func(t *testing.T, c *transport.Conn, p *peer) {
			c.Discard()
			synctest.Wait()
		}, []received{closeFrame(frame.GoingAway)}},
		"Lost": {func(t *testing.T, c *transport.Conn, p *peer) {
			p.s.Abort()
			time.Sleep(time.Minute)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := holding(t, core.Client)
				p.write(p.closing(frame.GoingAway))
				_, _, err := c.Receive(t.Context(), nil)
				wantClosed(t, "Receive", err, frame.GoingAway)
				test.end(t, c, p)
				wantClosed(t, "Err", c.Err(), frame.GoingAway)
				if got := p.frames(p.there()); !equal(got, test.want) {
					t.Error(got)
				}
			})
		})
	}
}

// Discard before the peer's close frame leaves nobody to answer it: it is
// answered at once.
func TestHoldCloseAfterDiscard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := holding(t, core.Server)
		c.Discard()
		p.write(append(p.text(nil, "unread"), p.closing(frame.GoingAway)...))
		time.Sleep(time.Second)
		if got := p.frames(p.there()); !equal(got, []received{closeFrame(frame.GoingAway)}) {
			t.Error(got)
		}
	})
}

// Who closes first holds nothing.
func TestHoldCloseOfOurOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := holding(t, core.Server)
		closed := make(chan error, 1)
		go func() { closed <- c.Close(frame.NormalClosure, "") }()
		synctest.Wait()
		p.write(p.closing(frame.NormalClosure))
		synctest.Wait()
		if c.Err() == nil {
			t.Error("held the answer")
		}
		p.s.CloseWrite()
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// A Reader in the middle of a message that never ends is told too.
func TestHoldCloseWithinAMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := holding(t, core.Server)
		p.write(append(p.frame(nil, frame.Text, false, []byte("begun")), p.closing(frame.GoingAway)...))
		_, r, err := c.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if string(got) != "begun" {
			t.Errorf("%q", got)
		}
		wantClosed(t, "Read", err, frame.GoingAway)
	})
}

// Without a close timeout the peer's end bounds the hold.
func TestHoldCloseWithoutATimeout(t *testing.T) {
	for _, role := range roles {
		bubble(t, func(t *testing.T) {
			a, b := pipe.New(0)
			clk := real.New()
			m, err := core.NewOpen(settings(t, core.Config{CloseTimeout: -1}), clk.Now(), role)
			if err != nil {
				t.Fatal(err)
			}
			c := transport.NewConn(guarded(t, m), a, transport.NewAttendant(clk), transport.HoldClose())
			p := &peer{t: t, s: b, role: 1 - role}
			p.write(p.closing(frame.GoingAway))
			time.Sleep(time.Hour)
			if c.Err() != nil {
				t.Error("ended by itself:", c.Err())
			}
			p.s.Close()
			time.Sleep(time.Minute)
			wantClosed(t, "Err", c.Err(), frame.GoingAway)
			if _, err := c.Stream().TryWrite([]byte{0}); err == nil {
				t.Error("not released")
			}
		})
	}
}

// The close timeout is exact, whoever looks.
func TestHoldCloseIsBoundedExactly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		c := open(t, real.New(), core.Server, core.Config{CloseTimeout: 50 * time.Millisecond}, a, transport.HoldClose())
		p := &peer{t: t, s: b, role: core.Client}
		go p.write(p.closing(frame.GoingAway))
		if _, _, err := c.Receive(t.Context(), nil); err == nil {
			t.Error("no close")
		}
		if d := took(func() { <-c.Done() }); d != 50*time.Millisecond {
			t.Error("held for", d)
		}
	})
}

// A Reader that was left open holds nobody up once the peer has closed.
func TestHoldCloseBehindAReader(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := holding(t, core.Server)
		p.write(p.frame(nil, frame.Text, false, []byte("begun")))
		_, r, err := c.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() {
			_, _, err := c.Receive(t.Context(), nil)
			waiting <- err
		}()
		synctest.Wait()
		p.write(p.closing(frame.GoingAway))
		if d := took(func() {
			_, err := io.ReadAll(r)
			wantClosed(t, "Read", err, frame.GoingAway)
			_, _, err = c.Receive(t.Context(), nil)
			wantClosed(t, "Receive", err, frame.GoingAway)
			wantClosed(t, "the one who waited", <-waiting, frame.GoingAway)
		}); d != 0 {
			t.Error("waited", d)
		}
	})
}
