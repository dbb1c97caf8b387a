package wheel_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/clock/wheel"
	"github.com/fb1e3c20/websockets/sim"
)

// A stage is a wheel over a clock that the test moves.
type stage struct {
	clock.Clock
	tick   clock.Time
	moveTo func(clock.Time)

	mu    sync.Mutex
	fired []clock.Time
}

func (s *stage) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fired = append(s.fired, s.Now())
}

// up returns when the first tick begins that is not before at.
func (s *stage) up(at clock.Time) clock.Time { return (at + s.tick - 1) / s.tick * s.tick }

// want moves the clock to the tick of at and compares when timers were due that fired.
func (s *stage) want(t *testing.T, at clock.Time, due ...clock.Time) {
	t.Helper()
	s.moveTo(s.up(at))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, at := range due {
		due[i] = s.up(at)
	}
	if !slices.Equal(s.fired, due) {
		t.Fatalf("at %d the timer has fired at %v, want %v", at, s.fired, due)
	}
}

// test runs f over the machine's clock and over a fake one. With a tick of a nanosecond a
// wheel is exact.
func test(t *testing.T, f func(t *testing.T, s *stage, timer clock.Timer)) {
	for _, tick := range []time.Duration{1, 7, 64} {
		t.Run(fmt.Sprintf("real, %d", tick), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := wheel.New(real.New(), tick)
				s := &stage{Clock: c, tick: clock.Time(tick), moveTo: func(at clock.Time) {
					time.Sleep(at.Sub(c.Now()))
					synctest.Wait()
				}}
				f(t, s, s.NewTimer(s.fire))
			})
		})
		t.Run(fmt.Sprintf("fake, %d", tick), func(t *testing.T) {
			c := new(sim.Clock)
			s := &stage{Clock: wheel.New(c, tick), tick: clock.Time(tick), moveTo: c.AdvanceTo}
			f(t, s, s.NewTimer(s.fire))
			if at, armed := c.Next(); armed {
				t.Errorf("no timer is armed, but the clock is to call at %d", at)
			}
		})
	}
}

func TestTimerFiresOnceAtItsInstant(t *testing.T) {
	test(t, func(t *testing.T, s *stage, timer clock.Timer) {
		timer.Reset(100)
		s.moveTo(s.up(100) - 1)
		s.want(t, 0)
		s.want(t, 100, 100)
		s.want(t, 1000, 100)
	})
}

func TestTimerIsBornStopped(t *testing.T) {
	test(t, func(t *testing.T, s *stage, timer clock.Timer) {
		s.want(t, 1000)
		timer.Stop()
		s.want(t, 2000)
	})
}

func TestResetReplacesTheInstant(t *testing.T) {
	test(t, func(t *testing.T, s *stage, timer clock.Timer) {
		timer.Reset(1000)
		timer.Reset(2000) // later
		s.want(t, 1500)
		timer.Reset(1700) // earlier
		s.want(t, 3000, 1700)
		timer.Reset(4000) // again
		s.want(t, 5000, 1700, 4000)
	})
}

func TestStopDisarms(t *testing.T) {
	test(t, func(t *testing.T, s *stage, timer clock.Timer) {
		timer.Reset(1000)
		s.want(t, 900)
		timer.Stop()
		timer.Stop()
		s.want(t, 2000)
		timer.Reset(3000)
		s.want(t, 4000, 3000)
	})
}

func TestInstantInThePastFiresAtOnce(t *testing.T) {
	test(t, func(t *testing.T, s *stage, timer clock.Timer) {
		s.want(t, 640)
		s.mu.Lock()
		timer.Reset(20) // must not call fire, which locks
		s.mu.Unlock()
		s.want(t, 640, 640)
		timer.Reset(clock.Earliest)
		s.want(t, 640, 640, 640)
	})
}

func TestLatestNeverFires(t *testing.T) {
	test(t, func(t *testing.T, s *stage, timer clock.Timer) {
		timer.Reset(100)
		timer.Reset(clock.Latest)
		s.want(t, clock.Time(0).Add(100*365*24*time.Hour))
	})
}

func TestTimerMayResetItself(t *testing.T) {
	test(t, func(t *testing.T, s *stage, _ clock.Timer) {
		var timer clock.Timer
		timer = s.NewTimer(func() {
			s.fire()
			if s.Now() < 3000 {
				timer.Reset(s.Now().Add(1000))
			}
		})
		timer.Reset(1000)
		second := s.up(s.up(1000) + 1000)
		s.want(t, 10000, 1000, second, second+1000)
	})
}

