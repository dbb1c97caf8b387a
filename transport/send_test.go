package transport_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A numbered message tells its sender, its number and, by its filling, whether
// all of it is its own.
func numbered(sender, number uint32, size int) []byte {
	p := make([]byte, max(size, 8))
	binary.BigEndian.PutUint32(p, sender)
	binary.BigEndian.PutUint32(p[4:], number)
	fill := byte(sender*31 + number)
	for i := range p[8:] {
		p[8+i] = fill
	}
	return p
}

func TestManySendersOnOneConn(t *testing.T) {
	const senders, each = 100, 20
	for _, role := range roles {
		t.Run(role.String(), func(t *testing.T) {
			answers := core.Config{Pings: core.PingAnswer}
			ends := [2]*transport.Conn{}
			ends[core.Server], ends[core.Client] = pair(t, real.New(), answers, answers)
			from, to := ends[role], ends[1-role]
			go from.Receive(t.Context(), nil) // it alone reads pongs at once
			var all sync.WaitGroup
			for i := range uint32(senders) {
				all.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(i), 0))
					for j := range uint32(each) {
						size := rnd.IntN(2000)
						switch {
						case j == each/2 && i%10 == 0:
							size = 1 << 20
						case j == each/2:
							size = 64<<10 + 1
						case j%8 == 7:
							if _, err := from.Ping(t.Context()); err != nil {
								t.Error("ping:", err)
							}
						}
						if err := from.Send(t.Context(), frame.Binary, numbered(i, j, size)); err != nil {
							t.Error("send:", err)
							return
						}
					}
				})
			}
			var next [senders]uint32
			var buf []byte
			for range senders * each {
				_, p, err := to.Receive(t.Context(), buf[:0])
				if err != nil {
					t.Fatal(err)
				}
				buf = p
				i, j := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
				if j != next[i] || !bytes.Equal(p, numbered(i, j, len(p))) {
					t.Fatalf("message %d of sender %d, wanted %d; or it is mixed up", j, i, next[i])
				}
				next[i]++
			}
			all.Wait()
		})
	}
}

func TestSendWaitsForRoomWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var sent []received
		for {
			msg := fmt.Sprintf("%05d%01000d", len(sent), 0)
			var err error
			d := took(func() { err = c.Send(ctx, frame.Text, []byte(msg)) })
			if err != nil {
				if err != context.DeadlineExceeded || d != time.Second {
					t.Fatalf("Send returned %v after %v", err, d)
				}
				break
			}
			sent = append(sent, received{frame.Text, msg})
		}
		if n := len(sent) * 1009; n > 64<<10+2*64<<10 {
			t.Errorf("%d bytes were taken; the pipe, the batch and the queue hold 64 KiB each", n)
		}
		var got []byte
		for len(got) < len(sent)*1009 {
			got = append(got, p.there()...)
			synctest.Wait()
		}
		if list := p.frames(got); !equal(list, sent) {
			t.Errorf("%d messages arrived, %d were sent", len(list), len(sent))
		}
		if err := c.Send(t.Context(), frame.Text, []byte("more")); err != nil {
			t.Error(err)
		}
		if list := p.frames(p.there()); !equal(list, []received{{frame.Text, "more"}}) {
			t.Errorf("then %v arrived", list)
		}
	})
}

