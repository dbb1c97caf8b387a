package tcp

import (
	"slices"
	"sync"

	"github.com/fb1e3c20/websockets/transport"
)

// A prefixed stream delivers bytes that were read ahead before those of the
// stream itself.
type prefixed struct {
	transport.Stream

	mu   sync.Mutex // Readable looks from any goroutine
	rest []byte
}

func newPrefixed(s transport.Stream, prefix []byte) *prefixed {
	return &prefixed{Stream: s, rest: slices.Clone(prefix)}
}

func (s *prefixed) TryRead(p []byte) (int, error) {
	if n := s.take(p); n > 0 {
		return n, nil
	}
	return s.Stream.TryRead(p)
}

func (s *prefixed) AwaitRead(l transport.Lender) (int, error) {
	if s.pending() {
		return s.take(l.Borrow()), nil
	}
	return s.Stream.AwaitRead(l)
}

func (s *prefixed) Readable() bool { return s.pending() || s.Stream.Readable() }

func (s *prefixed) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rest) > 0
}

// take moves bytes to p and lets go of the memory after the last.
func (s *prefixed) take(p []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) == 0 {
		s.rest = nil
	}
	return n
}
