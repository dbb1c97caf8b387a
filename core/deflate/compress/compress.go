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
// connection's Window. It holds three quarters of a megabyte, and a whole one more for
// a window of less than 15 bits once it has compressed both small and large messages:
// keep it in a pool.
type Compressor struct {
	size  int // of the window
	level int

	// Made when they are needed. small refers back as far as it can, and is given no
	// more than the window holds; large keeps to the window.
	small, large *flate.Writer

	out     sink
	history []byte
}

// windowLevel is the level that windows of less than 15 bits have, about.
const windowLevel = 5

// New makes a Compressor that refers back at most 2 to the power of
// windowBits, 8 to 15. The level is from 1 to 9 and by default [DefaultLevel]. For a
// window of less than 15 bits 6 to 9 are as 5, and for messages of more than half a
// window behind others so are 1 to 4.
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
	return &Compressor{size: 1 << windowBits, level: level}, nil
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
	writer, history := c.writer(len(p))
	c.out.p = dst
	// Reset would leave the last history in place.
	writer.ResetDict(&c.out, history)
	writer.Write(p) // neither fails: the sink does not
	writer.Flush()
	dst, c.out.p = c.out.p, nil
	if last {
		dst = dst[:len(dst)-len(deflate.Tail)]
	}
	return dst
}

// writer returns what compresses n bytes, and how much of the history it is given.
func (c *Compressor) writer(n int) (*flate.Writer, []byte) {
	if c.size == 1<<deflate.MaxWindowBits {
		return c.makeSmall(), c.history
	}
	room := c.size - n
	if c.level >= windowLevel || n > c.size/2 && len(c.history) > room {
		return c.makeLarge(), c.history
	}
	return c.makeSmall(), c.history[max(0, len(c.history)-room):]
}

func (c *Compressor) makeSmall() *flate.Writer {
	if c.small == nil {
		c.small, _ = flate.NewWriter(&c.out, c.level) // a level that exists
	}
	return c.small
}

func (c *Compressor) makeLarge() *flate.Writer {
	if c.large == nil {
		c.large, _ = flate.NewWriterWindow(&c.out, c.size) // a size that it can have
	}
	return c.large
}

// A sink appends what is written to it.
type sink struct{ p []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.p = append(s.p, p...)
	return len(p), nil
}
