package sim

import "errors"

// An inflation decompresses messages as RFC 1951 is written, a bit at a time, for a
// witness: it shares nothing with package core/deflate. What it is given may end
// anywhere, and it never refers further back than its window.
type inflation struct {
	window   int  // how far back data may refer, in bytes
	takeover bool // a message may refer to those before it

	text  []byte // what may be referred to, and the message
	start int    // where the message begins in text

	in     []byte // the message, compressed
	at     int    // how many bits of in are done
	block  blockKind
	final  bool // no block follows in the stream
	stored int  // bytes that the block still has
	literals,
	distances prefixCode
	fault error
}

type blockKind uint8

const (
	noBlock blockKind = iota
	storedBlock
	codedBlock
)

var (
	errDeflateCorrupt  = errors.New("the data is not that of RFC 1951")
	errDeflateDistance = errors.New("the data refers further back than the window")
)

// begin begins a message.
func (z *inflation) begin() {
	keep := 0
	if z.takeover {
		keep = min(len(z.text), z.window)
	}
	z.text = z.text[:copy(z.text, z.text[len(z.text)-keep:])]
	z.start = keep
	z.in, z.at, z.block, z.final = z.in[:0], 0, noBlock, false
}

// message returns what the message has been so far.
func (z *inflation) message() []byte { return z.text[z.start:] }

// unused returns how many bytes of the input are not needed for that.
func (z *inflation) unused() int { return len(z.in) - (z.at+7)/8 }

// ended reports whether a message may end here: between two blocks, with a byte.
func (z *inflation) ended() bool {
	return z.fault == nil && z.block == noBlock && z.at == 8*len(z.in)
}

// decode decompresses until the message has so many bytes, as far as there is input.
func (z *inflation) decode(size int) {
	for len(z.message()) < size && z.step() {
	}
}

// step goes on by a block's head, a byte of a stored block, or a symbol. It reports
// false, and nothing has changed, where the input does not suffice.
func (z *inflation) step() bool {
	if z.fault != nil {
		return false
	}
	b := bitReader{in: z.in, at: z.at}
	switch z.block {
	case noBlock:
		z.head(&b)
	case storedBlock:
		z.copyByte(&b)
	case codedBlock:
		z.symbol(&b)
	}
	if b.short {
		return false
	}
	z.at = b.at
	return true
}

// fail notes what is wrong, if it is certain: the input may not have sufficed.
func (z *inflation) fail(b *bitReader, err error) {
	if !b.short {
		z.fault = err
	}
}

func (z *inflation) end(b *bitReader) {
	z.block = noBlock
	if z.final {
		b.align()
	}
}

// head reads what a block begins with
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.3).
func (z *inflation) head(b *bitReader) {
	final, kind := b.bits(1) == 1, b.bits(2)
	switch kind {
	case 0:
		z.storedHead(b, final)
	case 1:
		z.coded(b, final, fixedLiterals, fixedDistances)
	case 2:
		z.codesHead(b, final)
	default:
		z.fail(b, errDeflateCorrupt)
	}
}

func (z *inflation) storedHead(b *bitReader, final bool) {
	b.align()
	size, complement := b.bits(16), b.bits(16)
	switch {
	case b.short:
	case size != ^complement&0xffff:
		z.fail(b, errDeflateCorrupt)
	default:
		z.block, z.final, z.stored = storedBlock, final, size
		if size == 0 {
			z.end(b)
		}
	}
}

func (z *inflation) copyByte(b *bitReader) {
	c := b.bits(8)
	if b.short {
		return
	}
	z.text = append(z.text, byte(c))
	if z.stored--; z.stored == 0 {
		z.end(b)
	}
}

func (z *inflation) coded(b *bitReader, final bool, literals, distances prefixCode) {
	if !b.short {
		z.block, z.final, z.literals, z.distances = codedBlock, final, literals, distances
	}
}

