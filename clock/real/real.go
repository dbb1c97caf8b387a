// Package real is the monotonic clock of the machine.
//
// A clock of this package belongs to the testing/synctest bubble in which
// [New] was called, if any: it and its timers follow the time of the bubble.
package real

import (
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// New returns a clock whose origin is the present moment. Setting the wall
// clock of the machine does not change it. Its methods and those of its timers
// may be called from any goroutine.
func New() clock.Clock { return &realClock{time.Now()} }

type realClock struct{ base time.Time }

func (c *realClock) Now() clock.Time { return clock.Time(time.Since(c.base)) }

func (c *realClock) NewTimer(f func()) clock.Timer { return &timer{clock: c, f: f} }

// A timer has one of Go's from its first Reset on.
type timer struct {
	clock *realClock
	f     func()
	t     atomic.Pointer[time.Timer]
}

func (t *timer) Reset(at clock.Time) {
	d := at.Sub(t.clock.Now())
	if old := t.t.Load(); old != nil {
		old.Reset(d)
		return
	}
	first := time.AfterFunc(d, t.f)
	if !t.t.CompareAndSwap(nil, first) { // another Reset came first
		first.Stop()
		t.t.Load().Reset(d)
	}
}

func (t *timer) Stop() {
	if old := t.t.Load(); old != nil {
		old.Stop()
	}
}
