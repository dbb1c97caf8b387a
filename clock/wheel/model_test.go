package wheel_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/wheel"
	"github.com/fb1e3c20/websockets/sim"
)

// A model knows of each timer when it is to fire.
type model struct {
	t      *testing.T
	r      *rand.Rand
	base   *sim.Clock
	tick   clock.Time
	timers []clock.Timer
	due    map[int]clock.Time // of those that are armed
	fired  int
}

// Whatever is armed, moved and stopped, a timer fires in the tick of its instant, and the
// clock below is to call only while a timer is armed.
func TestAgainstAModel(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		m := &model{t: t, r: r, base: new(sim.Clock), due: make(map[int]clock.Time)}
		m.tick = 1 + clock.Time(r.Int64N(1<<r.IntN(30)))
		m.run(1 + r.IntN(40))
		if t.Failed() {
			t.Fatalf("seed %d, tick %d", seed, m.tick)
		}
	}
}

func (m *model) run(timers int) {
	c := wheel.New(m.base, time.Duration(m.tick))
	for i := range timers {
		m.timers = append(m.timers, c.NewTimer(func() { m.fire(i) }))
	}
	for range 500 {
		m.step()
	}
	if m.fired == 0 {
		m.t.Error("no timer fired")
	}
}

func (m *model) step() {
	i := m.r.IntN(len(m.timers))
	switch m.r.IntN(5) {
	case 0:
		m.stop(i)
	case 1:
		m.base.Advance(min(m.distance(40), time.Duration(m.tick)<<m.r.IntN(20)))
		m.check()
	default:
		m.reset(i)
	}
	if at, armed := m.base.Next(); armed != (len(m.due) > 0) {
		m.t.Errorf("%d timers are armed, the clock is to call: %v, at %d", len(m.due), armed, at)
	}
}

// distance returns a duration of any magnitude up to 2^bits ns.
func (m *model) distance(bits int) time.Duration {
	return time.Duration(m.r.Int64N(1 << m.r.IntN(bits+1)))
}

func (m *model) stop(i int) {
	m.timers[i].Stop()
	delete(m.due, i)
}

func (m *model) reset(i int) {
	now := m.base.Now()
	at := now.Add(m.distance(45))
	switch m.r.IntN(8) {
	case 0:
		at = now.Add(-m.distance(45))
	case 1, 2: // as far as a level reaches, or nearly
		at = now.Add(time.Duration(m.tick<<(6*m.r.IntN(3)) - m.tick*clock.Time(m.r.IntN(3))))
	case 3:
		at = clock.Latest - clock.Time(m.r.Int64N(int64(m.tick)))
	}
	m.timers[i].Reset(at)
	if at > clock.Latest-m.tick {
		delete(m.due, i)
		return
	}
	m.due[i] = max((max(at, 0)+m.tick-1)/m.tick*m.tick, now)
}

func (m *model) fire(i int) {
	m.fired++
	now := m.base.Now()
	if due, armed := m.due[i]; !armed || due != now {
		m.t.Errorf("timer %d fired at %d; armed: %v, due: %d", i, now, armed, due)
	}
	delete(m.due, i)
	switch m.r.IntN(6) {
	case 0:
		m.reset(i)
	case 1:
		m.stop(m.r.IntN(len(m.timers)))
	}
}

func (m *model) check() {
	now := m.base.Now()
	for i, due := range m.due {
		if due <= now {
			m.t.Errorf("at %d timer %d has not fired, due at %d", now, i, due)
		}
	}
}
