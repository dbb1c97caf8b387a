package streamtest

import (
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// patience is how long anything that must happen may take.
const patience = 10 * time.Second

// within fails the test when f does not return in time. f must not call Fatal.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	await(t, what, done)
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s: still waiting after %v", what, patience)
	}
}

// eventually fails the test when condition does not become true in time.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("%s: not so after %v", what, patience)
		}
	}
}

// expectNoLeak fails the test when it ends with more goroutines than it began.
func expectNoLeak(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for start := time.Now(); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Since(start) > patience {
				stacks := make([]byte, 1<<16)
				t.Fatalf("%d goroutines were left behind:\n%s", runtime.NumGoroutine()-before,
					stacks[:runtime.Stack(stacks, true)])
			}
		}
	})
}

// A lender lends one buffer and notices misuse.
type lender struct {
	t    *testing.T
	buf  []byte
	lent atomic.Bool
}

func newLender(t *testing.T, size int) *lender {
	return &lender{t: t, buf: make([]byte, size)}
}

func (l *lender) Borrow() []byte {
	if l.lent.Swap(true) {
		l.t.Error("AwaitRead borrowed a second buffer")
	}
	return l.buf
}

func (l *lender) Return() {
	if !l.lent.Swap(false) {
		l.t.Error("AwaitRead returned a buffer that it had not borrowed")
	}
}

// await is AwaitRead followed by the caller's Return.
func (l *lender) await(s transport.Stream) ([]byte, error) {
	n, err := s.AwaitRead(l)
	if (n > 0) != (err == nil) {
		l.t.Errorf("AwaitRead = %d, %v", n, err)
	}
	if n > 0 != l.lent.Load() {
		l.t.Errorf("AwaitRead = %d, %v: the buffer stays borrowed exactly when n > 0", n, err)
	}
	l.lent.Store(false)
	return l.buf[:n], err
}

// A sequence is an endless run of bytes that depends on its seed alone.
type sequence struct{ *rand.ChaCha8 }

func newSequence(seed byte) sequence { return sequence{rand.NewChaCha8([32]byte{seed})} }

func (s sequence) next(n int) []byte {
	p := make([]byte, n)
	s.Read(p)
	return p
}

// write writes all of p in pieces of random length and waits where it must.
func write(t *testing.T, s transport.Stream, p []byte, rnd *rand.Rand) error {
	for len(p) > 0 {
		piece := p[:1+rnd.IntN(min(len(p), 20_000))]
		n, err := s.TryWrite(piece)
		if (n == len(piece)) != (err == nil) || n > len(piece) {
			t.Errorf("TryWrite of %d bytes = %d, %v", len(piece), n, err)
		}
		p = p[n:]
		if err == transport.ErrWouldBlock {
			err = s.AwaitWrite()
		}
		if err != nil && err != transport.ErrKicked {
			return err
		}
	}
	return nil
}

// read reads up to n bytes, trying first or not, into buffers of random length,
// and returns fewer with the error that ended the input.
func read(t *testing.T, s transport.Stream, n int, rnd *rand.Rand) (p []byte, err error) {
	for len(p) < n {
		var piece []byte
		size := 1 + rnd.IntN(min(n-len(p), 20_000))
		if rnd.IntN(2) == 0 {
			piece = make([]byte, size)
			var m int
			m, err = s.TryRead(piece)
			if (m > 0) != (err == nil) {
				t.Errorf("TryRead = %d, %v", m, err)
			}
			piece = piece[:m]
		} else {
			piece, err = newLender(t, size).await(s)
		}
		p = append(p, piece...)
		switch err {
		case nil, transport.ErrKicked:
		case transport.ErrWouldBlock:
			runtime.Gosched()
		default:
			return p, err
		}
	}
	return p, nil
}

// finish ends the output and reports whether the carrier can.
func finish(t *testing.T, s transport.Stream) bool {
	err := s.CloseWrite()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite: %v", err)
	}
	return err == nil
}

// A flood is a writer that nobody reads. Buffers on the way may still grow
// after a stream has refused bytes, so a flood goes on writing whenever it can.
type flood struct {
	t    *testing.T
	s    transport.Stream
	from sequence
	sent []byte // what was accepted
	next []byte // what must come next
}

// fill returns a flood of s that has not moved for a while.
func fill(t *testing.T, s transport.Stream, seed byte) *flood {
	t.Helper()
	f := &flood{t: t, s: s, from: newSequence(seed)}
	f.next = f.from.next(32 << 10)
	err := f.until(func() error { return awaitWriteFor(s, 20*time.Millisecond) })
	if err != transport.ErrKicked {
		t.Fatalf("filling the stream: %v", err)
	}
	return f
}

// until writes until await returns an error and returns that.
func (f *flood) until(await func() error) error {
	for {
		n, err := f.s.TryWrite(f.next)
		f.sent = append(f.sent, f.next[:n]...)
		f.next = append(f.next[n:], f.from.next(n)...)
		if err == transport.ErrWouldBlock {
			err = await()
		}
		if err != nil {
			return err
		}
	}
}

// all is everything that was accepted and what comes next.
func (f *flood) all() []byte { return append(f.sent, f.next...) }

// awaitWriteFor waits for at most d, after which it returns ErrKicked.
func awaitWriteFor(s transport.Stream, d time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- s.AwaitWrite() }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		s.KickWrite()
		err := <-done
		if err == nil {
			s.AwaitWrite() // take the kick that came too late
		}
		return err
	}
}

// ended reports whether err says that the input is over, in order or not.
func ended(err error) bool {
	return err == io.EOF || err != nil && err != transport.ErrWouldBlock && err != transport.ErrKicked
}
