package wheel_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/clock/wheel"
)

// crowd is how many timers are armed together.
const crowd = 100_000

func overClocks(b *testing.B, f func(b *testing.B, c clock.Clock)) {
	b.Run("real", func(b *testing.B) { f(b, real.New()) })
	b.Run("wheel", func(b *testing.B) { f(b, wheel.New(real.New(), 10*time.Millisecond)) })
}

// armed returns timers that fire in a minute or two, unless they are stopped at the end.
func armed(b *testing.B, c clock.Clock) []clock.Timer {
	timers := make([]clock.Timer, crowd)
	for i := range timers {
		timers[i] = c.NewTimer(func() {})
		timers[i].Reset(c.Now().Add(time.Minute + rand.N(time.Minute)))
	}
	b.Cleanup(func() {
		for _, timer := range timers {
			timer.Stop()
		}
	})
	return timers
}

// One of many timers is moved, as with each message that puts off a deadline.
func BenchmarkReset(b *testing.B) {
	overClocks(b, func(b *testing.B, c clock.Clock) {
		timers := armed(b, c)
		now, i := c.Now(), 0
		for b.Loop() {
			timers[i%crowd].Reset(now.Add(time.Minute + time.Duration(i%crowd)*time.Millisecond/2))
			i += 7919
		}
	})
}

func BenchmarkResetParallel(b *testing.B) {
	overClocks(b, func(b *testing.B, c clock.Clock) {
		timers := armed(b, c)
		now := c.Now()
		var goroutines atomic.Int32
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := int(goroutines.Add(1)) * crowd / 16; pb.Next(); i += 7919 {
				timers[i%crowd].Reset(now.Add(time.Minute + time.Duration(i%crowd)*time.Millisecond/2))
			}
		})
	})
}

// Timers are armed for the next tenth of a second and fire; an operation is one timer.
func BenchmarkFire(b *testing.B) {
	overClocks(b, func(b *testing.B, c clock.Clock) {
		var left atomic.Int64
		left.Store(int64(b.N))
		done := make(chan struct{})
		for range b.N {
			c.NewTimer(func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}).Reset(c.Now().Add(rand.N(time.Second / 10)))
		}
		<-done
	})
}

func BenchmarkMemory(b *testing.B) {
	overClocks(b, func(b *testing.B, c clock.Clock) {
		size := 0.0
		for b.Loop() {
			if size == 0 {
				size = heapOf(c, crowd) // what the runtime keeps of stopped timers is for the first time alone
			}
		}
		b.ReportMetric(size, "B/timer")
	})
}
