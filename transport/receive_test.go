package transport_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func TestCancellingOneReceiveOfMany(t *testing.T) {
	for cancelled := range 5 { // the one that waits for input, and those behind it
		bubble(t, func(t *testing.T) {
			c, p := against(t, core.Server, core.Config{})
			var got [5]string
			var errs [5]error
			var all sync.WaitGroup
			var cancel context.CancelFunc
			for i := range got {
				ctx := t.Context()
				if i == cancelled {
					ctx, cancel = context.WithCancel(ctx)
				}
				all.Go(func() {
					_, msg, err := c.Receive(ctx, nil)
					got[i], errs[i] = string(msg), err
				})
				synctest.Wait()
			}
			cancel()
			synctest.Wait()
			if errs[cancelled] != context.Canceled {
				t.Errorf("cancelling receiver %d: %v", cancelled, errs[cancelled])
			}
			for i := range 5 {
				if i != cancelled {
					p.write(p.text(nil, fmt.Sprint("for ", i)))
				}
			}
			all.Wait()
			for i := range got {
				if i != cancelled && (errs[i] != nil || got[i] != fmt.Sprint("for ", i)) {
					t.Errorf("receiver %d, of whom %d left: %q, %v", i, cancelled, got[i], errs[i])
				}
			}
			if err := c.Err(); err != nil {
				t.Error("the connection ended:", err)
			}
		})
	}
}

func TestReceiveCancelledInTheMiddleOfAMessageKeepsThePart(t *testing.T) {
	for _, role := range roles {
		for name, rest := range map[string]time.Duration{"BeforeTheNext": time.Minute, "DuringTheNext": 0} {
			t.Run(role.String()+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					c, p := against(t, role, core.Config{ConnectionTimeout: -1})
					msg := strings.Repeat("0123456789", 1000)
					wire := p.text(p.text(nil, msg), "next")
					for _, b := range [][]byte{wire[:3], wire[3:5000], wire[5000:9000]} {
						p.write(b)
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						dst := []byte("kept")
						_, got, err := c.Receive(ctx, dst)
						if err != context.DeadlineExceeded || string(got) != "kept" {
							t.Fatalf("%q, %v", got, err)
						}
						cancel()
					}
					time.AfterFunc(time.Second, func() { p.write(wire[9000:]) })
					time.Sleep(rest) // the attendant reads meanwhile
					receiveText(t, c, msg)
					receiveText(t, c, "next")
				})
			})
		}
	}
}

// A stale kick of a context that ended after its call does not wake another.
func TestReceiveSurvivesTheContextsOfOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		for i := range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			p.write(p.text(nil, "one"))
			if _, _, err := c.Receive(ctx, nil); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				cancel()
			}
			time.AfterFunc(time.Second, func() { p.write(p.text(nil, "two")) })
			receiveText(t, c, "two")
			cancel()
		}
	})
}

// One registration with a context serves all calls that bring it, and is gone
// with the connection.
func TestReceiveRegistersOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		ctx := &registrar{Context: t.Context(), done: make(chan struct{})}
		other := &registrar{Context: t.Context(), done: make(chan struct{})}
		for range 100 {
			time.AfterFunc(time.Second, func() { p.write(p.text(nil, "tick")) })
			if _, _, err := c.Receive(ctx, nil); err != nil {
				t.Fatal(err)
			}
		}
		if ctx.calls != 1 || ctx.active != 1 {
			t.Errorf("%d registrations, %d of them left", ctx.calls, ctx.active)
		}
		time.AfterFunc(time.Second, func() { p.write(p.text(nil, "tock")) })
		c.Receive(other, nil)
		if ctx.active != 0 || other.active != 1 {
			t.Errorf("%d and %d registrations", ctx.active, other.active)
		}
		c.CloseNow()
		if other.active != 0 {
			t.Error("a registration outlives the connection")
		}
	})
}

// A registrar is a context that never ends and counts those who wait for it.
type registrar struct {
	context.Context
	done          chan struct{}
	calls, active int
}

func (r *registrar) Done() <-chan struct{} { return r.done }

func (r *registrar) AfterFunc(func()) (stop func() bool) {
	r.calls++
	r.active++
	return func() bool {
		r.active--
		return true
	}
}

