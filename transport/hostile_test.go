package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A hostile stream keeps the contract to the letter and helps nobody: it cuts
// what passes into pieces, would block and is kicked for no reason, writes over
// what it was given as far as it may, and tells when it is called by two.
type hostile struct {
	transport.Stream
	t    *testing.T
	most int // bytes a call

	in, out side
}

// A side is used by one goroutine at a time.
type side struct {
	using sync.Mutex
	rnd   *rand.Rand
	again []byte // after ErrWouldBlock the same bytes must come again
	due   bool
}

func newHostile(t *testing.T, s transport.Stream, seed uint64) *hostile {
	h := &hostile{Stream: s, t: t}
	h.in.rnd, h.out.rnd = rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	h.most = mostBytes[seed%4]
	return h
}

var mostBytes = [4]int{1, 3, 100, 5000}

func (h *hostile) enter(s *side) (leave func()) {
	if !s.using.TryLock() {
		h.t.Error("one side of the stream is used by two")
		s.using.Lock()
	}
	if s.rnd.IntN(4) == 0 {
		runtime.Gosched()
	}
	return s.using.Unlock
}

func (h *hostile) TryRead(p []byte) (int, error) {
	defer h.enter(&h.in)()
	if h.in.rnd.IntN(4) == 0 {
		return 0, transport.ErrWouldBlock
	}
	n := 1 + h.in.rnd.IntN(min(len(p), h.most))
	k, err := h.Stream.TryRead(p[:n])
	poison(p[k:])
	return k, err
}

func (h *hostile) AwaitRead(l transport.Lender) (int, error) {
	defer h.enter(&h.in)()
	switch h.in.rnd.IntN(8) {
	case 0:
		return 0, transport.ErrKicked
	case 1:
		poison(l.Borrow())
		l.Return()
	}
	return h.Stream.AwaitRead(&shortLender{l, 1 + h.in.rnd.IntN(h.most)})
}

type shortLender struct {
	transport.Lender
	n int
}

func (l *shortLender) Borrow() []byte {
	p := l.Lender.Borrow()
	poison(p)
	return p[:min(l.n, len(p))]
}

func (h *hostile) TryWrite(p []byte) (int, error) {
	defer h.enter(&h.out)()
	if h.out.due && !bytes.HasPrefix(p, h.out.again) {
		h.t.Error("after ErrWouldBlock other bytes came than those that were refused")
	}
	h.out.due = false
	n := min(len(p), h.out.rnd.IntN(h.most+1))
	k, err := h.Stream.TryWrite(p[:n])
	if err == nil && k < len(p) {
		err = transport.ErrWouldBlock
	}
	if err == transport.ErrWouldBlock {
		h.out.due, h.out.again = true, append(h.out.again[:0], p[k:min(len(p), k+100)]...)
	}
	return k, err
}

func (h *hostile) AwaitWrite() error {
	defer h.enter(&h.out)()
	if h.out.rnd.IntN(8) == 0 {
		return transport.ErrKicked
	}
	return h.Stream.AwaitWrite()
}

func (h *hostile) Readable() bool { return h.Stream.Readable() }

func poison(p []byte) {
	for i := range p[:min(len(p), 300)] {
		p[i] = 0xa5
	}
}

func TestEchoOverHostileStreams(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			a, b := pipe.New([]int{10, 1000, 100_000}[rnd.IntN(3)])
			cfg := core.Config{Pings: core.PingAnswer}
			srv := open(t, real.New(), core.Server, cfg, newHostile(t, a, seed))
			cli := open(t, real.New(), core.Client, cfg, newHostile(t, b, seed+1000))
			ctx := context.Background()
			var all sync.WaitGroup
			all.Go(func() {
				err := echo(srv)
				if ce, ok := errors.AsType[*transport.CloseError](err); !ok || ce.Reason != "done" {
					t.Error("server:", err)
				}
				srv.Close(frame.NormalClosure, "")
			})
			var sent [][]byte
			sizes := []int{0, 1, 200, 3000, 70_000}
			most := 20 * mostBytes[seed%4] // larger ones take too many calls
			for range 12 {
				msg := make([]byte, min(most, sizes[rnd.IntN(len(sizes))]))
				for i := range msg {
					msg[i] = byte(rnd.Uint32())
				}
				sent = append(sent, msg)
			}
			all.Go(func() {
				for _, msg := range sent {
					if err := cli.Send(ctx, frame.Binary, bytes.Clone(msg)); err != nil {
						t.Error("client:", err)
					}
				}
			})
			pinged := make(chan struct{})
			all.Go(func() {
				defer close(pinged)
				for range 3 {
					if _, err := cli.Ping(ctx); err != nil {
						t.Error("ping:", err)
					}
				}
			})
			for i, want := range sent {
				_, got, err := cli.Receive(ctx, nil)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("message %d: %d bytes, %v, want %d", i, len(got), err, len(want))
				}
			}
			go cli.Receive(ctx, nil) // for the pings
			<-pinged
			if err := cli.Close(frame.NormalClosure, "done"); err != nil {
				t.Error(err)
			}
			all.Wait()
		})
	}
}

// A stream that panics does so in its caller, who may recover.
func TestStreamPanics(t *testing.T) {
	for name, call := range map[string]func(c *transport.Conn){
		"Send":      func(c *transport.Conn) { c.Send(context.Background(), frame.Text, nil) },
		"SendLarge": func(c *transport.Conn) { c.Send(context.Background(), frame.Binary, make([]byte, 100_000)) },
		"Receive":   func(c *transport.Conn) { c.Receive(context.Background(), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := pipe.New(0)
			c := open(t, real.New(), core.Server, core.Config{PingInterval: -1, ConnectionTimeout: -1}, panicking{a})
			defer func() {
				if p := recover(); p != "broken" {
					t.Error("recovered", p)
				}
			}()
			call(c)
		})
	}
}

type panicking struct{ transport.Stream }

func (panicking) TryWrite([]byte) (int, error)            { panic("broken") }
func (panicking) AwaitRead(transport.Lender) (int, error) { panic("broken") }
