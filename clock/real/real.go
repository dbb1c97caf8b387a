// Package real is the monotonic clock of the machine.
//
// A clock of this package belongs to the testing/synctest bubble in which
// [New] was called, if any: it and its timers follow the time of the bubble.
package real

import (
	"math"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// New returns a clock whose origin is the present moment. Setting the wall
// clock of the machine does not change it. Its methods and those of its timers
// may be called from any goroutine.
func New() clock.Clock { return &realClock{time.Now()} }

type realClock struct{ base time.Time }

func (c *realClock) Now() clock.Time { return clock.Time(time.Since(c.base)) }

func (c *realClock) NewTimer(f func()) clock.Timer {
	t := time.AfterFunc(math.MaxInt64, f)
	t.Stop()
	return &timer{c, t}
}

type timer struct {
	clock *realClock
	t     *time.Timer
}

func (t *timer) Reset(at clock.Time) { t.t.Reset(at.Sub(t.clock.Now())) }

func (t *timer) Stop() { t.t.Stop() }
