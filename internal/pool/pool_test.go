package pool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/fb1e3c20/websockets/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// conn has room for so many streams.
type conn struct {
	room atomic.Int32
	done chan struct{}
}

func newConn(room int32) *conn {
	c := &conn{done: make(chan struct{})}
	c.room.Store(room)
	return c
}

func (c *conn) Reserve() bool         { return c.room.Add(-1) >= 0 }
func (c *conn) Done() <-chan struct{} { return c.done }

// dials counts, and makes connections with room for so many.
type dials struct {
	mu   sync.Mutex
	room int32
	made []*conn
}

func (d *dials) open(context.Context) (*conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newConn(d.room)
	c.Reserve()
	d.made = append(d.made, c)
	return c, nil
}

func (d *dials) end() {
	for _, c := range d.made {
		close(c.done)
	}
}

func TestManyAtOnceShareOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool[*conn]
		d := &dials{room: 30}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := p.Get(t.Context(), "a", d.open); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(d.made) != 4 {
			t.Errorf("%d connections for 100 streams, 30 on each; want 4", len(d.made))
		}
		if _, err := p.Get(t.Context(), "b", d.open); err != nil || len(d.made) != 5 {
			t.Errorf("another key: %d connections, %v; want one of its own", len(d.made), err)
		}
		d.end()
	})
}

func TestWhoWaitsFailsWithTheDialThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool[*conn]
		broken := errors.New("broken")
		release := make(chan struct{})
		var dialled atomic.Int32
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := p.Get(t.Context(), "a", func(context.Context) (*conn, error) {
					dialled.Add(1)
					<-release
					return nil, broken
				})
				if err != broken {
					t.Errorf("%v; want %v", err, broken)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if dialled.Load() != 1 {
			t.Errorf("%d dials; want 1", dialled.Load())
		}
	})
}

func TestWhoWaitsDialsWhenTheOtherGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool[*conn]
		d := &dials{room: 10}
		first, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := p.Get(first, "a", func(ctx context.Context) (*conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			if err != context.Canceled {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		for range 5 {
			wg.Go(func() {
				if _, err := p.Get(t.Context(), "a", d.open); err != nil {
					t.Error(err)
				}
			})
		}
		impatient, giveUp := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := p.Get(impatient, "a", d.open); err != context.Canceled {
				t.Errorf("who does not wait: %v", err)
			}
		})
		synctest.Wait()
		giveUp()
		synctest.Wait()
		cancel()
		wg.Wait()
		if len(d.made) != 1 {
			t.Errorf("%d connections; want 1", len(d.made))
		}
		d.end()
	})
}

func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	var p Pool[*conn]
	func() {
		defer func() { recover() }()
		p.Get(t.Context(), "a", func(context.Context) (*conn, error) { panic("no") })
	}()
	d := &dials{room: 1}
	if _, err := p.Get(t.Context(), "a", d.open); err != nil {
		t.Error(err)
	}
	d.end()
}

func TestAConnectionThatEndedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool[*conn]
		d := &dials{room: 10}
		p.Get(t.Context(), "a", d.open)
		d.end()
		synctest.Wait()
		if len(p.conns) != 0 {
			t.Errorf("the pool keeps %d keys", len(p.conns))
		}
		d.made = nil
		if _, err := p.Get(t.Context(), "a", d.open); err != nil || len(d.made) != 1 {
			t.Errorf("%d new connections, %v; want 1", len(d.made), err)
		}
		d.end()
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool[*conn]
		if err := p.Wait(t.Context()); err != nil {
			t.Errorf("an empty pool: %v", err)
		}
		d := &dials{room: 1}
		p.Get(t.Context(), "a", d.open)
		p.Get(t.Context(), "b", d.open)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Wait(ctx); err != context.Canceled {
			t.Errorf("%v; want %v", err, context.Canceled)
		}
		waited := make(chan error)
		go func() { waited <- p.Wait(t.Context()) }()
		synctest.Wait()
		d.end()
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}
