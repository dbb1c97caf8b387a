package streamtest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/fb1e3c20/websockets/transport"
)

func bytesArriveInOrder(t *testing.T, a, b transport.Stream) {
	const total = 1 << 20
	var all sync.WaitGroup
	send := func(s transport.Stream, seed byte) {
		rnd := rand.New(rand.NewPCG(uint64(seed), 1))
		if err := write(t, s, newSequence(seed).next(total), rnd); err != nil {
			t.Errorf("writing: %v", err)
		}
	}
	receive := func(s transport.Stream, seed byte) {
		rnd := rand.New(rand.NewPCG(uint64(seed), 2))
		got, err := read(t, s, total, rnd)
		if want := newSequence(seed).next(total); !bytes.Equal(got, want) {
			t.Errorf("read %d bytes (%v), which are not the %d bytes written", len(got), err, total)
		}
	}
	within(t, "1 MiB each way", func() {
		all.Go(func() { send(a, 1) })
		all.Go(func() { send(b, 2) })
		all.Go(func() { receive(a, 2) })
		all.Go(func() { receive(b, 1) })
		all.Wait()
	})
}

func closeWriteEndsOneDirection(t *testing.T, a, b transport.Stream) {
	within(t, "end of file and a reply", func() {
		rnd := rand.New(rand.NewPCG(1, 1))
		if err := write(t, a, []byte("request"), rnd); err != nil {
			t.Errorf("writing: %v", err)
		}
		if !finish(t, a) {
			return
		}
		if got, err := read(t, b, 100, rnd); string(got) != "request" || err != io.EOF {
			t.Errorf("read %q, %v; want the request and io.EOF", got, err)
		}
		if n, err := b.TryRead(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("TryRead after the end = %d, %v; want io.EOF again", n, err)
		}
		if _, err := newLender(t, 1).await(b); err != io.EOF {
			t.Errorf("AwaitRead after the end = %v; want io.EOF again", err)
		}
		if err := write(t, b, []byte("reply"), rnd); err != nil {
			t.Errorf("writing the reply: %v", err)
		}
		if got, err := read(t, a, 5, rnd); string(got) != "reply" {
			t.Errorf("read %q, %v; want the reply", got, err)
		}
	})
}

func tryReadDoesNotWait(t *testing.T, a, b transport.Stream) {
	within(t, "TryRead of nothing", func() {
		if n, err := a.TryRead(make([]byte, 1)); n != 0 || err != transport.ErrWouldBlock {
			t.Errorf("TryRead = %d, %v; want ErrWouldBlock", n, err)
		}
	})
}

func awaitReadBorrowsOnlyWhenReadable(t *testing.T, a, b transport.Stream) {
	l := newLender(t, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if got, err := l.await(a); string(got) != "x" || err != nil {
			t.Errorf("AwaitRead = %q, %v", got, err)
		}
	}()
	for range 20 {
		eventually(t, "a wait without a buffer", func() bool { return !l.lent.Load() })
	}
	if err := write(t, b, []byte("x"), rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Errorf("writing: %v", err)
	}
	await(t, "AwaitRead", done)
}

func readableTellsInputAndItsEnd(t *testing.T, a, b transport.Stream) {
	rnd := rand.New(rand.NewPCG(1, 1))
	nothingToRead(t, a)
	if err := write(t, b, []byte("xyz"), rnd); err != nil {
		t.Fatalf("writing: %v", err)
	}
	for _, want := range "xyz" {
		eventually(t, "Readable until the last byte", a.Readable)
		got := newLender(t, 1)
		if p, err := got.await(a); string(p) != string(want) {
			t.Errorf("AwaitRead = %q, %v; want %q", p, err, want)
		}
	}
	nothingToRead(t, a)
	if finish(t, b) {
		eventually(t, "Readable at end of file", a.Readable)
	}
}

// nothingToRead checks that Readable comes to agree with a TryRead that finds
// nothing. A carrier with records of its own may have to look inside first.
func nothingToRead(t *testing.T, s transport.Stream) {
	t.Helper()
	eventually(t, "not Readable when there is nothing to read", func() bool {
		if n, err := s.TryRead(make([]byte, 1)); err != transport.ErrWouldBlock {
			t.Errorf("TryRead of nothing = %d, %v", n, err)
		}
		return !s.Readable()
	})
}

func readableWhileAnotherWaits(t *testing.T, a, b transport.Stream) {
	rnd := rand.New(rand.NewPCG(1, 1))
	const rounds = 50
	took, next := make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		l := newLender(t, 100)
		for range rounds {
			if _, err := l.await(a); err != nil {
				t.Errorf("AwaitRead: %v", err)
			}
			took <- struct{}{}
			<-next
		}
	}()
	for range rounds {
		eventually(t, "not Readable beside a wait", func() bool { return !a.Readable() })
		if err := write(t, b, []byte("x"), rnd); err != nil {
			t.Fatalf("writing: %v", err)
		}
		await(t, "a byte", took)
		next <- struct{}{}
	}
	await(t, "the reader", done)
}