func TestReceiveWithAnEndedContext(t *testing.T) {
	c, _ := pair(t, real.New(), core.Config{}, core.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Receive(ctx, nil); err != context.Canceled {
		t.Error(err)
	}
}

func TestReceiveAfterTheEndIsTheSameForAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Client, core.Config{})
		ends := make(chan error, 3)
		for range 3 {
			go func() {
				_, _, err := c.Receive(t.Context(), nil)
				ends <- err
			}()
		}
		synctest.Wait()
		p.s.CloseWrite() // in no frame at all
		want := "websocket: the connection ended without a close frame: unexpected EOF"
		for range 3 {
			if err := <-ends; err.Error() != want {
				t.Error(err)
			}
		}
		if c.Err() == nil || !closed(c.Done()) {
			t.Error("not done")
		}
	})
}

// RFC 6455 section 7.1.5: the end of the stream without a close frame is 1006.
func TestEndOfFileInTheMiddle(t *testing.T) {
	for _, role := range roles {
		for cut := range 12 {
			t.Run(fmt.Sprint(role, cut), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					c, p := against(t, role, core.Config{})
					wire := p.text(nil, "0123456789")
					p.write(wire[:cut])
					p.s.CloseWrite()
					_, _, err := c.Receive(t.Context(), nil)
					lost(t, err, io.ErrUnexpectedEOF)
					if d := took(func() { c.Close(frame.NormalClosure, "") }); d != 0 {
						t.Errorf("Close took %v", d)
					}
				})
			})
		}
	}
}

func lost(t *testing.T, err, cause error) {
	t.Helper()
	e, ok := err.(*transport.LostError)
	if !ok || e.Core != core.ErrLost || e.Err != cause {
		t.Errorf("%v, want a lost connection because of: %v", err, cause)
	}
}

// After the output has failed, what the peer sent before can still be read.
func TestWriteErrorLeavesTheInput(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		s := &failing{Stream: a}
		c := open(t, real.New(), core.Server, core.Config{}, s)
		p := &peer{t: t, s: b, role: core.Client}
		p.write(p.text(nil, "before"))
		p.write(p.closing(frame.GoingAway))
		if err := c.Send(t.Context(), frame.Text, []byte("lost")); err != nil {
			t.Error("the first to fail is queued:", err)
		}
		lost(t, c.Send(t.Context(), frame.Text, []byte("refused")), errBroken)
		lost(t, c.Send(t.Context(), frame.Text, make([]byte, 1<<20)), errBroken)
		receiveText(t, c, "before")
		_, _, err := c.Receive(t.Context(), nil)
		if ce, ok := err.(*transport.CloseError); !ok || ce.Code != frame.GoingAway {
			t.Error(err)
		}
	})
}

var errBroken = fmt.Errorf("broken")

type failing struct{ transport.Stream }

func (s *failing) TryWrite(p []byte) (int, error) { return 0, errBroken }

// Messages read ahead come before how the connection ended, whatever ended it.
func TestMessagesReadAheadSurviveTheEnd(t *testing.T) {
	for name, end := range map[string]func(p *peer, c *transport.Conn){
		"Close":    func(p *peer, c *transport.Conn) { p.write(p.closing(frame.NormalClosure)); p.s.CloseWrite() },
		"EOF":      func(p *peer, c *transport.Conn) { p.s.CloseWrite() },
		"CloseNow": func(p *peer, c *transport.Conn) { time.AfterFunc(2*time.Second, func() { c.CloseNow() }) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := against(t, core.Server, core.Config{})
				p.write(p.text(p.text(nil, "one"), "two"))
				end(p, c)
				time.Sleep(time.Minute)
				receiveText(t, c, "one")
				receiveText(t, c, "two")
				_, _, err := c.Receive(t.Context(), nil)
				switch err := err.(type) {
				case *transport.CloseError:
					if name != "Close" || err.Code != frame.NormalClosure || err.Local {
						t.Error(err)
					}
				case *transport.LostError:
					if name != "EOF" {
						t.Error(err)
					}
				default:
					if name != "CloseNow" || err != transport.ErrClosed {
						t.Error(err)
					}
				}
				if err != c.Err() {
					t.Errorf("%v and %v", err, c.Err())
				}
			})
		})
	}
}

// The bound of reading ahead may fall anywhere, inside a header too.
func TestReadingAheadStopsAnywhere(t *testing.T) {
	for room := range 20 {
		bubble(t, func(t *testing.T) {
			c, p := against(t, core.Server, core.Config{})
			first := strings.Repeat("a", 64<<10-room)
			second := strings.Repeat("b", 300)
			var want []string
			wire := p.text(nil, first)
			want = append(want, first)
			for range 3 {
				wire = p.text(wire, second)
				want = append(want, second)
			}
			go p.write(wire)
			time.Sleep(time.Second)
			for _, msg := range want {
				receiveText(t, c, msg)
			}
		})
	}
}
