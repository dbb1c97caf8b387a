package frame

// What Go's compiler makes of a loop for WebAssembly is several times slower than
// what WebAssembly can: each turn goes through a jump table, and each access is
// checked. So the two loops over payloads are written by hand.

// xor masks p. pos is the offset of p in the payload.
//
//go:noescape
func xor(p []byte, m Mask, pos int)

// xorCopy writes src, masked, to dst, which is as long. They may be the same.
func xorCopy(dst, src []byte, m Mask, pos int) {
	copy(dst, src)
	xor(dst, m, pos)
}

// leadingASCII returns how many bytes at the beginning of p are ASCII: whole words
// of them, or all.
//
//go:noescape
func leadingASCII(p []byte) int
