package tcp

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

const canPoll = true

// A loop waits for its sockets, with one epoll descriptor, and wakes who waits for them.
//
// One goroutine at a time leads it: it fetches what has happened and calls wakers. A
// watch sees when one of them does not return; then another goroutine leads, in the
// next term, and the one before is a busy one, which ends when its waker returns.
// When there are too many of those, wakers are put into the backlog, and the busy ones
// call them when they have time again.
//
// Where more than a few wakers take their time, the leader has each called by a busy goroutine
// from the start, until they return soon again: see handOff.
type loop struct {
	maxBusy int
	watch   *time.Timer

	mu      sync.Mutex
	epoll   int       // -1 while there are no sockets
	alarm   int       // wakes the leader
	sockets []*polled // by descriptor
	count   int       // of them
	births  int32     // of sockets, the latest: a descriptor may be used again

	term    uint64 // of the leader
	waiting bool   // it waits for what happens
	calls   uint64 // of wakers
	seen    uint64 // calls, at the last look of the watch
	watched bool   // the watch looks again soon
	alert   int    // looks until it is calm again
	accepts bool   // the latest call is that of a listener, which takes as long as there are connections
	slow    int    // of late wakers: grows with those that took their time, falls with the others
	busy    int
	backlog []transport.Waker

	happened [128]syscall.EpollEvent // belongs to the leader while it waits
	at, end  int                     // of what has not been looked at
}

func newLoop(maxBusy int) *loop {
	l := &loop{maxBusy: max(maxBusy, 1), epoll: -1}
	l.watch = time.AfterFunc(time.Hour, l.look)
	l.watch.Stop()
	return l
}

// How often the watch looks: a look costs tens of microseconds, most of them for waking a
// processor. Where one waker has not returned for two looks, others may do the same.
const (
	calm     = 4 * time.Millisecond
	alert    = time.Millisecond
	alertFor = 1000 // looks
)

// When wakers are called by busy goroutines from the start: after two that did not return, and
// for as long as more than one in slowWeight+1 takes a millisecond.
const (
	slowWeight = 8
	handOff    = 2 * slowWeight
	slowest    = 16 * slowWeight
)

// add begins to wait for a socket.
func (l *loop) add(s *polled) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.loop = l
	if l.epoll < 0 {
		if err := l.start(); err != nil {
			return err
		}
	}
	for len(l.sockets) <= int(s.fd) {
		l.sockets = append(l.sockets, nil)
	}
	l.births++
	s.birth = l.births
	if err := l.control(syscall.EPOLL_CTL_ADD, int(s.fd), input, s.birth); err != nil {
		l.rest()
		return err
	}
	l.sockets[s.fd] = s
	l.count++
	return nil
}

// What a loop waits for: most sockets always have room for output, and would wake it for that
// when they are added.
const (
	input  = syscall.EPOLLIN | syscall.EPOLLPRI | syscall.EPOLLRDHUP | edgeTriggered
	output = syscall.EPOLLOUT

	edgeTriggered = 1 << 31 // the constant of package syscall is negative
)

// start makes the descriptors and starts a leader. The lock is held.
func (l *loop) start() (err error) {
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		l.epoll = -1
		return os.NewSyscallError("epoll_create1", err)
	}
	alarm, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		syscall.Close(l.epoll)
		l.epoll = -1
		return os.NewSyscallError("eventfd2", errno)
	}
	l.alarm = int(alarm)
	if err := l.control(syscall.EPOLL_CTL_ADD, l.alarm, syscall.EPOLLIN|edgeTriggered, 0); err != nil {
		l.close()
		return err
	}
	l.newTerm()
	return nil
}

func (l *loop) control(op, fd int, events uint32, birth int32) error {
	e := syscall.EpollEvent{Events: events, Fd: int32(fd), Pad: birth}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(l.epoll, op, fd, &e))
}

// addOutput begins to wait for room for output, too. The socket is not closed meanwhile.
func (l *loop) addOutput(s *polled) error {
	return l.control(syscall.EPOLL_CTL_MOD, int(s.fd), input|output, s.birth)
}

func (l *loop) close() {
	syscall.Close(l.epoll)
	syscall.Close(l.alarm)
	l.epoll = -1
	l.sockets = nil
}

// remove forgets a socket, which is about to be closed. After the last one the leader
// ends.
func (l *loop) remove(s *polled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sockets[s.fd] = nil
	l.count--
	l.rest()
}

// rest has the leader end if there are no sockets. The lock is held.
func (l *loop) rest() {
	if l.count == 0 {
		one := [8]byte{1}
		syscall.Write(l.alarm, one[:])
	}
}

