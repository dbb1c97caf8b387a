// Package clock names time without reading it.
//
// The protocol core takes the time as an argument and the drivers take a
// [Clock], so that a test, a simulator or a WASM host decides what time it is.
// This package holds the types only; package clock/real is the monotonic clock
// of the machine.
package clock

import (
	"math"
	"time"
)

// Time is an instant of one clock, in nanoseconds since an origin that the
// clock chose. Instants of two clocks must not be compared. Time never runs
// backwards on a well-behaved clock; the core clamps one that does.
type Time int64

// The earliest and the latest instant. Arithmetic saturates at both.
const (
	Earliest Time = math.MinInt64
	Latest   Time = math.MaxInt64
)

// Add returns the instant d after t (before it, when d is negative), or
// [Latest] or [Earliest] where that cannot be represented.
func (t Time) Add(d time.Duration) Time {
	sum := t + Time(d)
	if d > 0 && sum < t {
		return Latest
	}
	if d < 0 && sum > t {
		return Earliest
	}
	return sum
}

// Sub returns the time from u to t, the longest or shortest [time.Duration]
// where that cannot be represented.
func (t Time) Sub(u Time) time.Duration {
	diff := t - u
	if t > u && diff < 0 {
		return math.MaxInt64
	}
	if t < u && diff > 0 {
		return math.MinInt64
	}
	return time.Duration(diff)
}

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t < u }

// A Clock tells the time and calls back at a time.
//
// Its methods may be called from any goroutine.
type Clock interface {
	// Now returns the present instant.
	Now() Time

	// NewTimer returns a stopped timer that calls f each time it fires. A
	// real clock calls f in a goroutine of its own; a fake clock calls it
	// from inside the call that advances the clock. f must not block.
	NewTimer(f func()) Timer
}

// A Timer calls its function once for every Reset that is not overtaken by
// another Reset or a Stop.
//
// A call that was already under way when Reset or Stop was called is not
// undone: f may run once more than expected, so it looks at the clock, not at
// the fact that it was called.
type Timer interface {
	// Reset arms the timer for the instant t, in place of any earlier one. It
	// never calls the function itself: the caller may hold a lock.
	// An instant that has passed fires as soon as the clock calls back.
	Reset(t Time)

	// Stop disarms the timer.
	Stop()
}
