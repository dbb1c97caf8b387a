package transport

import (
	"context"
	"errors"
	"sync"
)

// A turn is held by one goroutine at a time and handed on in the order of
// asking. It is guarded by a mutex that is never held while waiting.
type turn struct {
	last *waiter // of a ring of those who wait; nobody; nil: the turn is free
}

// nobody waits for a turn that is held.
var nobody = new(waiter)

type waiter struct {
	next  *waiter // the first, after the last
	woken chan struct{}
	taken bool // the turn was handed over
}

func (t *turn) held() bool { return t.last != nil }

// wanted reports whether somebody waits for the turn.
func (t *turn) wanted() bool { return t.last != nil && t.last != nobody }

// try takes the turn if it is free.
func (t *turn) try() bool {
	if t.held() {
		return false
	}
	t.last = nobody
	return true
}

// take waits for the turn. It returns the error of ctx, or errDismissed. mu is
// held at the call and at the return.
func (t *turn) take(ctx context.Context, mu *sync.Mutex) error {
	if t.try() {
		return nil
	}
	me := &waiter{woken: make(chan struct{})}
	t.push(me)
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
	if !t.remove(me) && me.taken {
		t.pass() // it was handed over just now
	}
	return ctx.Err()
}

// pass hands the turn to the next who waits, or frees it.
func (t *turn) pass() {
	if !t.wanted() {
		t.last = nil
		return
	}
	first := t.last.next
	t.remove(first)
	first.taken = true
	close(first.woken)
}

// errDismissed: whoever has the turn may keep it for ever.
var errDismissed = errors.New("transport: dismissed from the queue")

// dismiss sends away all who wait for the turn.
func (t *turn) dismiss() {
	for t.wanted() {
		first := t.last.next
		t.remove(first)
		close(first.woken)
	}
}

func (t *turn) push(w *waiter) {
	w.next = w
	if t.wanted() {
		w.next, t.last.next = t.last.next, w
	}
	t.last = w
}

// remove reports whether w waited.
func (t *turn) remove(w *waiter) bool {
	if !t.wanted() {
		return false
	}
	for before := t.last; ; before = before.next {
		switch {
		case before.next == w:
			before.next = w.next
			if t.last == w {
				t.last = before
			}
			if before == w { // the only one
				t.last = nobody
			}
			return true
		case before.next == t.last:
			return false
		}
	}
}
