package quictest

import (
	"io"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/internal/leak"
	"github.com/fb1e3c20/websockets/transport"
)

// Patience is how long anything that must happen may take.
const Patience = 10 * time.Second

// Write writes p, which must be accepted at once.
func Write(t testing.TB, s transport.Stream, p string) {
	t.Helper()
	if n, err := s.TryWrite([]byte(p)); n != len(p) || err != nil {
		t.Errorf("TryWrite of %d bytes = %d, %v", len(p), n, err)
	}
}

// Read reads n bytes, or up to the error that ends the input.
func Read(s transport.Stream, n int) (string, error) {
	all := make([]byte, 0, n)
	for len(all) < n {
		l := lender(all[len(all):n])
		m, err := s.AwaitRead(l)
		all = all[:len(all)+m]
		if err != nil && err != transport.ErrKicked {
			return string(all), err
		}
	}
	return string(all), nil
}

// ReadAll reads to the end of the input and returns io.EOF as nil.
func ReadAll(s transport.Stream) (string, error) {
	var all []byte
	l := make(lender, 64<<10)
	for {
		n, err := s.AwaitRead(l)
		all = append(all, l[:n]...)
		switch {
		case err == io.EOF:
			return string(all), nil
		case err != nil && err != transport.ErrKicked:
			return string(all), err
		}
	}
}

// A lender lends the same buffer again and again.
type lender []byte

func (l lender) Borrow() []byte { return l }
func (l lender) Return()        {}

// Await fails the test when done is not closed in time.
func Await(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(Patience):
		t.Errorf("%s: still waiting after %v:\n%s", what, Patience, leak.Stacks())
	}
}

// Within fails the test when f does not return in time.
func Within(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	Await(t, what, done)
}
