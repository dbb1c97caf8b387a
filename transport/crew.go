package transport

import (
	"runtime"
	"sync"
)

// A crew is goroutines whose stacks have grown. They go on for connections that have slept:
// the goroutine in which one sleeps would have to grow its stack first, for each message,
// which takes as long as half of the message's system calls. Nobody waits for the crew:
// when all of it is at work, the sleeper's goroutine goes on itself, and belongs to the
// crew from then on.
//
// As many as there are processors are kept without work, and none when no connection
// sleeps.
type crew struct {
	mu     sync.Mutex
	size   int // of idle
	asleep int // deliveries
	idle   []chan *delivery
}

func newCrew() crew { return crew{size: runtime.GOMAXPROCS(0)} }

// sleep has d wait with a new stack.
func (w *crew) sleep(d *delivery) {
	w.mu.Lock()
	w.asleep++
	w.mu.Unlock()
	go d.sleep()
}

// wake has d, which has slept, go on.
func (w *crew) wake(d *delivery) {
	w.mu.Lock()
	w.asleep--
	called := w.call(d)
	w.dismissUnneeded()
	w.mu.Unlock()
	if !called {
		w.work(d)
	}
}

// begin has d go on, in another goroutine.
func (w *crew) begin(d *delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.call(d) {
		go w.work(d)
	}
}

// call has an idle member go on for d, if there is one.
func (w *crew) call(d *delivery) bool {
	last := len(w.idle) - 1
	if last < 0 {
		return false
	}
	w.idle[last] <- d // which has room for it
	w.idle = w.idle[:last]
	return true
}

// work goes on for d, and then for others.
func (w *crew) work(d *delivery) {
	var me chan *delivery
	for d != nil {
		d.Wake()
		if me = w.join(me); me == nil {
			return
		}
		d = <-me // nil: it was closed
	}
}

// join makes a goroutine that has nothing to do one of those that are called, by a channel,
// if it is needed: nil if not. A channel of before is used again.
func (w *crew) join(me chan *delivery) chan *delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asleep == 0 || len(w.idle) == w.size {
		return nil
	}
	if me == nil {
		me = make(chan *delivery, 1)
	}
	w.idle = append(w.idle, me)
	return me
}

func (w *crew) dismissUnneeded() {
	if w.asleep > 0 {
		return
	}
	for _, member := range w.idle {
		close(member)
	}
	w.idle = w.idle[:0]
}
