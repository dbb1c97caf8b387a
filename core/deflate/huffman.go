package deflate

// A Huffman code is decoded by a table with an entry for each value of the next few
// bits of input, the first bit lowest. Where a code is longer than that, the entry
// leads to a second table for the rest. An entry is, from its lowest bit on:
//
//	0-3    how many bits it takes: the code's, or what the first table has seen of it
//	4-7    how many extra bits follow the code; of entryMore: the width of the second table
//	8-11   what it is: a literal, the base of a length or distance, or one of the others
//	16-31  the literal, the base, or where the second table begins
type entry uint32

const (
	entryLiteral entry = 1 << 8
	entryBase    entry = 1 << 9
	entryMore    entry = 1 << 10 // leads to a second table
	entryEnd     entry = 1 << 11 // the end of the block
	entryInvalid entry = 1       // no code; one bit, which the degenerate codes are told by
)

func (e entry) length() uint { return uint(e & 15) }
func (e entry) extra() uint  { return uint(e >> 4 & 15) }
func (e entry) value() int   { return int(e >> 16) }

// The widths of the first tables, and how many entries both tables take together at
// most, for codes of up to 15 bits: numbers of the program enough in the sources of
// zlib.
const (
	literalWidth, literalSize   = 10, 1334 // 288 symbols
	distanceWidth, distanceSize = 8, 402   // 30 symbols
	orderWidth, orderSize       = 7, 128   // 19 symbols of up to 7 bits

	maxCode = 15
)

// build fills table for the code whose lengths are given, of symbols that mean what
// the entries in symbols say. It returns false if there is no such code: one that
// leaves bits without a meaning, other than a single code of one bit, or that gives
// bits two. A code without any symbols is one that must not be used.
func build(table []entry, width uint, lengths []uint8, symbols []entry) bool {
	var count [maxCode + 1]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	longest, left := 0, 1
	for n := 1; n <= maxCode; n++ {
		left = left<<1 - count[n]
		if left < 0 {
			return false
		}
		if count[n] > 0 {
			longest = n
		}
	}
	total := 0
	for _, n := range count {
		total += n
	}
	if left > 0 {
		if total > 1 || longest > 1 {
			return false
		}
		table[0], table[1] = entryInvalid, entryInvalid
	}
	if total == 0 {
		clear(table[:1<<width]) // which is found before a bit is seen
		return true
	}

	// The symbols in the order of their codes.
	var next [maxCode + 2]int
	for n := 1; n <= maxCode; n++ {
		next[n+1] = next[n] + count[n]
	}
	var sorted [288]uint16
	for symbol, n := range lengths {
		if n > 0 {
			sorted[next[n]] = uint16(symbol)
			next[n]++
		}
	}

	code := uint(0) // reversed: the first bit lowest
	i := 0
	n := uint(1)
	for ; n <= width; n++ {
		// A table for one bit more is the same twice, but for the codes that have it.
		copy(table[1<<(n-1):1<<n], table[:1<<(n-1)])
		for range count[n] {
			table[code] = symbols[sorted[i]] | entry(n)
			i++
			code = increment(code, n)
		}
	}
	if i == total {
		return true
	}
	return buildMore(table, width, n, code, count[:], sorted[i:total], symbols)
}

// buildMore fills the second tables, with the codes of n bits and more.
func buildMore(table []entry, width, n, code uint, count []int, sorted []uint16, symbols []entry) bool {
	free := 1 << width // where the next table begins
	prefix := ^uint(0) // of the table that is being filled
	start, size := 0, uint(0)
	for ; n <= maxCode; n++ {
		for left := count[n]; left > 0; left-- {
			if p := code & (1<<width - 1); p != prefix {
				prefix, start = p, free
				size = secondWidth(n, width, left, count)
				free += 1 << size
				if free > len(table) {
					return false
				}
				table[p] = entryMore | entry(width) | entry(size)<<4 | entry(start)<<16
			}
			e := symbols[sorted[0]] | entry(n-width)
			sorted = sorted[1:]
			for at := code >> width; at < 1<<size; at += 1 << (n - width) {
				table[start+int(at)] = e
			}
			code = increment(code, n)
		}
	}
	return true
}

// secondWidth returns how wide a table must be that begins with a code of n bits, of
// which so many are left: wide enough for all codes with the same beginning.
func secondWidth(n, width uint, left int, count []int) uint {
	room := 1<<(n-width) - left
	for room > 0 && n < maxCode {
		n++
		room = room<<1 - count[n]
	}
	return n - width
}

// increment returns the code behind a reversed code of n bits.
func increment(code, n uint) uint {
	bit := uint(1) << (n - 1)
	for code&bit != 0 {
		code ^= bit
		bit >>= 1
	}
	return code | bit
}
