package transport_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// What the peer sends before it answers a close is not lost between two calls
// of Receive.
func TestMessagesBeforeTheAnswerToCloseAreReceived(t *testing.T) {
	for _, when := range []string{"meanwhile", "later"} {
		t.Run(when, func(t *testing.T) {
			n := 20_000 // more than is kept
			if when == "later" {
				n = 50
			}
			srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
			go func() { echo(srv); srv.Close(frame.NormalClosure, "") }()
			ctx := context.Background()
			if when == "later" {
				sendNumbers(t, cli, n)
			}
			received := make(chan int, 1)
			receive := func() {
				i := 0
				for {
					_, p, err := cli.Receive(ctx, nil)
					if err != nil {
						received <- i
						return
					}
					if string(p) != fmt.Sprint(i) {
						t.Errorf("message %d is %q", i, p)
					}
					if i++; i%100 == 0 {
						runtime.Gosched() // Close finds nobody receiving
					}
				}
			}
			if when == "meanwhile" {
				go receive()
				sendNumbers(t, cli, n)
			}
			if err := cli.Close(frame.NormalClosure, ""); err != nil {
				t.Fatal(err)
			}
			if when == "later" {
				go receive()
			}
			if got := <-received; got != n {
				t.Errorf("received %d messages of %d", got, n)
			}
		})
	}
}

func sendNumbers(t *testing.T, c *transport.Conn, n int) {
	t.Helper()
	for i := range n {
		if err := c.Send(t.Context(), frame.Text, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
}

// With the close timeout off, the connection timeout still ends a Close that
// waits for a peer that died behind more than is read ahead.
func TestCloseOfADeadPeerBehindABacklog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(1 << 20)
		c := open(t, real.New(), core.Server, core.Config{CloseTimeout: -1}, a)
		h := frame.Header{Fin: true, Opcode: frame.Binary, Masked: true}
		for range 300 {
			if _, err := b.TryWrite(frame.AppendFrame(nil, h, make([]byte, 1000))); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		d := took(func() {
			if err := c.Close(frame.NormalClosure, ""); err != core.ErrConnectionTimeout {
				t.Error(err)
			}
		})
		if d > 70*time.Second {
			t.Errorf("Close took %v", d)
		}
	})
}

// Who has heard that the peer closed cannot change the answer any more.
func TestCloseAtTheMomentOfTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		gone := make(chan *transport.Conn, 1)
		s := &readHook{Stream: a, again: func() {
			go func() {
				c := <-gone
				<-c.Done()
				c.Close(frame.NormalClosure, "")
			}()
			synctest.Wait()
		}}
		c := open(t, real.New(), core.Server, core.Config{}, s)
		gone <- c
		p := &peer{t: t, s: b, role: core.Client}
		c.Discard()
		p.write(p.closing(frame.GoingAway))
		time.Sleep(time.Second)
		if got := p.frames(p.there()); !equal(got, []received{closeFrame(frame.GoingAway)}) {
			t.Error(got)
		}
		p.s.Close()
	})
}

// A readHook calls a function before the read that follows one with input.
type readHook struct {
	transport.Stream
	read  bool
	again func()
}

func (s *readHook) TryRead(p []byte) (int, error) {
	if f := s.again; s.read && f != nil {
		s.again = nil
		f()
	}
	n, err := s.Stream.TryRead(p)
	s.read = n > 0
	return n, err
}
