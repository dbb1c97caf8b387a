// Package real is the monotonic clock of the machine.
//
// A clock of this package belongs to the testing/synctest bubble in which
// [New] was called, if any: it and its timers follow the time of the bubble.
package real

import (
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// New returns a clock whose origin is the present moment. Setting the wall
// clock of the machine does not change it. Its methods and those of its timers
// may be called from any goroutine.
func New() clock.Clock { return realClock{base: time.Now()} }

type realClock struct{ base time.Time }

func (c realClock) Now() clock.Time { return clock.Time(time.Since(c.base)) }

func (c realClock) NewTimer(f func()) clock.Timer { return &timer{clock: c, f: f} }

// A timer makes its time.Timer when it is first armed.
type timer struct {
	clock realClock
	f     func()

	mu sync.Mutex
	t  *time.Timer
}

func (t *timer) Reset(at clock.Time) {
	d := at.Sub(t.clock.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.t == nil {
		t.t = time.AfterFunc(d, t.f)
		return
	}
	t.t.Reset(d)
}

func (t *timer) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.t != nil {
		t.t.Stop()
	}
}
