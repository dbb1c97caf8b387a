package sim

import (
	"container/heap"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// A Clock is a [clock.Clock] that stands still until it is told to advance.
// Timers fire inside the call that advances it, one after the other, in the
// order of their instants; timers of one instant fire in the order in which
// they were armed. While a timer's function runs, the clock shows exactly the
// instant for which the timer was armed.
//
// The zero Clock stands at 0 and is ready. It is safe for use by several
// goroutines, but two that advance it at once take turns.
type Clock struct {
	advancing sync.Mutex // held while timers fire

	mu     sync.Mutex
	now    clock.Time
	timers timerHeap
	armed  uint64 // how many times a timer was armed
}

// Now returns the instant at which the clock stands.
func (c *Clock) Now() clock.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// NewTimer returns a stopped timer that calls f, or nothing if f is nil.
func (c *Clock) NewTimer(f func()) clock.Timer {
	if f == nil {
		f = func() {}
	}
	return &timer{clock: c, f: f, index: stopped}
}

// Next returns the instant of the timer that fires next.
func (c *Clock) Next() (at clock.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 {
		return 0, false
	}
	return max(c.timers[0].at, c.now), true
}

// Advance moves the clock by d and fires the timers on the way, those included
// that timers on the way arm. A timer armed for an instant that has passed
// fires at the present one. d below 0 is taken as 0. It must not be called by
// a timer's function.
func (c *Clock) Advance(d time.Duration) {
	c.advancing.Lock()
	defer c.advancing.Unlock()
	c.advanceTo(c.Now().Add(max(d, 0)))
}

// AdvanceTo moves the clock to the instant t, as Advance does; it stays where
// it is when t has passed, and fires what is due.
func (c *Clock) AdvanceTo(t clock.Time) {
	c.advancing.Lock()
	defer c.advancing.Unlock()
	c.advanceTo(t)
}

// advanceTo is AdvanceTo, with advancing held.
func (c *Clock) advanceTo(t clock.Time) {
	for {
		f := c.nextDue(t)
		if f == nil {
			return
		}
		f()
	}
}

// Step advances the clock to its next timer and fires all timers of that
// instant. It reports false when no timer is armed.
func (c *Clock) Step() bool {
	c.advancing.Lock()
	defer c.advancing.Unlock()
	at, ok := c.Next()
	if ok {
		c.advanceTo(at)
	}
	return ok
}

// nextDue takes the first timer that is due by t and moves the clock there. It
// returns nil, with the clock at t, when there is none.
func (c *Clock) nextDue(t clock.Time) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at > max(t, c.now) {
		c.now = max(c.now, t)
		return nil
	}
	due := heap.Pop(&c.timers).(*timer)
	c.now = max(c.now, due.at)
	return due.f
}

type timer struct {
	clock *Clock
	f     func()
	at    clock.Time
	order uint64
	index int // in the heap, or stopped
}

const stopped = -1

func (t *timer) Reset(at clock.Time) {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	t.at = at
	t.order = c.armed
	c.armed++
	if t.index == stopped {
		heap.Push(&c.timers, t)
		return
	}
	heap.Fix(&c.timers, t.index)
}

func (t *timer) Stop() {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.index != stopped {
		heap.Remove(&c.timers, t.index)
	}
}

// timerHeap orders timers by instant and, within one, by when they were armed.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = stopped
	return t
}
