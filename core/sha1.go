package core

import "math/bits"

// sha1 is the hash of RFC 3174, which the accept key needs. It is no longer
// fit for security and gives none here: it proves that the server understood
// the handshake. (crypto/sha1 would pull in os, and panics in FIPS mode.)
type sha1 struct {
	state [5]uint32
	block [64]byte
	n     uint64 // bytes written
}

func newSHA1() sha1 {
	return sha1{state: [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}}
}

func (h *sha1) write(s string) {
	for s != "" {
		n := copy(h.block[h.n%64:], s)
		s = s[n:]
		h.n += uint64(n)
		if h.n%64 == 0 {
			h.compress()
		}
	}
}

func (h *sha1) writeByte(c byte) {
	h.block[h.n%64] = c
	h.n++
	if h.n%64 == 0 {
		h.compress()
	}
}

// sum pads the message and returns its digest; nothing can be written after.
func (h *sha1) sum() (digest [20]byte) {
	length := h.n * 8
	h.writeByte(0x80)
	for h.n%64 != 56 {
		h.writeByte(0)
	}
	for shift := 56; shift >= 0; shift -= 8 {
		h.writeByte(byte(length >> shift))
	}
	for i, word := range h.state {
		putUint32(digest[4*i:], word)
	}
	return digest
}

// compress is https://www.rfc-editor.org/rfc/rfc3174#section-6.1.
func (h *sha1) compress() {
	var w [80]uint32
	for t := range 16 {
		b := h.block[4*t:]
		w[t] = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	for t := 16; t < 80; t++ {
		w[t] = bits.RotateLeft32(w[t-3]^w[t-8]^w[t-14]^w[t-16], 1)
	}
	a, b, c, d, e := h.state[0], h.state[1], h.state[2], h.state[3], h.state[4]
	for _, word := range w[:20] {
		f := b&c | ^b&d
		a, b, c, d, e = bits.RotateLeft32(a, 5)+f+e+word+0x5a827999, a, bits.RotateLeft32(b, 30), c, d
	}
	for _, word := range w[20:40] {
		f := b ^ c ^ d
		a, b, c, d, e = bits.RotateLeft32(a, 5)+f+e+word+0x6ed9eba1, a, bits.RotateLeft32(b, 30), c, d
	}
	for _, word := range w[40:60] {
		f := b&c | b&d | c&d
		a, b, c, d, e = bits.RotateLeft32(a, 5)+f+e+word+0x8f1bbcdc, a, bits.RotateLeft32(b, 30), c, d
	}
	for _, word := range w[60:] {
		f := b ^ c ^ d
		a, b, c, d, e = bits.RotateLeft32(a, 5)+f+e+word+0xca62c1d6, a, bits.RotateLeft32(b, 30), c, d
	}
	for i, word := range [5]uint32{a, b, c, d, e} {
		h.state[i] += word
	}
}

// putUint32 stores v in network byte order.
func putUint32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
}
