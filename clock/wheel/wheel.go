// Package wheel keeps many timers in one: a clock whose timers take 48 bytes each and
// are armed and stopped in constant time, for deadlines that need not be exact.
package wheel

import (
	"math"
	"math/bits"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// New returns a Clock that tells the time of c and whose timers share one timer of c,
// which is armed only while some of them are. There is nothing to close.
//
// A timer never fires early, and at most a tick late, beyond what c itself is late. The
// functions of timers that are due at once are called one after the other by the call of
// c's timer; those that are left after a tick are called by its next call, beside the
// first. A timer for an instant within a tick of [clock.Latest] never fires.
//
// The Clock and its timers may be used from any goroutine. New panics if tick is not
// positive.
func New(c clock.Clock, tick time.Duration) clock.Clock {
	if tick <= 0 {
		panic("wheel: the tick is not positive")
	}
	w := &wheel{Clock: c, origin: c.Now(), tick: uint64(tick), wake: never}
	w.timer = c.NewTimer(w.run)
	return w
}

// A wheel has levels of slots. A slot of the lowest level holds the timers of one tick,
// one of a higher level those of as many ticks as all slots of the level below it. A
// timer is in the lowest level that reaches as far as its tick, and moves down when the
// time of its slot begins.
const (
	slotBits = 6
	slots    = 1 << slotBits
	levels   = (64 + slotBits - 1) / slotBits

	due = levels * slots // the slot of what is to be called

	never = math.MaxUint64 // no tick
)

type wheel struct {
	clock.Clock            // tells the time
	origin      clock.Time // of ticks
	tick        uint64     // nanoseconds

	mu       sync.Mutex
	timer    clock.Timer // of Clock
	wake     uint64      // for which tick it is armed
	now      uint64      // how far the wheel has turned
	armed    int         // timers in slots
	occupied [levels]uint64
	slots    [due + 1]*timer // the first of a ring
}

// NewTimer implements [clock.Clock].
func (w *wheel) NewTimer(f func()) clock.Timer { return &timer{wheel: w, f: f} }

// instant returns when a tick begins.
func (w *wheel) instant(tick uint64) clock.Time { return w.origin + clock.Time(tick*w.tick) }

// ticks returns how many ticks have begun from the origin until t, and whether the last
// one began before.
func (w *wheel) ticks(t clock.Time) (n uint64, began bool) {
	if t <= w.origin {
		return 0, false
	}
	d := uint64(t) - uint64(w.origin)
	return d / w.tick, d%w.tick != 0
}

// add puts t, which is in no slot, into one.
func (w *wheel) add(t *timer, at clock.Time) {
	n, began := w.ticks(at)
	if began {
		n++
	}
	t.due = n
	if wake := w.place(t); wake < w.wake {
		w.aim(wake)
	}
}

// place puts t into the slot of its tick and returns when the wheel has to look there.
func (w *wheel) place(t *timer) (wake uint64) {
	if t.due <= w.now {
		w.link(t, due)
		return w.now
	}
	level := (bits.Len64(t.due-w.now) - 1) / slotBits
	if away(t.due, w.now, level) == slots { // the present slot, a turn later
		level++
	}
	start := t.due >> (level * slotBits)
	index := start % slots
	w.occupied[level] |= 1 << index
	w.link(t, level*slots+int(index))
	return start << (level * slotBits)
}

// away returns how many slots of a level lie between two ticks.
func away(tick, now uint64, level int) uint64 {
	shift := level * slotBits
	return tick>>shift - now>>shift
}

func (w *wheel) link(t *timer, slot int) {
	t.slot = slot
	w.armed++
	first := w.slots[slot]
	if first == nil {
		t.next, t.prev = t, t
		w.slots[slot] = t
		return
	}
	t.next, t.prev = first, first.prev
	first.prev.next, first.prev = t, t
}

func (w *wheel) unlink(t *timer) {
	w.armed--
	next := t.next
	t.prev.next, next.prev = next, t.prev
	t.next, t.prev = nil, nil
	if w.slots[t.slot] != t {
		return
	}
	if next != t {
		w.slots[t.slot] = next
		return
	}
	w.slots[t.slot] = nil
	if t.slot != due {
		w.occupied[t.slot/slots] &^= 1 << (t.slot % slots)
	}
}

// first returns the slot that begins first of those that are not empty, other than due.
func (w *wheel) first() (slot int, start uint64) {
	slot, start = due, never
	for level, occupied := range w.occupied {
		if occupied == 0 {
			continue
		}
		shift := level * slotBits
		present := w.now >> shift
		index := present + uint64(bits.TrailingZeros64(bits.RotateLeft64(occupied, -int(present%slots))))
		if index<<shift < start {
			slot, start = level*slots+int(index%slots), index<<shift
		}
	}
	return slot, start
}

// aim arms the timer of Clock for a tick, or stops it.
func (w *wheel) aim(tick uint64) {
	if tick == w.wake {
		return
	}
	w.wake = tick
	if tick == never {
		w.timer.Stop()
		return
	}
	w.timer.Reset(w.instant(tick))
}

// aimNext aims at what is due next.
func (w *wheel) aimNext() {
	_, start := w.first()
	if w.slots[due] != nil {
		start = w.now + 1 // the caller sees to those, unless that takes longer
	}
	w.aim(start)
}

// run is called by the timer of Clock.
func (w *wheel) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wake = never
	w.advance()
	for t := w.slots[due]; t != nil; t = w.slots[due] {
		w.unlink(t)
		w.aimNext()
		w.call(t.f)
	}
	w.aimNext()
}

// call calls f without the lock.
func (w *wheel) call(f func()) {
	w.mu.Unlock()
	defer w.mu.Lock()
	f()
}

// advance turns the wheel to the present instant: what is due goes to the slot due, what
// soon will be goes down.
func (w *wheel) advance() {
	now, _ := w.ticks(w.Now())
	for slot, start := w.first(); start <= now; slot, start = w.first() {
		w.now = start
		for t := w.slots[slot]; t != nil; t = w.slots[slot] {
			w.unlink(t)
			w.place(t)
		}
	}
	w.now = now
}
