package transport

import (
	"context"
	"slices"
	"sync"
)

// A turn is held by one goroutine at a time and handed on in the order of
// asking. It is guarded by a mutex that is never held while waiting.
type turn struct {
	held  bool
	queue []chan struct{}
}

// try takes the turn if it is free.
func (t *turn) try() bool {
	if t.held {
		return false
	}
	t.held = true
	return true
}

// take waits for the turn. mu is held at the call and at the return.
func (t *turn) take(ctx context.Context, mu *sync.Mutex) error {
	if t.try() {
		return nil
	}
	mine := make(chan struct{})
	t.queue = append(t.queue, mine)
	mu.Unlock()
	select {
	case <-mine:
		mu.Lock()
		return nil
	case <-ctx.Done():
	}
	mu.Lock()
	if i := slices.Index(t.queue, mine); i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
	} else {
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
	close(next)
}