// A function may stop and move timers that are due at the same time.
func TestTimersOfOneTick(t *testing.T) {
	test(t, func(t *testing.T, s *stage, _ clock.Timer) {
		stopped, moved := s.NewTimer(s.fire), s.NewTimer(s.fire)
		s.NewTimer(func() {
			s.fire()
			stopped.Stop()
			moved.Reset(5000)
		}).Reset(1000)
		stopped.Reset(1000)
		moved.Reset(1000)
		s.NewTimer(s.fire).Reset(1000)
		s.want(t, 9000, 1000, 1000, 5000)
	})
}

func TestTimersAreIndependent(t *testing.T) {
	test(t, func(t *testing.T, s *stage, timer clock.Timer) {
		other := s.NewTimer(s.fire)
		timer.Reset(1000)
		other.Reset(500)
		timer.Stop()
		s.want(t, 2000, 500)
	})
}

// A function that takes long holds others up by no more than a tick.
func TestFunctionThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := wheel.New(real.New(), time.Second)
		end := make(chan struct{})
		c.NewTimer(func() { <-end }).Reset(1)
		var at clock.Time
		c.NewTimer(func() { at = c.Now() }).Reset(2)
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := clock.Time(2 * time.Second); at != want {
			t.Errorf("the other fired at %d, want %d", at, want)
		}
		close(end)
	})
}

// A shifted clock shows less than the clock under it.
type shifted struct {
	*sim.Clock
	by clock.Time
}

func (c *shifted) Now() clock.Time { return c.Clock.Now() - c.by }

func (c *shifted) NewTimer(f func()) clock.Timer { return shiftedTimer{c.Clock.NewTimer(f), c} }

type shiftedTimer struct {
	clock.Timer
	c *shifted
}

func (t shiftedTimer) Reset(at clock.Time) { t.Timer.Reset(at + t.c.by) }

func TestInstantsBelowZero(t *testing.T) {
	base := new(sim.Clock)
	c := wheel.New(&shifted{base, 1000}, 10)
	var fired clock.Time
	timer := c.NewTimer(func() { fired = c.Now() })
	timer.Reset(-15)
	base.Advance(2000)
	if fired != -10 {
		t.Errorf("a timer for -15 fired at %d, want -10", fired)
	}
}

func TestClockThatIsSetBack(t *testing.T) {
	base := &shifted{Clock: new(sim.Clock)}
	c := wheel.New(base, 10)
	var fired clock.Time
	timer := c.NewTimer(func() { fired = c.Now() })
	timer.Reset(2000)
	for range 10 {
		base.Advance(300)
		base.by += 200
	}
	if fired != 0 {
		t.Fatalf("fired at %d", fired)
	}
	base.Advance(1000)
	if fired != 2000 {
		t.Errorf("fired at %d, want 2000", fired)
	}
}

// A counting clock counts how often its timers are armed and call. It calls too early by
// what early says, once.
type counting struct {
	*sim.Clock
	resets, calls int
	early         clock.Time
}

func (c *counting) NewTimer(f func()) clock.Timer {
	return countingTimer{c.Clock.NewTimer(func() { c.calls++; f() }), c}
}

type countingTimer struct {
	clock.Timer
	c *counting
}

func (t countingTimer) Reset(at clock.Time) {
	t.c.resets++
	t.Timer.Reset(at - t.c.early)
	t.c.early = 0
}

func TestClockThatCallsTooEarly(t *testing.T) {
	base := &counting{Clock: new(sim.Clock), early: 5}
	c := wheel.New(base, 10)
	var fired clock.Time
	c.NewTimer(func() { fired = c.Now() }).Reset(95)
	base.Advance(1000)
	if fired != 100 {
		t.Errorf("fired at %d, want 100", fired)
	}
}

