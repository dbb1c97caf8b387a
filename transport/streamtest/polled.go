package streamtest

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// runPolled checks what streams have to keep that are [transport.Polled], if one of a
// pair is.
func runPolled(t *testing.T, pair func(t *testing.T) (a, b transport.Stream)) {
	a, b := pair(t)
	defer a.Abort()
	defer b.Abort()
	if _, _, ok := polledFirst(a, b); !ok {
		return
	}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, a transport.Polled, b transport.Stream)
	}{
		{"InputWakes", inputWakes},
		{"FalseWhenThereIsInput", falseWhenThereIsInput},
		{"EndOfFileWakes", endOfFileWakes},
		{"PeersAbortWakes", peersAbortWakes},
		{"KickReadWakes", kickReadWakes},
		{"FalseAfterAKickWhichIsSeen", falseAfterAKickWhichIsSeen},
		{"CloseWakes", closeWakes},
		{"AbortWakes", abortWakes},
		{"NobodyIsWokenTwice", nobodyIsWokenTwice},
		{"WakeMayTakeItsTime", wakeMayTakeItsTime},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectNoLeak(t)
			a, b := pair(t)
			t.Cleanup(func() { a.Abort(); b.Abort() })
			p, other, _ := polledFirst(a, b)
			test.run(t, p, other)
		})
	}
}

// polledFirst returns an end that is Polled, and the other one.
func polledFirst(a, b transport.Stream) (p transport.Polled, other transport.Stream, ok bool) {
	if p, ok = a.(transport.Polled); ok {
		return p, b, true
	}
	p, ok = b.(transport.Polled)
	return p, a, ok
}

// A waker counts how often it is called. Wake takes the lock, as that of a driver does:
// whoever holds it while calling a method of the stream must not be the one to call Wake.
type waker struct {
	mu    sync.Mutex
	calls atomic.Int32
	woken chan struct{}
	stuck atomic.Bool // who holds the lock does not let go before Wake returns
}

func newWaker() *waker { return &waker{woken: make(chan struct{})} }

func (w *waker) Wake() {
	for start := time.Now(); !w.mu.TryLock(); time.Sleep(100 * time.Microsecond) {
		if time.Since(start) > patience/10 {
			w.stuck.Store(true)
			return
		}
	}
	defer w.mu.Unlock()
	if w.calls.Add(1) == 1 {
		close(w.woken)
	}
}

// during calls f, which is a method of the stream that has w called.
func (w *waker) during(t *testing.T, what string, f func()) {
	t.Helper()
	within(t, what, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
	})
	if w.stuck.Load() {
		t.Fatalf("%s calls Wake in the goroutine of its caller, or waits for it", what)
	}
	await(t, "Wake after "+what, w.woken)
}

// called fails the test unless w has been called so often, also a moment later.
func (w *waker) called(t *testing.T, times int32) {
	t.Helper()
	time.Sleep(2 * time.Millisecond)
	w.expect(t, times)
}

func (w *waker) expect(t *testing.T, times int32) {
	t.Helper()
	if n := w.calls.Load(); n != times {
		t.Errorf("Wake was called %d times, want %d", n, times)
	}
}

// waitFor has a new waker called when there is input, of which there is none yet.
func waitFor(t *testing.T, s transport.Polled) *waker {
	t.Helper()
	w := newWaker()
	if n, err := s.TryRead(make([]byte, 1)); err != transport.ErrWouldBlock {
		t.Fatalf("TryRead of nothing = %d, %v", n, err)
	}
	if !s.WhenReadable(w) {
		t.Fatal("WhenReadable is false, and AwaitRead would wait")
	}
	return w
}

// wantRead checks what TryRead finds when somebody was woken.
func wantRead(t *testing.T, s transport.Polled, want string) {
	t.Helper()
	p := make([]byte, len(want)+1)
	if n, err := s.TryRead(p); err != nil || string(p[:n]) != want {
		t.Errorf("TryRead = %q, %v; want %q", p[:n], err, want)
	}
}

func sendByte(t *testing.T, s transport.Stream) {
	t.Helper()
	if err := write(t, s, []byte("x"), rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Errorf("writing: %v", err)
	}
}

func inputWakes(t *testing.T, a transport.Polled, b transport.Stream) {
	var all []*waker
	for range 20 {
		w := waitFor(t, a)
		w.called(t, 0)
		sendByte(t, b)
		await(t, "Wake after input", w.woken)
		wantRead(t, a, "x")
		all = append(all, w)
	}
	time.Sleep(2 * time.Millisecond)
	for _, w := range all {
		w.expect(t, 1)
	}
}

func falseWhenThereIsInput(t *testing.T, a transport.Polled, b transport.Stream) {
	w := waitFor(t, a)
	sendByte(t, b)
	await(t, "Wake after input", w.woken)
	for range 3 { // none of which reads it
		late := newWaker()
		if a.WhenReadable(late) {
			t.Error("WhenReadable is true, and there is a byte")
		}
		late.called(t, 0)
	}
	wantRead(t, a, "x")
	last := waitFor(t, a)
	sendByte(t, b)
	await(t, "Wake after more input", last.woken)
	w.called(t, 1)
}

