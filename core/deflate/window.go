package deflate

// A Window holds the last bytes that were decompressed, for later ones to refer to.
// It is made of memory that it is given.
type Window struct {
	ring []byte
	next int // where the next byte goes
	have int // how many of the last bytes are there
}

// MakeWindow makes a Window of memory whose length is the window's size, a power of
// two from 256 to 32,768
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2).
func MakeWindow(memory []byte) Window { return Window{ring: memory} }

// Clear forgets all bytes: nothing that follows may refer to them.
func (w *Window) Clear() { w.next, w.have = 0, 0 }

// Size returns how many bytes w holds at most, 0 for the zero Window.
func (w *Window) Size() int { return len(w.ring) }

// Push adds bytes.
func (w *Window) Push(p []byte) {
	if len(p) >= len(w.ring) {
		copy(w.ring, p[len(p)-len(w.ring):])
		w.next, w.have = 0, len(w.ring)
		return
	}
	n := copy(w.ring[w.next:], p)
	copy(w.ring, p[n:])
	w.next = (w.next + len(p)) & (len(w.ring) - 1)
	w.have = min(w.have+len(p), len(w.ring))
}

// copy copies to p what begins so many bytes back, up to the end of the ring or of
// what there is, and returns how many bytes that was.
func (w *Window) copy(p []byte, back int) int {
	from := (w.next - back) & (len(w.ring) - 1)
	return copy(p, w.ring[from:min(len(w.ring), from+back)])
}

// AppendTo appends the bytes that are there to dst, the oldest first.
func (w *Window) AppendTo(dst []byte) []byte {
	from := (w.next - w.have) & (len(w.ring) - 1)
	n := min(w.have, len(w.ring)-from)
	dst = append(dst, w.ring[from:from+n]...)
	return append(dst, w.ring[:w.have-n]...)
}