func equal(a, b []received) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A frame that was begun is completed, from a copy: its owner may write over
// the message as soon as Send has returned. What waits behind it for the turn
// leaves no trace when its context ends.
func TestSendLeftInTheMiddleOfALargeMessage(t *testing.T) {
	for _, role := range roles {
		t.Run(role.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := against(t, role, core.Config{})
				msg := bytes.Repeat([]byte("0123456789abcdef!"), 1<<16)
				want := received{frame.Binary, string(msg)}
				var all sync.WaitGroup
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					defer cancel()
					if err := c.Send(ctx, frame.Binary, msg); err != context.DeadlineExceeded {
						t.Error("the first:", err)
					}
					clear(msg)
				})
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := c.Send(ctx, frame.Binary, make([]byte, 1<<20)); err != context.DeadlineExceeded {
					t.Error("the second:", err)
				}
				all.Wait()
				small := make(chan error, 1)
				go func() { small <- c.Send(t.Context(), frame.Text, []byte("next")) }()
				var got []byte
				for {
					synctest.Wait()
					b := p.there()
					if len(b) == 0 {
						break
					}
					got = append(got, b...)
				}
				if list := p.frames(got); !equal(list, []received{want, {frame.Text, "next"}}) {
					t.Errorf("%d frames arrived, not the two that were sent", len(list))
				}
				if err := <-small; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What Send and a Writer queue leaves in the order of the calls.
func TestSendKeepsTheOrderOfCalls(t *testing.T) {
	for _, role := range roles {
		t.Run(role.String(), func(t *testing.T) {
			a, b := pipe.New(100_000)
			c := open(t, real.New(), role, core.Config{}, a)
			p := &peer{t: t, s: b, role: 1 - role}
			large := string(bytes.Repeat([]byte("x"), 70_000))
			ctx := t.Context()
			c.Send(ctx, frame.Text, []byte("1"))
			w, _ := c.Writer(ctx, frame.Text)
			w.Write([]byte("2"))
			w.Close()
			c.Send(ctx, frame.Text, []byte(large))
			c.Send(ctx, frame.Binary, []byte("5"))
			want := []received{{frame.Text, "1"}, {frame.Text, "2"}, {frame.Continuation, ""}, {frame.Text, large}, {frame.Binary, "5"}}
			if got := p.frames(p.there()); !equal(got, want) {
				t.Errorf("%d frames", len(got))
			}
		})
	}
}

func TestSendMisuse(t *testing.T) {
	c, _ := pair(t, real.New(), core.Config{}, core.Config{})
	ctx := t.Context()
	bad := bytes.Repeat([]byte{0xff}, 70_000)
	for name, test := range map[string]struct {
		call func() error
		want error
	}{
		"Opcode":      {func() error { return c.Send(ctx, frame.Ping, nil) }, core.ErrInvalidOpcode},
		"LargeOpcode": {func() error { return c.Send(ctx, frame.Ping, bad) }, core.ErrInvalidOpcode},
		"Text":        {func() error { return c.Send(ctx, frame.Text, bad[:1]) }, core.ErrInvalidText},
		"LargeText":   {func() error { return c.Send(ctx, frame.Text, bad) }, core.ErrInvalidText},
		"Shared":      {func() error { return c.SendShared(ctx, transport.Shared{}) }, core.ErrNoMessage},
		"Writer":      {func() error { _, err := c.Writer(ctx, frame.Continuation); return err }, core.ErrInvalidOpcode},
		"Close code":  {func() error { return c.Close(frame.Abnormal, "") }, core.ErrUnsendableCode},
		"Request":     {func() error { _, err := c.AwaitRequest(ctx); return err }, core.ErrNoRequest},
	} {
		if err := test.call(); err != test.want {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if err := c.Send(ctx, frame.Text, []byte("fine")); err != nil {
		t.Error("after misuse:", err)
	}
}

func TestSendAfterTheEndTellsHowItEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		go c.Receive(t.Context(), nil)
		p.write(p.closing(frame.GoingAway))
		synctest.Wait()
		for _, n := range []int{1, 1 << 20} {
			err := c.Send(t.Context(), frame.Binary, make([]byte, n))
			if ce, ok := errors.AsType[*transport.CloseError](err); !ok || ce.Code != frame.GoingAway {
				t.Errorf("Send of %d bytes: %v", n, err)
			}
		}
		if _, err := c.Ping(t.Context()); err != c.Err() {
			t.Error("Ping:", err)
		}
	})
}

