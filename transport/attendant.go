package transport

import (
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// How often an Attendant looks after the connections in its two queues.
const (
	soonPeriod = time.Millisecond
	busyPeriod = 500 * time.Millisecond
)

// An Attendant looks after connections at moments when no goroutine of their
// application is inside one of their methods: it writes replies that were held
// back to leave together (within a millisecond), and it reads for connections
// whose application is busy, so that control frames are answered and the
// peer's liveness is judged (within half a second).
//
// Each listener and each dialer has one, on one clock; it has no goroutine and
// no armed timer while its queues are empty. A connection enters each queue at
// most once a period, whatever its traffic. It is safe for use by several
// goroutines.
type Attendant struct {
	clk        clock.Clock
	timers     clock.Clock // of connections
	soon, busy rota
	crew       crew
}

// NewAttendant returns an Attendant whose connections live by clk.
func NewAttendant(clk clock.Clock) *Attendant { return NewAttendantWithTimers(clk, clk) }

// NewAttendantWithTimers is NewAttendant for connections whose deadlines are timers of
// another clock, which shows the time of clk: one of package clock/wheel, where timers
// take less memory and are late by up to its tick.
func NewAttendantWithTimers(clk, timers clock.Clock) *Attendant {
	a := &Attendant{clk: clk, timers: timers, crew: newCrew()}
	a.soon = rota{clk: clk, period: soonPeriod, visit: (*Conn).visitSoon}
	a.busy = rota{clk: clk, period: busyPeriod, visit: (*Conn).visitBusy}
	return a
}

// Clock returns the clock by which the Attendant's connections live.
func (a *Attendant) Clock() clock.Clock { return a.clk }

// A rota visits the connections in it once a period. A visit tells whether the
// connection stays for the next one.
type rota struct {
	clk    clock.Clock
	period time.Duration
	visit  func(*Conn) (stays bool)

	mu      sync.Mutex
	timer   clock.Timer
	waiting []*Conn
	spare   []*Conn
}

// add enters c, which the caller has made sure is not in the rota.
func (r *rota) add(c *Conn) {
	r.mu.Lock()
	r.waiting = append(r.waiting, c)
	if len(r.waiting) == 1 {
		r.arm()
	}
	r.mu.Unlock()
}

func (r *rota) arm() {
	if r.timer == nil {
		r.timer = r.clk.NewTimer(r.run)
	}
	r.timer.Reset(r.clk.Now().Add(r.period))
}

func (r *rota) run() {
	r.mu.Lock()
	visiting := r.waiting
	r.waiting, r.spare = r.spare, nil
	r.mu.Unlock()

	stay := visiting[:0]
	for _, c := range visiting {
		if r.visit(c) {
			stay = append(stay, c)
		}
	}
	clear(visiting[len(stay):])

	r.mu.Lock()
	defer r.mu.Unlock()
	if len(stay) == 0 {
		r.spare = recycled(visiting)
		return
	}
	if len(r.waiting) == 0 {
		r.arm()
	}
	r.waiting = append(r.waiting, stay...)
	clear(stay)
	r.spare = recycled(stay)
}

// recycled returns the memory of an emptied queue, unless a burst has made it
// larger than is worth keeping.
func recycled(q []*Conn) []*Conn {
	if cap(q) > 4096 {
		return nil
	}
	return q[:0]
}
