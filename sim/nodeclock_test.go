package sim

import (
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

const year = 365 * 24 * time.Hour

// The instant that when returns is the first one, whatever the clock did
// before.
func TestNodeClockWhenIsExact(t *testing.T) {
	tape := FromSeed(1).Stream("clock")
	for i := range 20_000 {
		var c nodeClock
		now := clock.Time(0)
		for range tape.Int(5) {
			now = now.Add(tape.Scale(0, year))
			if tape.Chance(1, 2) {
				c.drift(now, int64(tape.Int(1_900_001))-900_000)
			} else {
				back := tape.Scale(0, time.Hour)
				c.jump(now, tape.Scale(0, time.Hour)-back)
			}
		}
		now = now.Add(tape.Scale(0, time.Hour))
		local := c.read(now).Add(tape.Scale(0, time.Hour) - tape.Scale(0, time.Minute))
		at := c.when(local, now)
		if at < now || c.read(at) < local {
			t.Fatalf("%d: %+v: when(%d, %d) is %d, when it shows %d", i, c, local, now, at, c.read(at))
		}
		if at > now && c.read(at-1) >= local {
			t.Fatalf("%d: %+v: when(%d, %d) is %d, but it shows %d before", i, c, local, now, at, c.read(at-1))
		}
	}
}

func TestNodeClockNeverRunsBackByItself(t *testing.T) {
	for _, ppm := range []int64{-900_000, -333_333, -1, 0, 1, 77_777, 1_000_000} {
		c := nodeClock{ppm: ppm, local: -5}
		for at := clock.Time(0); at < 3_000_000; at += 1 {
			if c.read(at+1) < c.read(at) {
				t.Fatalf("%d millionths: shows %d at %d and then %d", ppm, c.read(at), at, c.read(at+1))
			}
		}
	}
}

func TestNodeClockDriftOverAYear(t *testing.T) {
	for _, test := range []struct {
		ppm  int64
		want time.Duration
	}{
		{0, year},
		{1_000_000, 2 * year},
		{-900_000, year / 10},
		{100_000, year + year/10},
		{1, year + year/1_000_000},
	} {
		c := nodeClock{ppm: test.ppm}
		if got := c.read(clock.Time(year)); time.Duration(got) != test.want {
			t.Errorf("a year at %d millionths shows %v, want %v", test.ppm, time.Duration(got), test.want)
		}
		if got := c.when(clock.Time(test.want), 0); got > clock.Time(year) || c.read(got) < clock.Time(test.want) {
			t.Errorf("%d millionths: when(%v) is %v", test.ppm, test.want, time.Duration(got))
		}
	}
}

func TestNodeClockFarOff(t *testing.T) {
	for _, ppm := range []int64{-900_000, 0, 1_000_000} {
		c := nodeClock{ppm: ppm}
		if got := c.when(clock.Latest, 5); got != clock.Latest {
			t.Errorf("%d millionths: when(Latest) is %d", ppm, got)
		}
		if got := c.when(clock.Latest-1, 5); got < clock.Latest/2-1 {
			t.Errorf("%d millionths: when(Latest-1) is %d", ppm, got)
		}
		c.jump(5, 1<<62)
		c.jump(5, 1<<62)
		if got := c.read(1 << 62); got < 1<<62 {
			t.Errorf("%d millionths: after far jumps it shows %d", ppm, got)
		}
	}
}

func TestNodeClockBehind(t *testing.T) {
	var c nodeClock
	check := func(now clock.Time, want time.Duration) {
		t.Helper()
		if got := c.behind(now); got != want {
			t.Errorf("at %d it is %v behind, want %v", now, got, want)
		}
	}
	check(100, 0)
	c.jump(100, -40)
	check(100, 40)
	check(110, 30)
	c.jump(110, -20) // 70 is shown as 50; 100 was the peak
	check(110, 50)
	c.jump(110, 60)
	check(110, 0)
	c.jump(120, -5)
	check(120, 5)
	check(125, 0)
}
