package flight

import (
	"github.com/fb1e3c20/websockets/core/frame"
)

// frames follows the frames in a stream that comes in pieces.
type frames struct {
	head [frame.MaxHeaderLen]byte
	have int   // bytes in head
	left int64 // of the payload
	pos  int   // in the payload
	h    frame.Header
	msg  frame.Opcode // of the message that a continuation goes on
	lost bool         // a header was not understood: the machine fails
}

// span returns how much of in belongs to the frame at its beginning.
func (f *frames) span(in []byte) int {
	if f.left > 0 {
		return int(min(int64(len(in)), f.left))
	}
	var h frame.Header
	head := f.head
	k := copy(head[f.have:], in)
	n, err := h.Parse(head[:f.have+k])
	if n == 0 || err != nil {
		return k
	}
	n -= f.have
	return n + int(min(int64(len(in)-n), h.Length))
}

// pass takes the next bytes of the stream, and redacts them in place if it is
// told to.
func (f *frames) pass(p []byte, redact bool) {
	for len(p) > 0 {
		n := 0
		switch {
		case f.lost:
			n = len(p)
			if redact {
				fill(p)
			}
		case f.left > 0:
			n = int(min(int64(len(p)), f.left))
			if redact {
				f.redact(p[:n])
			}
			f.left -= int64(n)
			f.pos += n
		default:
			n = f.begin(p)
		}
		p = p[n:]
	}
}

// begin takes the bytes of a header, or of one that cannot be understood.
func (f *frames) begin(p []byte) (n int) {
	had := f.have
	f.have += copy(f.head[had:], p)
	size, err := f.h.Parse(f.head[:f.have])
	if err != nil {
		f.lost = true
		return min(max(f.proof()-had, 0), len(p))
	}
	if size == 0 {
		return f.have - had
	}
	f.have = 0
	f.left = f.h.Length
	f.pos = 0
	if f.h.Opcode.IsData() {
		f.msg = f.h.Opcode
	}
	return size - had
}

// proof returns how many bytes of a header show that it cannot be understood:
// the rest may be anything.
func (f *frames) proof() int {
	switch {
	case f.head[1]&0x7F == 126:
		return 4
	case f.head[2]&0x80 != 0:
		return 3
	}
	return 8
}

// redact replaces a part of the payload.
func (f *frames) redact(p []byte) {
	if f.h.Masked {
		f.h.Mask.XOR(p, f.pos)
	}
	switch {
	case f.h.Opcode == frame.Close:
		replaceText(p[min(max(2-f.pos, 0), len(p)):])
	case f.h.Opcode == frame.Text, f.h.Opcode == frame.Continuation && f.msg == frame.Text:
		replaceText(p)
	default:
		fill(p)
	}
	if f.h.Masked {
		f.h.Mask.XOR(p, f.pos)
	}
}
