package sim

import (
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// A nodeClock is what a node takes for the time: the world's, but it may run
// fast or slow, and jump.
type nodeClock struct {
	since clock.Time // of the world: when the clock was last set
	local clock.Time // what it showed then
	ppm   int64      // how much faster it runs, in millionths
	peak  clock.Time // the latest that it showed before it was set back
}

// read returns what the clock shows when the world's time is t.
func (c *nodeClock) read(t clock.Time) clock.Time {
	d := int64(t - c.since)
	return c.local + clock.Time(d+d/million*c.ppm+d%million*c.ppm/million)
}

const million = 1_000_000

// when returns the first instant of the world, from now on, at which the clock
// shows local or more.
func (c *nodeClock) when(local, now clock.Time) clock.Time {
	if c.read(now) >= local {
		return now
	}
	if local == clock.Latest {
		return clock.Latest
	}
	d := int64(local - c.local)
	t := c.since + clock.Time(d-d/(million+c.ppm)*c.ppm) // near enough for the search
	low, high := now, max(t, now)
	for step := clock.Time(1); c.read(high) < local; step *= 2 {
		low = high
		high = high.Add(time.Duration(step))
	}
	for low+1 < high {
		if mid := low + (high-low)/2; c.read(mid) >= local {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// drift makes the clock run ppm millionths faster from now on.
func (c *nodeClock) drift(now clock.Time, ppm int64) {
	c.local, c.since = c.read(now), now
	c.ppm = ppm
}

// jump moves the clock by d.
func (c *nodeClock) jump(now clock.Time, d time.Duration) {
	shown := c.read(now)
	c.peak = max(c.peak, shown)
	c.local, c.since = shown.Add(d), now
}

// behind returns how far the clock is behind what it showed once.
func (c *nodeClock) behind(now clock.Time) time.Duration { return max(c.peak.Sub(c.read(now)), 0) }
