package transport

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// A turn is held by one goroutine at a time and handed on in the order of
// asking. It is guarded by a mutex that is never held while waiting.
type turn struct {
	held  bool
	queue []*waiter
}

type waiter struct {
	woken chan struct{}
	taken bool // the turn was handed over
}

// try takes the turn if it is free.
func (t *turn) try() bool {
	if t.held {
		return false
	}
	t.held = true
	return true
}

// take waits for the turn. It returns the error of ctx, or errDismissed. mu is
// held at the call and at the return.
func (t *turn) take(ctx context.Context, mu *sync.Mutex) error {
	if t.try() {
		return nil
	}
	me := &waiter{woken: make(chan struct{})}
	t.queue = append(t.queue, me)
	mu.Unlock()
	select {
	case <-me.woken:
		mu.Lock()
		if me.taken {
			return nil
		}
		return errDismissed
	case <-ctx.Done():
	}
	mu.Lock()
	if i := slices.Index(t.queue, me); i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
	} else if me.taken {
		t.pass() // it was handed over just now
	}
	return ctx.Err()
}

// pass hands the turn to the next in the queue, or frees it.
func (t *turn) pass() {
	if len(t.queue) == 0 {
		t.held = false
		return
	}
	next := t.queue[0]
	t.queue = slices.Delete(t.queue, 0, 1)
	if len(t.queue) == 0 {
		t.queue = nil
	}
	next.taken = true
	close(next.woken)
}

// errDismissed: whoever has the turn may keep it for ever.
var errDismissed = errors.New("transport: dismissed from the queue")

// dismiss sends away all who wait for the turn.
func (t *turn) dismiss() {
	for _, w := range t.queue {
		close(w.woken)
	}
	t.queue = nil
}
