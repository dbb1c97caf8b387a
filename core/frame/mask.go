package frame

import "math/bits"

// A Mask is the masking key of a frame
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.3). A client picks a new
// one that cannot be predicted for every frame.
type Mask [4]byte

// XOR masks p in place, or takes the mask off it: both are the same. pos is
// the offset of p within the payload of its frame, so a payload may be
// processed in pieces of any size.
func (m Mask) XOR(p []byte, pos int) { m.Copy(p, p, pos) }

// Copy writes src, masked, to dst, and leaves src as it was. pos is the offset
// of src within the payload of its frame. Like the builtin copy it stops at
// the shorter of the two. dst and src may be the same slice, but must not
// overlap in another way.
func (m Mask) Copy(dst, src []byte, pos int) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	key := m.word(pos)
	done := xorLarge(dst, src, key)
	dst, src, n = dst[done:], src[done:], n-done
	if n < 8 {
		copyShort(dst, src, key)
		return
	}

	// The last word is read first and written last: it may overlap the word
	// before it, and this way no byte is masked twice.
	end := n - 8
	last := load64((*[8]byte)(src[end:])) ^ bits.RotateLeft64(key, -8*(end&3))
	tail := (*[8]byte)(dst[end:])

	for len(src) >= 64 && len(dst) >= 64 {
		s, d := (*[64]byte)(src), (*[64]byte)(dst)
		store64((*[8]byte)(d[0:]), load64((*[8]byte)(s[0:]))^key)
		store64((*[8]byte)(d[8:]), load64((*[8]byte)(s[8:]))^key)
		store64((*[8]byte)(d[16:]), load64((*[8]byte)(s[16:]))^key)
		store64((*[8]byte)(d[24:]), load64((*[8]byte)(s[24:]))^key)
		store64((*[8]byte)(d[32:]), load64((*[8]byte)(s[32:]))^key)
		store64((*[8]byte)(d[40:]), load64((*[8]byte)(s[40:]))^key)
		store64((*[8]byte)(d[48:]), load64((*[8]byte)(s[48:]))^key)
		store64((*[8]byte)(d[56:]), load64((*[8]byte)(s[56:]))^key)
		src, dst = src[64:], dst[64:]
	}
	for len(src) > 8 && len(dst) > 8 {
		store64((*[8]byte)(dst), load64((*[8]byte)(src))^key)
		src, dst = src[8:], dst[8:]
	}
	store64(tail, last)
}

// word returns the mask, twice, as it lies over eight bytes at pos.
func (m Mask) word(pos int) uint64 {
	w := uint64(m[0]) | uint64(m[1])<<8 | uint64(m[2])<<16 | uint64(m[3])<<24
	return bits.RotateLeft64(w|w<<32, -8*(pos&3))
}

func copyShort(dst, src []byte, key uint64) {
	for i := range src {
		dst[i] = src[i] ^ byte(key)
		key >>= 8
	}
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
