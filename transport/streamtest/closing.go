package streamtest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

func closeDeliversWhatWasAccepted(t *testing.T, a, b transport.Stream) {
	p := newSequence(1).next(24 << 10)
	n, err := a.TryWrite(p)
	if n == 0 {
		t.Fatalf("TryWrite = %d, %v", n, err)
	}
	within(t, "Close", func() {
		if err := a.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	within(t, "what was accepted", func() {
		got, err := read(t, b, len(p), rand.New(rand.NewPCG(1, 1)))
		if len(got) < n || !bytes.Equal(got, p[:len(got)]) {
			t.Errorf("read %d bytes (%v); %d were accepted", len(got), err, n)
		}
		if len(got) == len(p) {
			_, err = newLender(t, 1).await(b)
		}
		if n == len(p) && err != io.EOF || !ended(err) {
			t.Errorf("after the last byte: %v; want io.EOF", err)
		}
	})
}

func closeEndsEveryWait(t *testing.T, a, b transport.Stream) {
	endsEveryWait(t, a, a.Close)
}

func abortEndsEveryWait(t *testing.T, a, b transport.Stream) {
	endsEveryWait(t, a, a.Abort)
}

func endsEveryWait(t *testing.T, a transport.Stream, end func() error) {
	f := fill(t, a, 1)
	var waits sync.WaitGroup
	waits.Go(func() {
		if _, err := newLender(t, 1).await(a); !errors.Is(err, net.ErrClosed) {
			t.Errorf("AwaitRead = %v; want net.ErrClosed", err)
		}
	})
	waits.Go(func() {
		if err := f.until(a.AwaitWrite); !errors.Is(err, net.ErrClosed) {
			t.Errorf("AwaitWrite = %v; want net.ErrClosed", err)
		}
	})
	time.Sleep(2 * time.Millisecond)
	within(t, "closing, which must not block", func() {
		if err := end(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	within(t, "AwaitRead and AwaitWrite", waits.Wait)
}

func peerSeesAbort(t *testing.T, a, b transport.Stream) {
	sent := len(fill(t, a, 1).sent)
	var waits sync.WaitGroup
	waits.Go(func() {
		fromB := &flood{t: t, s: b, from: newSequence(2), next: make([]byte, 1<<10)}
		fromB.until(b.AwaitWrite)
	})
	if err := a.Abort(); err != nil {
		t.Errorf("Abort: %v", err)
	}
	within(t, "the peer's AwaitRead and AwaitWrite", func() {
		rnd := rand.New(rand.NewPCG(1, 1))
		for total := 0; ; {
			got, err := read(t, b, 1<<10, rnd)
			if total += len(got); total > sent+64<<10 {
				t.Errorf("read %d bytes; only %d were sent", total, sent)
			}
			if err != nil {
				break
			}
		}
		waits.Wait()
	})
}

func nothingWorksAfterClose(t *testing.T, a, b transport.Stream) {
	within(t, "calls on a closed stream", func() {
		if err := a.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		_, tryRead := a.TryRead(make([]byte, 1))
		_, awaitRead := newLender(t, 1).await(a)
		_, tryWrite := a.TryWrite([]byte("x"))
		for name, err := range map[string]error{
			"TryRead": tryRead, "AwaitRead": awaitRead, "TryWrite": tryWrite, "AwaitWrite": a.AwaitWrite(),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s = %v; want net.ErrClosed", name, err)
			}
		}
		if err := a.CloseWrite(); err == nil {
			t.Error("CloseWrite worked")
		}
		a.KickRead()
		a.KickWrite()
		if !a.Readable() {
			t.Error("Readable is false: TryRead would return an error")
		}
		for name, end := range map[string]func() error{"Close": a.Close, "Abort": a.Abort} {
			if err := end(); err != nil {
				t.Errorf("%s again: %v", name, err)
			}
		}
	})
}
