package wheel

import "github.com/fb1e3c20/websockets/clock"

// A timer is in a slot of its wheel while it is armed.
type timer struct {
	wheel      *wheel
	f          func()
	next, prev *timer // in the ring of its slot; nil while stopped
	due        uint64 // the first tick that does not begin before its instant
	slot       int
}

// Reset implements [clock.Timer].
func (t *timer) Reset(at clock.Time) {
	w := t.wheel
	w.mu.Lock()
	defer w.mu.Unlock()
	if at > clock.Latest-clock.Time(w.tick) {
		t.stop()
		return
	}
	if t.next != nil {
		w.unlink(t)
	}
	w.add(t, at)
}

// Stop implements [clock.Timer].
func (t *timer) Stop() {
	t.wheel.mu.Lock()
	defer t.wheel.mu.Unlock()
	t.stop()
}

func (t *timer) stop() {
	w := t.wheel
	if t.next == nil {
		return
	}
	w.unlink(t)
	if w.armed == 0 {
		w.aim(never)
	}
}
