//go:build !wasm

package frame

import "math/bits"

// xor masks p. pos is the offset of p in the payload.
func xor(p []byte, m Mask, pos int) {
	key := m.word(pos)
	if len(p) < 8 {
		xorShort(p, p, key)
		return
	}

	// The last word is read first and written last: it may overlap the word
	// before it, and this way no byte is masked twice.
	end := len(p) - 8
	tail := (*[8]byte)(p[end:])
	last := load64(tail) ^ bits.RotateLeft64(key, -8*(end&3))

	// On amd64 each of these is one instruction, where that of two places is three.
	n := 0
	for ; len(p)-n >= 64; n += 64 {
		b := (*[64]byte)(p[n:])
		store64((*[8]byte)(b[0:]), load64((*[8]byte)(b[0:]))^key)
		store64((*[8]byte)(b[8:]), load64((*[8]byte)(b[8:]))^key)
		store64((*[8]byte)(b[16:]), load64((*[8]byte)(b[16:]))^key)
		store64((*[8]byte)(b[24:]), load64((*[8]byte)(b[24:]))^key)
		store64((*[8]byte)(b[32:]), load64((*[8]byte)(b[32:]))^key)
		store64((*[8]byte)(b[40:]), load64((*[8]byte)(b[40:]))^key)
		store64((*[8]byte)(b[48:]), load64((*[8]byte)(b[48:]))^key)
		store64((*[8]byte)(b[56:]), load64((*[8]byte)(b[56:]))^key)
	}
	for ; n < end; n += 8 {
		b := (*[8]byte)(p[n:])
		store64(b, load64(b)^key)
	}
	store64(tail, last)
}

// xorCopy writes src, masked, to dst, which is as long. They may be the same.
func xorCopy(dst, src []byte, m Mask, pos int) {
	key := m.word(pos)
	if len(src) < 8 || len(dst) < 8 {
		xorShort(dst, src, key)
		return
	}

	end := len(src) - 8 // as in xor
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

func xorShort(dst, src []byte, key uint64) {
	for i := range src {
		dst[i] = src[i] ^ byte(key)
		key >>= 8
	}
}

// leadingASCII returns how many bytes at the beginning of p are ASCII: whole words
// of them, or all.
func leadingASCII(p []byte) (n int) {
	for ; len(p)-n >= 32; n += 32 {
		b := (*[32]byte)(p[n:])
		w := load64((*[8]byte)(b[0:])) | load64((*[8]byte)(b[8:])) |
			load64((*[8]byte)(b[16:])) | load64((*[8]byte)(b[24:]))
		if w&highBits != 0 {
			break
		}
	}
	for ; len(p)-n >= 8; n += 8 {
		if load64((*[8]byte)(p[n:]))&highBits != 0 {
			return n
		}
	}
	for i, b := range p[n:] {
		if b >= 0x80 {
			return n + i
		}
	}
	return len(p)
}
