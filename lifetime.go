package websockets

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A lifetime is a context that ends with end, or its parent: as one of context.WithCancel,
// which is made only when somebody waits for it.
type lifetime struct {
	parent context.Context

	mu    sync.Mutex
	over  atomic.Bool // written with mu
	inner atomic.Pointer[cancellable]
}

type cancellable struct {
	context.Context
	cancel context.CancelFunc
}

var _ context.Context = (*lifetime)(nil)

func (l *lifetime) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over.Store(true)
	if c := l.inner.Load(); c != nil {
		c.cancel()
	}
}

// awaited returns the context that can be waited for.
func (l *lifetime) awaited() *cancellable {
	if c := l.inner.Load(); c != nil {
		return c
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.inner.Load(); c != nil {
		return c
	}
	c := &cancellable{}
	c.Context, c.cancel = context.WithCancel(l.parent)
	if l.over.Load() {
		c.cancel()
	}
	l.inner.Store(c)
	return c
}

func (l *lifetime) Done() <-chan struct{} { return l.awaited().Done() }

func (l *lifetime) Deadline() (time.Time, bool) { return l.parent.Deadline() }

func (l *lifetime) Err() error {
	if c := l.inner.Load(); c != nil {
		return c.Err()
	}
	if l.over.Load() {
		return context.Canceled
	}
	return l.parent.Err()
}

// Value asks the context that can be waited for, if it has been made: so package context
// knows it as its own.
func (l *lifetime) Value(key any) any {
	if c := l.inner.Load(); c != nil {
		return c.Value(key)
	}
	return l.parent.Value(key)
}