func endOfFileWakes(t *testing.T, a transport.Polled, b transport.Stream) {
	w := waitFor(t, a)
	if !finish(t, b) {
		return
	}
	await(t, "Wake at end of file", w.woken)
	if n, err := a.TryRead(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("TryRead = %d, %v; want io.EOF", n, err)
	}
	falseAtTheEnd(t, a)
	w.called(t, 1)
}

func peersAbortWakes(t *testing.T, a transport.Polled, b transport.Stream) {
	w := waitFor(t, a)
	if err := b.Abort(); err != nil {
		t.Errorf("Abort: %v", err)
	}
	await(t, "Wake after the peer's Abort", w.woken)
	if n, err := a.TryRead(make([]byte, 1)); n != 0 || !ended(err) {
		t.Errorf("TryRead = %d, %v", n, err)
	}
	falseAtTheEnd(t, a)
	w.called(t, 1)
}

// falseAtTheEnd checks that nobody waits for input that cannot come.
func falseAtTheEnd(t *testing.T, s transport.Polled) {
	t.Helper()
	w := newWaker()
	if s.WhenReadable(w) {
		t.Error("WhenReadable is true, and AwaitRead would return")
	}
	w.called(t, 0)
}

func kickReadWakes(t *testing.T, a transport.Polled, b transport.Stream) {
	var all []*waker
	for range 20 {
		w := waitFor(t, a) // so the kick before has been seen
		w.during(t, "KickRead", a.KickRead)
		all = append(all, w)
	}
	time.Sleep(2 * time.Millisecond)
	for _, w := range all {
		w.expect(t, 1)
	}
	receivesStill(t, a, b)
}

func falseAfterAKickWhichIsSeen(t *testing.T, a transport.Polled, b transport.Stream) {
	for range 20 {
		w := newWaker()
		a.KickRead()
		a.KickRead()
		if a.WhenReadable(w) {
			t.Fatal("WhenReadable is true after KickRead")
		}
		w.called(t, 0)
	}
	w := waitFor(t, a)
	sendByte(t, b)
	await(t, "Wake after a kick that was seen", w.woken)
	wantRead(t, a, "x")
	w.called(t, 1)
}

func closeWakes(t *testing.T, a transport.Polled, b transport.Stream) { endWakes(t, a, a.Close) }
func abortWakes(t *testing.T, a transport.Polled, b transport.Stream) { endWakes(t, a, a.Abort) }

func endWakes(t *testing.T, a transport.Polled, end func() error) {
	w := waitFor(t, a)
	w.during(t, "closing", func() {
		if err := end(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	if _, err := a.TryRead(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("TryRead = %v; want net.ErrClosed", err)
	}
	falseAtTheEnd(t, a)
	a.KickRead()
	a.Close()
	a.Abort()
	w.called(t, 1)
}

// nobodyIsWokenTwice has input and kicks come at the same moment, and then the end with
// one more kick.
func nobodyIsWokenTwice(t *testing.T, a transport.Polled, b transport.Stream) {
	const total = 300
	var others sync.WaitGroup
	others.Go(func() {
		for range total {
			sendByte(t, b)
			time.Sleep(10 * time.Microsecond)
		}
	})
	others.Go(func() {
		for range total {
			a.KickRead()
			time.Sleep(10 * time.Microsecond)
		}
	})
	var woken, refused []*waker
	wait := func() bool {
		w := newWaker()
		if !a.WhenReadable(w) {
			refused = append(refused, w)
			return false
		}
		woken = append(woken, w)
		return true
	}
	for received := 0; received < total; received += drain(t, a) {
		if wait() {
			await(t, "Wake", woken[len(woken)-1].woken)
		}
	}
	others.Wait()
	eventually(t, "WhenReadable when the last kick has been seen", func() bool {
		drain(t, a)
		return wait()
	})
	others.Go(a.KickRead)
	others.Go(func() { a.Close() })
	within(t, "KickRead and Close", others.Wait)
	await(t, "Wake", woken[len(woken)-1].woken)
	time.Sleep(2 * time.Millisecond)
	for _, w := range woken {
		w.expect(t, 1)
	}
	for _, w := range refused {
		w.expect(t, 0)
	}
}

// drain reads what is there.
func drain(t *testing.T, s transport.Stream) (n int) {
	t.Helper()
	p := make([]byte, 100)
	for {
		m, err := s.TryRead(p)
		if err == transport.ErrWouldBlock {
			return n
		}
		if err != nil {
			t.Fatalf("TryRead: %v", err)
		}
		n += m
	}
}

// A sleeper is a waker that does not return.
type sleeper struct{ woken, wakeUp chan struct{} }

func (s *sleeper) Wake() {
	close(s.woken)
	<-s.wakeUp
}

// wakeMayTakeItsTime checks that the stream works on while a Waker has not returned.
func wakeMayTakeItsTime(t *testing.T, a transport.Polled, b transport.Stream) {
	s := &sleeper{make(chan struct{}), make(chan struct{})}
	defer close(s.wakeUp)
	if !a.WhenReadable(s) {
		t.Fatal("WhenReadable is false, and AwaitRead would wait")
	}
	within(t, "writing, which does not wait for Wake", func() { sendByte(t, b) })
	await(t, "Wake", s.woken)
	wantRead(t, a, "x")
	w := waitFor(t, a)
	sendByte(t, b)
	await(t, "Wake beside one that has not returned", w.woken)
	wantRead(t, a, "x")
	within(t, "writing beside a Wake that has not returned", func() { sendByte(t, a) })
}