// lengthOrder is the order of https://www.rfc-editor.org/rfc/rfc1951#section-3.2.7.
var lengthOrder = [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codesHead reads the codes of a block that brings its own.
func (z *inflation) codesHead(b *bitReader, final bool) {
	literals, distances, orders := 257+b.bits(5), 1+b.bits(5), 4+b.bits(4)
	if literals > 286 || distances > 30 {
		z.fail(b, errDeflateCorrupt)
		return
	}
	var own [len(lengthOrder)]int
	for _, symbol := range lengthOrder[:orders] {
		own[symbol] = b.bits(3)
	}
	if b.short {
		return
	}
	code, ok := newPrefixCode(own[:])
	if !ok {
		z.fail(b, errDeflateCorrupt)
		return
	}
	lengths := z.codeLengths(b, &code, literals+distances)
	if lengths == nil {
		return
	}
	l, ok1 := newPrefixCode(lengths[:literals])
	d, ok2 := newPrefixCode(lengths[literals:])
	if !ok1 || !ok2 {
		z.fail(b, errDeflateCorrupt)
		return
	}
	z.coded(b, final, l, d)
}

// codeLengths reads n lengths, nil if that is not possible.
func (z *inflation) codeLengths(b *bitReader, code *prefixCode, n int) []int {
	var list []int
	for len(list) < n && !b.short {
		symbol := b.symbol(code)
		length, times := symbol, 1
		switch {
		case symbol == 16 && len(list) > 0:
			length, times = list[len(list)-1], 3+b.bits(2)
		case symbol == 16:
			b.bits(2)
			symbol = -1
		case symbol == 17:
			length, times = 0, 3+b.bits(3)
		case symbol == 18:
			length, times = 0, 11+b.bits(7)
		}
		if symbol < 0 || len(list)+times > n {
			z.fail(b, errDeflateCorrupt)
			return nil
		}
		for range times {
			list = append(list, length)
		}
	}
	if b.short {
		return nil
	}
	return list
}

// symbol decodes a literal, a reference to what was before, or the end of the block
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5).
func (z *inflation) symbol(b *bitReader) {
	switch symbol := b.symbol(&z.literals); {
	case b.short:
	case symbol < 0 || symbol > 285:
		z.fail(b, errDeflateCorrupt)
	case symbol < 256:
		z.text = append(z.text, byte(symbol))
	case symbol == 256:
		z.end(b)
	default:
		z.refer(b, b.length(symbol-257))
	}
}

// refer repeats so many bytes from a distance.
func (z *inflation) refer(b *bitReader, length int) {
	symbol := b.symbol(&z.distances)
	if symbol < 0 || symbol > 29 {
		z.fail(b, errDeflateCorrupt)
		return
	}
	distance := b.distance(symbol)
	switch {
	case b.short:
	case distance > z.window || distance > len(z.text):
		z.fail(b, errDeflateDistance)
	default:
		for range length {
			z.text = append(z.text, z.text[len(z.text)-distance])
		}
	}
}

// A bitReader reads bits, the lowest of a byte first.
type bitReader struct {
	in    []byte
	at    int
	short bool // more was asked for than there is
}

func (b *bitReader) bits(n int) int {
	if b.short = b.short || b.at+n > 8*len(b.in); b.short {
		return 0
	}
	v := 0
	for i := range n {
		v |= int(b.in[b.at/8]>>(b.at%8)&1) << i
		b.at++
	}
	return v
}

// align skips the rest of a byte.
func (b *bitReader) align() { b.at = (b.at + 7) &^ 7 }

// length returns the length of a reference by its symbol, from 0.
func (b *bitReader) length(symbol int) int {
	if symbol == 28 {
		return 258
	}
	return 3 + b.scaled(symbol, 4)
}

func (b *bitReader) distance(symbol int) int { return 1 + b.scaled(symbol, 2) }

// scaled reads a number of a scale with so many steps from a power of two to the next.
func (b *bitReader) scaled(symbol, steps int) int {
	if symbol < 2*steps {
		return symbol
	}
	extra := symbol/steps - 1
	return (steps+symbol%steps)<<extra + b.bits(extra)
}

// A prefixCode is a Huffman code, as
// https://www.rfc-editor.org/rfc/rfc1951#section-3.2.2 makes it of lengths.
type prefixCode struct {
	counts  [16]int // how many symbols have a code of so many bits
	longest int
	symbols []int // in the order of their codes
}

// newPrefixCode returns false for lengths that are not those of a code in which all
// bits have one meaning. A code of one bit alone is one, and so is an empty code.
func newPrefixCode(lengths []int) (c prefixCode, ok bool) {
	free := 1
	for n := 1; n < len(c.counts); n++ {
		for symbol, length := range lengths {
			if length == n {
				c.symbols = append(c.symbols, symbol)
				c.counts[n]++
				c.longest = n
			}
		}
		if free = 2*free - c.counts[n]; free < 0 {
			return c, false
		}
	}
	return c, free == 0 || c.longest == 0 || c.longest == 1
}

// symbol reads the code of a symbol, -1 for none.
func (b *bitReader) symbol(c *prefixCode) int {
	value, before := 0, 0 // of the bits so far, and of how many symbols that are shorter
	for n := 1; n <= c.longest; n++ {
		value = 2*value + b.bits(1)
		if b.short {
			return -1
		}
		if value < c.counts[n] {
			return c.symbols[before+value]
		}
		value -= c.counts[n]
		before += c.counts[n]
	}
	return -1
}

// The codes of blocks that bring none
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6).
var fixedLiterals, fixedDistances = func() (literals, distances prefixCode) {
	lengths := make([]int, 288)
	for symbol := range lengths {
		lengths[symbol] = 8
		switch {
		case 144 <= symbol && symbol < 256:
			lengths[symbol] = 9
		case 256 <= symbol && symbol < 280:
			lengths[symbol] = 7
		}
	}
	literals, _ = newPrefixCode(lengths)
	for symbol := range lengths {
		lengths[symbol] = 5
	}
	distances, _ = newPrefixCode(lengths[:32])
	return literals, distances
}()