// newTerm starts a leader. The lock is held.
func (l *loop) newTerm() {
	l.term++
	go l.lead(l.term)
}

// lead waits for what happens and wakes those who wait for it, for a term.
func (l *loop) lead(term uint64) {
	ended := false
	defer func() {
		if !ended { // the waker has ended the goroutine
			l.abdicate(term)
		}
	}()
	for l.step(term) {
	}
	ended = true
}

// step looks at one thing that has happened, or waits for more. It reports whether the
// term goes on.
func (l *loop) step(term uint64) bool {
	l.mu.Lock()
	if l.term != term {
		return l.leaveBusy()
	}
	if l.at == l.end {
		return l.wait()
	}
	e := &l.happened[l.at]
	l.at++
	l.calls++
	s := l.find(e)
	events := e.Events
	l.accepts = s != nil && s.listens
	full, hands := l.busy >= l.maxBusy, l.slow >= handOff && !l.accepts
	l.mu.Unlock()
	if s == nil {
		return true
	}
	w := s.happened(events)
	switch {
	case w == nil:
	case full || hands:
		l.hand(w)
	default:
		w.Wake()
	}
	return true
}

// find returns the socket of an event, nil if it has gone.
func (l *loop) find(e *syscall.EpollEvent) *polled {
	if int(e.Fd) >= len(l.sockets) {
		return nil
	}
	s := l.sockets[e.Fd]
	if s == nil || s.birth != e.Pad {
		return nil
	}
	return s
}

// wait waits until something happens, or ends a loop without sockets. It is called with
// the lock, and lets it go.
func (l *loop) wait() (goesOn bool) {
	defer l.mu.Unlock()
	if l.count == 0 {
		l.close()
		return false
	}
	l.waiting = true
	l.mu.Unlock()
	n, _ := syscall.EpollWait(l.epoll, l.happened[:], -1) // an error is EINTR
	l.mu.Lock()
	l.waiting = false
	l.at, l.end = 0, max(n, 0)
	if !l.watched {
		l.watchOn()
	}
	return true
}

// look is the watch's: a leader that has been in one call since the last look is followed
// by another.
func (l *loop) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting || l.epoll < 0 {
		l.watched = false
		return
	}
	if l.seen == l.calls {
		l.busy++
		l.newTerm()
		l.alert = alertFor
		if !l.accepts {
			l.tookTime()
		}
	} else if l.slow < handOff {
		l.slow = max(l.slow-1, 0)
	}
	l.seen = l.calls
	l.watchOn()
}

// watchOn has the watch look again. The lock is held.
func (l *loop) watchOn() {
	l.watched = true
	if l.alert > 0 {
		l.alert--
		l.watch.Reset(alert)
		return
	}
	l.watch.Reset(calm)
}

// tookTime notes that a waker took its time. The lock is held.
func (l *loop) tookTime() { l.slow = min(l.slow+slowWeight, slowest) }

// hand has a busy goroutine call a waker: a new one, unless there are too many.
func (l *loop) hand(w transport.Waker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy >= l.maxBusy {
		l.backlog = append(l.backlog, w)
		return
	}
	l.busy++
	go l.serve(w)
}

// noTerm is that of goroutines that never lead.
const noTerm = 0

// serve calls a waker, and then what was put off.
func (l *loop) serve(w transport.Waker) {
	ended := false
	defer func() {
		if !ended { // a waker has ended the goroutine
			l.abdicate(noTerm)
		}
	}()
	began := time.Now()
	w.Wake()
	l.judge(time.Since(began))
	for l.step(noTerm) {
	}
	ended = true
}

// judge learns from how long a waker took in a busy goroutine.
func (l *loop) judge(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d >= alert {
		l.tookTime()
		return
	}
	l.slow = max(l.slow-1, 0)
}

// leaveBusy calls what was put off, one waker at a time, or ends a busy goroutine. It is
// called with the lock, and lets it go.
func (l *loop) leaveBusy() (goesOn bool) {
	if len(l.backlog) == 0 {
		l.busy--
		l.backlog = nil
		l.mu.Unlock()
		return false
	}
	w := l.backlog[0]
	l.backlog[0] = nil
	l.backlog = l.backlog[1:]
	l.mu.Unlock()
	w.Wake()
	return true
}

// abdicate has another goroutine do what one that dies had to do.
func (l *loop) abdicate(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term == term {
		l.newTerm()
		return
	}
	go l.lead(term)
}
