package real_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
)

// A log records when a timer fired.
type log struct {
	clock clock.Clock
	mu    sync.Mutex
	fired []clock.Time
}

func (l *log) fire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fired = append(l.fired, l.clock.Now())
}

// want waits until the clock shows at and compares.
func (l *log) want(t *testing.T, at clock.Time, fired ...clock.Time) {
	t.Helper()
	time.Sleep(at.Sub(l.clock.Now()))
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.fired, fired) {
		t.Fatalf("at %d the timer has fired at %v, want %v", at, l.fired, fired)
	}
}

func test(t *testing.T, f func(t *testing.T, c clock.Clock, l *log, timer clock.Timer)) {
	synctest.Test(t, func(t *testing.T) {
		c := real.New()
		l := &log{clock: c}
		f(t, c, l, c.NewTimer(l.fire))
	})
}

func TestNow(t *testing.T) {
	test(t, func(t *testing.T, c clock.Clock, _ *log, _ clock.Timer) {
		if got := c.Now(); got != 0 {
			t.Errorf("a new clock shows %d, want 0", got)
		}
		time.Sleep(3*time.Second + 1)
		if got := c.Now(); got != 3_000_000_001 {
			t.Errorf("3,000,000,001 ns later it shows %d", got)
		}
	})
}

func TestTimerFiresOnceAtItsInstant(t *testing.T) {
	test(t, func(t *testing.T, _ clock.Clock, l *log, timer clock.Timer) {
		timer.Reset(100)
		l.want(t, 99)
		l.want(t, 100, 100)
		l.want(t, 1000, 100)
	})
}

func TestTimerIsBornStopped(t *testing.T) {
	test(t, func(t *testing.T, _ clock.Clock, l *log, timer clock.Timer) {
		l.want(t, 1000)
		timer.Stop()
		l.want(t, 2000)
	})
}

func TestResetReplacesTheInstant(t *testing.T) {
	test(t, func(t *testing.T, _ clock.Clock, l *log, timer clock.Timer) {
		timer.Reset(100)
		timer.Reset(200) // later
		l.want(t, 150)
		timer.Reset(170) // earlier
		l.want(t, 300, 170)
		timer.Reset(400) // again
		l.want(t, 500, 170, 400)
	})
}

func TestStopDisarms(t *testing.T) {
	test(t, func(t *testing.T, _ clock.Clock, l *log, timer clock.Timer) {
		timer.Reset(100)
		l.want(t, 99)
		timer.Stop()
		timer.Stop()
		l.want(t, 200)
		timer.Reset(300)
		l.want(t, 400, 300)
	})
}

func TestInstantInThePastFiresAtOnce(t *testing.T) {
	test(t, func(t *testing.T, _ clock.Clock, l *log, timer clock.Timer) {
		l.want(t, 50)
		timer.Reset(20)
		l.want(t, 50, 50)
		timer.Reset(clock.Earliest)
		l.want(t, 50, 50, 50)
	})
}

func TestLatestNeverFires(t *testing.T) {
	test(t, func(t *testing.T, c clock.Clock, l *log, timer clock.Timer) {
		timer.Reset(clock.Latest)
		l.want(t, clock.Time(0).Add(100*365*24*time.Hour))
		timer.Stop()
	})
}

func TestTimerMayResetItself(t *testing.T) {
	test(t, func(t *testing.T, c clock.Clock, l *log, _ clock.Timer) {
		var timer clock.Timer
		timer = c.NewTimer(func() {
			l.fire()
			if c.Now() < 300 {
				timer.Reset(c.Now().Add(100))
			}
		})
		timer.Reset(100)
		l.want(t, 1000, 100, 200, 300)
	})
}

func TestTimersAreIndependent(t *testing.T) {
	test(t, func(t *testing.T, c clock.Clock, l *log, timer clock.Timer) {
		other := c.NewTimer(l.fire)
		timer.Reset(100)
		other.Reset(50)
		timer.Stop()
		l.want(t, 200, 50)
	})
}

// Under the race detector: any goroutine may reset and stop.
func TestTimerConcurrently(t *testing.T) {
	test(t, func(t *testing.T, c clock.Clock, l *log, timer clock.Timer) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for range 100 {
					timer.Reset(clock.Time(1000 + i))
					timer.Stop()
				}
			})
		}
		all.Wait()
		l.want(t, 2000)
		timer.Reset(3000)
		l.want(t, 4000, 3000)
	})
}

// Outside a bubble the time is the machine's, and does not run backwards.
func TestMachineClock(t *testing.T) {
	c := real.New()
	last := c.Now()
	if last < 0 || last > clock.Time(time.Minute) {
		t.Errorf("a new clock shows %d", last)
	}
	for range 1000 {
		now := c.Now()
		if now.Before(last) {
			t.Fatalf("%d after %d", now, last)
		}
		last = now
	}
	at := make(chan clock.Time)
	due := c.Now().Add(time.Millisecond)
	c.NewTimer(func() { at <- c.Now() }).Reset(due)
	if fired := <-at; fired.Before(due) {
		t.Errorf("fired %v early", due.Sub(fired))
	}
}

func TestAllocations(t *testing.T) {
	c := real.New()
	timer := c.NewTimer(func() {})
	timer.Reset(clock.Latest)
	if allocs := testing.AllocsPerRun(100, func() {
		timer.Reset(c.Now().Add(time.Hour))
		timer.Stop()
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func ExampleNew() {
	c := real.New()

	done := make(chan struct{})
	timer := c.NewTimer(func() { close(done) })
	timer.Reset(c.Now().Add(time.Millisecond))
	<-done

	fmt.Println(c.Now().Sub(0) >= time.Millisecond)
	// Output: true
}

func BenchmarkNow(b *testing.B) {
	c := real.New()
	for b.Loop() {
		c.Now()
	}
}

func BenchmarkReset(b *testing.B) {
	c := real.New()
	timer := c.NewTimer(func() {})
	at := c.Now().Add(time.Hour)
	for b.Loop() {
		timer.Reset(at)
	}
	timer.Stop()
}

// Whoever is first to arm a timer, it is one timer: nothing is left that Stop does not stop.
func TestResetsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := real.New()
		fired := 0
		for range 1000 {
			timer := c.NewTimer(func() { fired++ })
			timer.Stop() // of what has not been armed
			start := make(chan struct{})
			for range 8 {
				go func() {
					<-start
					timer.Reset(c.Now().Add(time.Second))
				}()
			}
			synctest.Wait()
			close(start)
			synctest.Wait()
			timer.Stop()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if fired > 0 {
			t.Errorf("timers that were stopped fired %d times", fired)
		}
	})
}
