// Package compress compresses messages for permessage-deflate, with
// klauspost/compress. It is not pure, as package deflate is, but what it makes depends on
// nothing but what it is given.
package compress

import (
	"fmt"

	"github.com/klauspost/compress/flate"

	"github.com/fb1e3c20/websockets/core/deflate"
)

// DefaultLevel is the level of a [New] that is given 0: fast, and for
// messages of a few kilobytes hardly worse than any other.
const DefaultLevel = 1

// A Compressor compresses messages, of any number of connections one after the other:
// it keeps nothing of a message, since what the next one may refer to is in the
// connection's Window. It holds about half a megabyte; keep it in a pool.
type Compressor struct {
	w       *flate.Writer
	out     sink
	history []byte
}

// New makes a Compressor that refers back at most 2 to the power of
// windowBits, 8 to 15. The level, 1 to 9 and by default [DefaultLevel], is for a
// window of 15 bits; smaller windows have one of their own, comparable to 5.
func New(windowBits uint8, level int) (*Compressor, error) {
	if windowBits < deflate.MinWindowBits || windowBits > deflate.MaxWindowBits {
		return nil, fmt.Errorf("deflate: a window of %d bits; it must be from 8 to 15", windowBits)
	}
	if level < 0 || level > 9 {
		return nil, fmt.Errorf("deflate: the level %d; it must be from 1 to 9, or 0 for %d", level, DefaultLevel)
	}
	if level == 0 {
		level = DefaultLevel
	}
	c := &Compressor{}
	var err error
	if windowBits == deflate.MaxWindowBits {
		c.w, err = flate.NewWriter(&c.out, level)
	} else {
		c.w, err = flate.NewWriterWindow(&c.out, 1<<windowBits)
	}
	return c, err
}

// Append compresses p, a message or a part of one, and appends the result to dst. It
// may refer to what is in w, which p is added to; w is nil without context takeover.
// The last part is without the four bytes 00 00 ff ff that every part ends with
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1).
//
// The same p behind the same w gives the same bytes, whatever the Compressor has been
// used for.
func (c *Compressor) Append(dst []byte, w *deflate.Window, p []byte, last bool) []byte {
	c.history = c.history[:0]
	if w != nil {
		c.history = w.AppendTo(c.history)
		w.Push(p)
	}
	c.out.p = dst
	// Reset would leave the last history in place.
	c.w.ResetDict(&c.out, c.history)
	c.w.Write(p) // neither fails: the sink does not
	c.w.Flush()
	dst, c.out.p = c.out.p, nil
	if last {
		dst = dst[:len(dst)-len(deflate.Tail)]
	}
	return dst
}

// A sink appends what is written to it.
type sink struct{ p []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.p = append(s.p, p...)
	return len(p), nil
}
