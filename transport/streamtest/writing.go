package streamtest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/fb1e3c20/websockets/transport"
)

func writingStopsUntilThePeerReads(t *testing.T, a, b transport.Stream) {
	f := fill(t, a, 1)
	sendsStill(t, a, b, f.sent, f.next)
}

// roomMadeBeforeTheWaitIsSeen lets the peer drain the stream just as the writer
// goes from TryWrite, which found no room, to AwaitWrite.
func roomMadeBeforeTheWaitIsSeen(t *testing.T, a, b transport.Stream) {
	f := &flood{t: t, s: a, from: newSequence(1)}
	f.next = f.from.next(64 << 10)
	full := errors.New("full")
	received := 0
	rnd := rand.New(rand.NewPCG(1, 1))
	const rounds, enough = 200, 8 << 20 // a network's buffers may be large
	for i := 0; i < rounds && received < enough; i++ {
		if err := f.until(func() error { return full }); err != full {
			t.Fatalf("TryWrite: %v", err)
		}
		unread := len(f.sent) - received
		var reader sync.WaitGroup
		reader.Go(func() {
			got, err := read(t, b, unread, rnd)
			if !bytes.Equal(got, f.sent[received:]) {
				t.Errorf("read %d bytes (%v), which are not the %d bytes written", len(got), err, unread)
			}
		})
		within(t, "AwaitWrite while the peer drains", func() {
			if err := a.AwaitWrite(); err != nil {
				t.Errorf("AwaitWrite: %v", err)
			}
			reader.Wait()
		})
		received = len(f.sent)
	}
}

func bothDirectionsBlocked(t *testing.T, a, b transport.Stream) {
	fromA, fromB := fill(t, a, 1), fill(t, b, 2)
	var writers sync.WaitGroup
	writers.Go(func() { write(t, a, fromA.next, rand.New(rand.NewPCG(1, 1))) })
	writers.Go(func() { write(t, b, fromB.next, rand.New(rand.NewPCG(1, 2))) })
	within(t, "draining both directions", func() {
		for _, end := range []struct {
			s    transport.Stream
			want []byte
		}{{b, fromA.all()}, {a, fromB.all()}} {
			got, err := read(t, end.s, len(end.want), rand.New(rand.NewPCG(1, 3)))
			if !bytes.Equal(got, end.want) {
				t.Errorf("read %d bytes (%v), which are not the %d bytes written", len(got), err, len(end.want))
			}
		}
		writers.Wait()
	})
}