// The wheel calls on its clock where there is something to do, not with each tick.
func TestCallsOfTheClock(t *testing.T) {
	base := &counting{Clock: new(sim.Clock)}
	c := wheel.New(base, 10*time.Millisecond)
	timer := c.NewTimer(func() {})
	for range 3 {
		base.calls = 0
		timer.Reset(c.Now().Add(10 * time.Hour))
		base.Advance(24 * time.Hour)
		if base.calls > 5 {
			t.Errorf("%d calls for a timer of ten hours", base.calls)
		}
	}
	late := clock.Time(0).Add((1<<26 + 62) * 10 * time.Millisecond) // near the end of a slot of the second level
	timer.Reset(late)
	base.AdvanceTo(late)
	base.calls = 0
	timer.Reset(late.Add((64*64 - 1) * 10 * time.Millisecond))
	c.NewTimer(func() {}).Reset(late.Add(10 * time.Millisecond))
	base.Advance(time.Hour)
	if base.calls > 3 {
		t.Errorf("%d calls for a timer as far off as two levels reach and one before", base.calls)
	}
	base.calls, base.resets = 0, 0
	for i := range 50 {
		for range 20 {
			c.NewTimer(func() {}).Reset(c.Now().Add(time.Second + time.Duration(i)*10*time.Millisecond))
		}
	}
	base.Advance(time.Hour)
	if base.calls > 60 || base.resets > 120 {
		t.Errorf("%d calls and %d resets for the timers of 50 ticks", base.calls, base.resets)
	}
}

// The end of time is a tick like others, and the last one in which a timer fires.
func TestEndOfTime(t *testing.T) {
	base := new(sim.Clock)
	c := wheel.New(base, 10)
	fired := 0
	timer := c.NewTimer(func() { fired++ })
	timer.Reset(clock.Latest - 20)
	base.AdvanceTo(clock.Latest - 9)
	if fired != 1 {
		t.Errorf("fired %d times", fired)
	}
	timer.Reset(clock.Latest - 1)
	base.AdvanceTo(clock.Latest)
	if fired != 1 {
		t.Error("fired within a tick of Latest")
	}
}

func TestTickMustBePositive(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	wheel.New(new(sim.Clock), 0)
}

// Under the race detector: any goroutine may reset and stop, functions included.
func TestConcurrently(t *testing.T) {
	c := wheel.New(real.New(), 100*time.Microsecond)
	var fired [32]atomic.Int32
	var timers [32]clock.Timer
	ready := make(chan struct{})
	for i := range timers {
		timers[i] = c.NewTimer(func() {
			<-ready
			fired[i].Add(1)
			timers[(i+1)%len(timers)].Stop()
			timers[(i+2)%len(timers)].Reset(c.Now().Add(time.Duration(i) * 50 * time.Microsecond))
		})
	}
	close(ready)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 2000 {
				timer := timers[r.IntN(len(timers))]
				if r.IntN(3) == 0 {
					timer.Stop()
					continue
				}
				timer.Reset(c.Now().Add(time.Duration(r.Int64N(int64(10 * time.Millisecond)))))
			}
		})
	}
	all.Wait()
	last := make(chan struct{})
	c.NewTimer(func() { close(last) }).Reset(c.Now().Add(20 * time.Millisecond))
	<-last
	for _, timer := range timers {
		timer.Stop()
	}
	total := int32(0)
	for i := range fired {
		total += fired[i].Load()
	}
	if total == 0 {
		t.Error("no timer fired")
	}
}

func TestAllocations(t *testing.T) {
	c := wheel.New(real.New(), time.Millisecond)
	other := c.NewTimer(func() {})
	other.Reset(c.Now().Add(time.Hour))
	timer := c.NewTimer(func() {})
	if allocs := testing.AllocsPerRun(100, func() {
		timer.Reset(c.Now().Add(time.Minute))
		timer.Reset(c.Now().Add(time.Hour))
		timer.Stop()
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	other.Stop()
}

func TestSizeOfATimer(t *testing.T) {
	if size := heapOf(wheel.New(real.New(), time.Millisecond), 10_000); size > 56 {
		t.Errorf("%v bytes a timer, want 48", size)
	}
}

// heapOf returns how many bytes one of n timers takes while it is armed.
func heapOf(c clock.Clock, n int) float64 {
	timers := make([]clock.Timer, n)
	f := func() {}
	before := liveHeap()
	for i := range timers {
		timers[i] = c.NewTimer(f)
		timers[i].Reset(c.Now().Add(time.Hour))
	}
	size := float64(liveHeap()-before) / float64(n)
	for _, timer := range timers {
		timer.Stop()
	}
	return size
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func ExampleNew() {
	c := wheel.New(real.New(), 10*time.Millisecond)

	done := make(chan struct{})
	timer := c.NewTimer(func() { close(done) })
	timer.Reset(c.Now().Add(time.Millisecond))
	<-done

	fmt.Println(c.Now().Sub(0) >= time.Millisecond)
	// Output: true
}
