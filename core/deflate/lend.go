package deflate

// A Compressor compresses messages. Package compress has one.
type Compressor interface {
	// Append compresses p, a message or a part of one, and appends the result to
	// dst. It may refer to what is in w, which p is added to; w is nil without
	// context takeover. The last part is without its [Tail].
	Append(dst []byte, w *Window, p []byte, last bool) []byte
}

// A Deflater is a Compressor with memory for what goes in and what comes out: what a
// caller gives it need not outlive the call, or live on the heap.
type Deflater struct {
	Compressor
	in, out []byte
}

// keptBuffer is how large a buffer may be that a Deflater keeps.
const keptBuffer = 80 << 10

// Deflate compresses p, as Append does. The result is valid until the next call.
func (d *Deflater) Deflate(w *Window, p []byte, last bool) []byte {
	d.in = append(d.in[:0], p...)
	d.out = d.Append(d.out[:0], w, d.in, last)
	return d.out
}

// Trim lets go of memory that a large message has made d take. What Deflate returned is
// not valid any longer.
func (d *Deflater) Trim() {
	if max(cap(d.in), cap(d.out)) > keptBuffer {
		d.in, d.out = nil, nil
	}
}

// A Lender lends what compression needs while a message is under way, so that
// connections hold nothing but their windows between messages. It must not be called
// by several goroutines at a time, unless its documentation says otherwise.
type Lender interface {
	// Inflater returns an Inflater in any state.
	Inflater() *Inflater

	// ReturnInflater takes it back.
	ReturnInflater(*Inflater)

	// Deflater returns a Deflater for a window of 2 to the power of bits, 8 to 15.
	// level is from 1 to 9.
	Deflater(bits, level uint8) *Deflater

	// ReturnDeflater takes it back.
	ReturnDeflater(bits, level uint8, d *Deflater)
}
