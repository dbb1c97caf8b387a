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
	d := t.Sub(c.since)
	if c.ppm == 0 {
		return c.local.Add(d)
	}
	ppm, rest := time.Duration(c.ppm), d%million
	return c.local.Add(d).Add(d/million*ppm + rest*(million+ppm)/million - rest)
}

const million = 1_000_000

// when returns the first instant of the world, from now on, at which the clock
// shows local or more, clock.Latest if that is too far off.
func (c *nodeClock) when(local, now clock.Time) clock.Time {
	if c.read(now) >= local {
		return now
	}
	if local == clock.Latest {
		return clock.Latest
	}
	if c.ppm == 0 {
		return c.since.Add(local.Sub(c.local))
	}
	d := local.Sub(c.local)
	low := now
	if near := c.since.Add(d - d/time.Duration(million+c.ppm)*time.Duration(c.ppm) - million); near > now && c.read(near) < local {
		low = near
	}
	high := low
	for step := time.Duration(1); c.read(high) < local; step *= 2 {
		if low, high = high, high.Add(step); high == clock.Latest {
			return clock.Latest
		}
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
