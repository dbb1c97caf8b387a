package sim_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/sim"
)

func ExampleClock() {
	var clk sim.Clock
	var timer clock.Timer
	timer = clk.NewTimer(func() {
		fmt.Println("ping at", time.Duration(clk.Now()))
		timer.Reset(clk.Now().Add(15 * time.Second))
	})
	timer.Reset(clk.Now().Add(15 * time.Second))

	clk.Advance(time.Minute)
	// Output:
	// ping at 15s
	// ping at 30s
	// ping at 45s
	// ping at 1m0s
}

func TestClockFiresInStableOrderAtExactInstants(t *testing.T) {
	var clk sim.Clock
	var fired []string
	arm := func(name string, at clock.Time) clock.Timer {
		timer := clk.NewTimer(func() { fired = append(fired, fmt.Sprint(name, "@", int64(clk.Now()))) })
		timer.Reset(at)
		return timer
	}
	arm("b", 20)
	arm("a", 10)
	moved := arm("c", 5)
	arm("d", 20)
	moved.Reset(20)
	arm("stopped", 15).Stop()
	arm("late", 31)
	clk.Advance(30)
	want := []string{"a@10", "b@20", "d@20", "c@20"}
	if !slices.Equal(fired, want) {
		t.Errorf("fired %v, want %v", fired, want)
	}
	if at, ok := clk.Next(); !ok || at != 31 {
		t.Errorf("next timer at %v, %v; want 31", at, ok)
	}
}

func TestClockFiresWhatHasPassedAtThePresentInstant(t *testing.T) {
	clk := new(sim.Clock)
	clk.Advance(100)
	fired := clock.Time(-1)
	timer := clk.NewTimer(func() { fired = clk.Now() })
	timer.Reset(50)
	if fired != -1 {
		t.Fatal("Reset called the function itself")
	}
	clk.Advance(0)
	if fired != 100 {
		t.Errorf("fired at %d, want 100", fired)
	}
}

func TestClockStep(t *testing.T) {
	clk := new(sim.Clock)
	if clk.Step() {
		t.Error("stepped without a timer")
	}
	n := 0
	for _, at := range []clock.Time{7, 7, 9} {
		clk.NewTimer(func() { n++ }).Reset(at)
	}
	clk.Step()
	if n != 2 || clk.Now() != 7 {
		t.Errorf("after one step %d timers fired by %d, want 2 by 7", n, clk.Now())
	}
}

// Goroutines that advance the clock at once take turns: it moves by the sum.
func TestClockAdvancedByMany(t *testing.T) {
	clk := new(sim.Clock)
	var ticks clock.Timer
	ticks = clk.NewTimer(func() { runtime.Gosched(); ticks.Reset(clk.Now() + 1) })
	ticks.Reset(1)
	const goroutines, each = 8, 500
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range each {
				clk.Advance(1)
				clk.Step()
			}
		})
	}
	group.Wait()
	if got := clk.Now(); got != 2*goroutines*each {
		t.Errorf("the clock stands at %d, want %d", got, 2*goroutines*each)
	}
}

func TestClockTimerOfNothing(t *testing.T) {
	clk := new(sim.Clock)
	clk.NewTimer(nil).Reset(1)
	clk.Advance(2)
	if clk.Now() != 2 {
		t.Errorf("the clock stands at %d, want 2", clk.Now())
	}
}