func TestSendersThatWaitAreToldOfTheEndAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		go c.Receive(t.Context(), nil)
		time.AfterFunc(time.Second, func() { p.write(p.closing(frame.GoingAway)) })
		d := took(func() {
			for {
				err := c.Send(t.Context(), frame.Binary, make([]byte, 1000))
				if err == nil {
					continue
				}
				if ce, ok := errors.AsType[*transport.CloseError](err); !ok || ce.Code != frame.GoingAway {
					t.Error(err)
				}
				return
			}
		})
		if d != time.Second {
			t.Errorf("after %v", d)
		}
	})
}

// Everything that one read produced leaves in one write.
func TestRepliesToOneReadLeaveInOneWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		s := &counted{Stream: a}
		c := open(t, real.New(), core.Server, core.Config{Pings: core.PingAnswer}, s)
		go echo(c)
		synctest.Wait()
		p := &peer{t: t, s: b, role: core.Client}
		var batch []byte
		var want []received
		for i := range 64 {
			msg := fmt.Sprint("message ", i)
			batch = p.text(batch, msg)
			want = append(want, received{frame.Text, msg})
			if i%16 == 0 {
				batch = p.frame(batch, frame.Ping, true, []byte(msg))
				want = append(want, received{frame.Pong, msg})
			}
		}
		p.write(batch)
		synctest.Wait()
		if got := p.frames(p.there()); !equal(got, want) {
			t.Errorf("got %v", got)
		}
		if n := s.writes.Load(); n != 1 {
			t.Errorf("%d writes", n)
		}
	})
}

func TestHeldBackRepliesLeaveWithinAMillisecond(t *testing.T) {
	clk := new(sim.Clock)
	a, b := pipe.New(0)
	c := open(t, clk, core.Server, core.Config{}, a)
	p := &peer{t: t, s: b, role: core.Client}
	p.write(p.text(p.text(nil, "one"), "two"))
	receiveText(t, c, "one")
	if err := c.Send(t.Context(), frame.Text, []byte("reply")); err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Millisecond - 1)
	if got := p.there(); len(got) > 0 {
		t.Fatalf("%x was not held back", got)
	}
	clk.Advance(1)
	if got := p.frames(p.there()); !equal(got, []received{{frame.Text, "reply"}}) {
		t.Fatalf("after a millisecond: %v", got)
	}
	receiveText(t, c, "two")
}

// Whoever writes does not write for others without end.
func TestASenderIsNotKeptByOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, _ := pipe.New(0)
		returned := make(chan struct{})
		writes := 0
		s := &queued{Stream: a}
		c := open(t, real.New(), core.Server, core.Config{}, s)
		s.another = func(size int) {
			if writes++; writes > 20 {
				<-returned // a goroutine of its own has taken over by now
			}
			if writes < 40 {
				c.Send(t.Context(), frame.Text, []byte("another"))
			}
		}
		if err := c.Send(t.Context(), frame.Text, []byte("one")); err != nil {
			t.Error(err)
		}
		close(returned)
		synctest.Wait()
		if writes != 40 {
			t.Errorf("%d writes", writes)
		}
	})
}

// A queued stream has another send whenever it writes.
type queued struct {
	transport.Stream
	another func(size int)
}

func (s *queued) TryWrite(p []byte) (int, error) {
	s.another(len(p))
	return s.Stream.TryWrite(p)
}

// A large message gets its turn among small ones that never pause.
func TestALargeMessageGetsItsTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, _ := pipe.New(1 << 20)
		s := &queued{Stream: a}
		c := open(t, real.New(), core.Server, core.Config{}, s)
		var writes atomic.Int32
		large := make(chan int32, 1)
		s.another = func(size int) {
			n := writes.Add(1)
			if n == 1 {
				go c.Send(t.Context(), frame.Binary, make([]byte, 100_000))
				synctest.Wait() // it waits for the turn
			}
			if size > 50_000 {
				large <- n
			}
			if n < 100 {
				c.Send(t.Context(), frame.Text, []byte("another"))
			}
		}
		c.Send(t.Context(), frame.Text, []byte("one"))
		if n := <-large; n > 20 {
			t.Errorf("the large message waited for %d writes", n)
		}
	})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
