package websockets

import (
	"context"
	"sync/atomic"
	"time"
)

// A lifetime is a context that ends with end, or its parent, which the connection knows: as
// one of context.WithCancel, which is made only when somebody waits for it.
type lifetime struct {
	c     *Conn
	inner atomic.Pointer[cancellable] // unawaited, if nobody had waited at the end
}

type cancellable struct {
	context.Context
	cancel context.CancelFunc
}

var _ context.Context = (*lifetime)(nil)

var unawaited = func() *cancellable {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &cancellable{ctx, cancel}
}()

func (l *lifetime) end() {
	if !l.inner.CompareAndSwap(nil, unawaited) {
		l.inner.Load().cancel()
	}
}

func (l *lifetime) parent() context.Context { return l.c.extras.handlerParent() }

// awaited returns the context that can be waited for.
func (l *lifetime) awaited() *cancellable {
	if c := l.inner.Load(); c != nil {
		return c
	}
	c := &cancellable{}
	c.Context, c.cancel = context.WithCancel(l.parent())
	if l.inner.CompareAndSwap(nil, c) {
		return c
	}
	c.cancel()
	return l.inner.Load()
}

func (l *lifetime) Done() <-chan struct{} { return l.awaited().Done() }

func (l *lifetime) Deadline() (time.Time, bool) { return l.parent().Deadline() }

func (l *lifetime) Err() error {
	if c := l.inner.Load(); c != nil {
		return c.Err()
	}
	return l.parent().Err()
}

// Value asks the context that can be waited for, if it has been made: so package context
// knows it as its own.
func (l *lifetime) Value(key any) any {
	if c := l.inner.Load(); c != nil && c != unawaited {
		return c.Value(key)
	}
	return l.parent().Value(key)
}
