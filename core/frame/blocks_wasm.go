package frame

// What Go's compiler makes of a loop for WebAssembly is several times slower than
// what WebAssembly can: each turn goes through a jump table, and each access is
// checked. So the two loops over payloads are written by hand.

const blockSize = 64

// xorBlocks masks n bytes, a multiple of blockSize and not 0, with key.
//
//go:noescape
func xorBlocks(p *byte, n int, key uint64)

// asciiBlocks returns how many of n bytes, a multiple of blockSize and not 0, are
// ASCII, in whole blocks.
//
//go:noescape
func asciiBlocks(p *byte, n int) int

// xorLarge masks dst, into which src was to be copied, as far as it has whole
// blocks, and returns how many bytes that is.
func xorLarge(dst, src []byte, key uint64) int {
	n := len(dst) &^ (blockSize - 1)
	if n == 0 {
		return 0
	}
	if &dst[0] != &src[0] {
		copy(dst[:n], src)
	}
	xorBlocks(&dst[0], n, key)
	return n
}

// asciiLarge returns how many bytes at the beginning of p, in whole blocks, are
// ASCII.
func asciiLarge(p []byte) int {
	n := len(p) &^ (blockSize - 1)
	if n == 0 {
		return 0
	}
	return asciiBlocks(&p[0], n)
}
