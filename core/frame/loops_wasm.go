package frame

// What Go's compiler makes of a loop for WebAssembly is several times slower than
// what WebAssembly can: each turn goes through a jump table, and each access is
// checked. So the two loops over payloads are written by hand.

// xorMemory masks n bytes, at least one, with key.
//
//go:noescape
func xorMemory(p *byte, n int, key uint64)

// asciiMemory returns how many of n bytes, at least one, are ASCII: whole words of
// them, or all.
//
//go:noescape
func asciiMemory(p *byte, n int) int

// xor writes src, masked, to dst, which is as long. pos is the offset in the payload.
func xor(dst, src []byte, m Mask, pos int) {
	if len(dst) == 0 {
		return
	}
	if &dst[0] != &src[0] {
		copy(dst, src)
	}
	xorMemory(&dst[0], len(dst), m.word(pos))
}

// leadingASCII returns how many bytes at the beginning of p are ASCII, at least in
// whole words.
func leadingASCII(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	return asciiMemory(&p[0], len(p))
}
