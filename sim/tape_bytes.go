package sim

// FromBytes returns a tape whose answers are read from b, in the order of
// asking: one for the target of a fuzzer. A question of n answers takes as many
// bytes as n-1 fills, so one up to 256 answers, the lowest first, and is
// answered with their remainder by n. A [Stream.Chance] takes those of its den,
// of 2 when that is 1, and is true for the highest remainders, 0 never; a
// [Stream.Scale] takes one byte for the magnitude and then those for the place
// in it. Past the end of b all bytes are 0. The tape keeps b, which must not
// change while it is in use.
func FromBytes(b []byte) *Tape {
	t := new(Tape)
	t.ResetBytes(b)
	return t
}

// ResetBytes is [Tape.Reset] for a tape of bytes, as one of [FromBytes].
func (t *Tape) ResetBytes(b []byte) {
	t.rewind()
	t.bytes.rest = b
	t.source = &t.bytes
}

// bytesSource reads its answers from bytes.
type bytesSource struct{ rest []byte }

func (b *bytesSource) uniform(_ *Stream, n uint64) uint64 { return b.below(n) }

func (b *bytesSource) chance(_ *Stream, num, den uint64) uint64 {
	if v := b.below(max(den, 2)); v > 0 && v >= den-num {
		return 1
	}
	return 0
}

func (b *bytesSource) scaled(_ *Stream, n uint64) uint64 {
	first, count := ofMagnitude(b.below(magnitudes(n)), n)
	return first + b.below(count)
}

// below reads a number below n.
func (b *bytesSource) below(n uint64) uint64 {
	var v uint64
	for shift := 0; (n-1)>>shift != 0 && len(b.rest) > 0; shift += 8 {
		v |= uint64(b.rest[0]) << shift
		b.rest = b.rest[1:]
	}
	return v % n
}
