package transport_test

import (
	"bytes"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A worker notes in which goroutines its messages come; "wait" makes it wait for more.
type worker struct {
	in   map[string]int
	more chan struct{}
	last string
}

func newWorker(more chan struct{}) *worker { return &worker{in: map[string]int{}, more: more} }

func (w *worker) Message(_ frame.Opcode, p []byte) bool {
	w.last = string(p)
	if w.last == "wait" {
		<-w.more
	}
	b := make([]byte, 64)
	b = b[:runtime.Stack(b, false)]
	w.in[string(b[:bytes.IndexByte(b, '[')])]++
	return true
}

func (w *worker) End(error) {}

// asleep returns a connection's stream, in which it sleeps, and its peer.
func asleep(t *testing.T, att *transport.Attendant, w *worker) (*sleeper, *peer) {
	a, b := pipe.New(0)
	s := &sleeper{Stream: a}
	c := openBy(t, att, core.Server, core.Config{PingInterval: -1, ConnectionTimeout: -1}, s)
	c.Deliver(w, transport.DeliverOptions{Lend: true})
	return s, &peer{t: t, s: b, role: core.Client}
}

// Messages that come seldom, on many connections, come in one goroutine, unless that waits:
// then there is another. None is left when no connection sleeps, or the bubble would
// not end.
func TestCrew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		att := transport.NewAttendant(real.New())
		w := newWorker(make(chan struct{}))
		var sleepers []*sleeper
		var peers []*peer
		for range 20 {
			s, p := asleep(t, att, w)
			sleepers, peers = append(sleepers, s), append(peers, p)
		}
		say := func(p *peer, what string) {
			t.Helper()
			p.write(p.text(nil, what))
			synctest.Wait()
			if w.last != what {
				t.Errorf("%q has not come", what)
			}
			time.Sleep(10 * time.Second) // which is long
			synctest.Wait()
		}
		for _, p := range peers {
			say(p, "one")
			say(p, "two")
		}
		if len(w.in) != 1 {
			t.Errorf("messages that came one by one, in goroutines: %v", w.in)
		}
		for _, s := range sleepers {
			if n := s.slept.Load(); n != 3 {
				t.Errorf("a connection slept %d times, want once before each of two messages and once after", n)
			}
		}
		say(peers[0], "wait")
		for _, p := range peers[1:] {
			say(p, "three")
		}
		close(w.more)
		synctest.Wait()
		if len(w.in) != 2 {
			t.Errorf("beside a handler that waits, in goroutines: %v", w.in)
		}
	})
}

// Goroutines without work are no more than processors.
func TestCrewIsSmall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		att := transport.NewAttendant(real.New())
		more := make(chan struct{})
		for range 100 {
			_, p := asleep(t, att, newWorker(more))
			p.write(p.text(nil, "wait"))
		}
		synctest.Wait()
		close(more)
		synctest.Wait()
		if n, most := runtime.NumGoroutine(), 100+runtime.GOMAXPROCS(0)+10; n > most {
			t.Errorf("%d goroutines for 100 connections that sleep, want %d at most", n, most)
		}
	})
}
