package frame

import "math/bits"

// A Mask is the masking key of a frame
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.3). A client picks a new
// one that cannot be predicted for every frame.
type Mask [4]byte

// XOR masks p in place, or takes the mask off it: both are the same. pos is
// the offset of p within the payload of its frame, so a payload may be
// processed in pieces of any size.
func (m Mask) XOR(p []byte, pos int) { xor(p, m, pos) }

// Copy writes src, masked, to dst, and leaves src as it was. pos is the offset
// of src within the payload of its frame. Like the builtin copy it stops at
// the shorter of the two. dst and src may be the same slice, but must not
// overlap in another way.
func (m Mask) Copy(dst, src []byte, pos int) {
	n := min(len(dst), len(src))
	xorCopy(dst[:n], src[:n], m, pos)
}

// word returns the mask, twice, as it lies over eight bytes at pos.
func (m Mask) word(pos int) uint64 {
	w := uint64(m[0]) | uint64(m[1])<<8 | uint64(m[2])<<16 | uint64(m[3])<<24
	return bits.RotateLeft64(w|w<<32, -8*(pos&3))
}

// The compiler makes one instruction of each of these where the machine is
// little-endian.

func load64(p *[8]byte) uint64 {
	return uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
		uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
}

func store64(p *[8]byte, v uint64) {
	p[0], p[1], p[2], p[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	p[4], p[5], p[6], p[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}
