package streamtest

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

func kickReadWakesTheWait(t *testing.T, a, b transport.Stream) {
	l := newLender(t, 100)
	for i := range 20 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			if got, err := l.await(a); err != transport.ErrKicked {
				t.Errorf("AwaitRead = %q, %v; want ErrKicked", got, err)
			}
		}()
		time.Sleep(time.Duration(i%4) * time.Millisecond)
		a.KickRead()
		await(t, "AwaitRead", done)
	}
	receivesStill(t, a, b)
}

func kickReadIsKeptForTheNextWait(t *testing.T, a, b transport.Stream) {
	l := newLender(t, 100)
	within(t, "AwaitRead after KickRead", func() {
		a.KickRead()
		a.KickRead()
		if got, err := l.await(a); err != transport.ErrKicked {
			t.Errorf("AwaitRead = %q, %v; want ErrKicked", got, err)
		}
	})
	receivesStill(t, a, b)
}

// receivesStill checks that the kicks are used up and did no harm.
func receivesStill(t *testing.T, a, b transport.Stream) {
	t.Helper()
	within(t, "reading after a kick", func() {
		if err := write(t, b, []byte("x"), rand.New(rand.NewPCG(1, 1))); err != nil {
			t.Errorf("writing: %v", err)
		}
		if got, err := newLender(t, 100).await(a); string(got) != "x" || err != nil {
			t.Errorf("AwaitRead = %q, %v; want the byte", got, err)
		}
	})
}

func kickWriteWakesTheWait(t *testing.T, a, b transport.Stream) {
	f := fill(t, a, 1)
	for i := range 20 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := f.until(a.AwaitWrite); err != transport.ErrKicked {
				t.Errorf("AwaitWrite = %v; want ErrKicked", err)
			}
		}()
		time.Sleep(time.Duration(i%4) * time.Millisecond)
		a.KickWrite()
		await(t, "AwaitWrite", done)
	}
	sendsStill(t, a, b, f.sent, f.next)
}

func kickWriteIsKeptForTheNextWait(t *testing.T, a, b transport.Stream) {
	within(t, "AwaitWrite after KickWrite", func() {
		a.KickWrite()
		a.KickWrite()
		if err := a.AwaitWrite(); err != transport.ErrKicked {
			t.Errorf("AwaitWrite = %v; want ErrKicked", err)
		}
		if err := a.AwaitWrite(); err != nil {
			t.Errorf("AwaitWrite with room = %v", err)
		}
	})
	sendsStill(t, a, b, nil, []byte("x"))
}

// sendsStill checks that all that was sent and next as well arrives.
func sendsStill(t *testing.T, a, b transport.Stream, sent, next []byte) {
	t.Helper()
	within(t, "writing after a kick", func() {
		var writer sync.WaitGroup
		writer.Go(func() {
			if err := write(t, a, next, rand.New(rand.NewPCG(1, 1))); err != nil {
				t.Errorf("writing: %v", err)
			}
		})
		want := append(sent, next...)
		got, err := read(t, b, len(want), rand.New(rand.NewPCG(1, 2)))
		if !bytes.Equal(got, want) {
			t.Errorf("read %d bytes (%v), which are not the %d bytes written", len(got), err, len(want))
		}
		writer.Wait()
	})
}

func kicksLoseNoByte(t *testing.T, a, b transport.Stream) {
	const total = 256 << 10
	var stop atomic.Bool
	var kickers, all sync.WaitGroup
	for _, kick := range []func(){a.KickRead, a.KickWrite, b.KickRead, b.KickWrite} {
		kickers.Go(func() {
			for !stop.Load() {
				kick()
				time.Sleep(20 * time.Microsecond)
			}
		})
	}
	transfer := func(from, to transport.Stream, seed byte) {
		want := newSequence(seed).next(total)
		all.Go(func() {
			if err := write(t, from, want, rand.New(rand.NewPCG(uint64(seed), 1))); err != nil {
				t.Errorf("writing: %v", err)
			}
		})
		all.Go(func() {
			got, err := read(t, to, total, rand.New(rand.NewPCG(uint64(seed), 2)))
			if !bytes.Equal(got, want) {
				t.Errorf("read %d bytes (%v), which are not the %d bytes written", len(got), err, total)
			}
		})
	}
	within(t, "a transfer under kicks", func() {
		transfer(a, b, 1)
		transfer(b, a, 2)
		all.Wait()
		stop.Store(true)
		kickers.Wait()
	})
}
