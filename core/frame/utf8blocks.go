package frame

const (
	// textBlock is how many bytes of text are checked at a time.
	textBlock = 64
	// textStep is how far on the next block begins: in it is all of a character that is
	// open at the end of this one.
	textStep = textBlock - 4
	// worthABlock is how many bytes at the end take longer one by one.
	worthABlock = 16
)

// validBlocks runs over p, which begins between two characters and is a block long at
// least. It stops before a block that is not valid, after one of ASCII, and a few bytes
// before the end. It returns how many bytes that was; what is left begins between two
// characters too.
func validBlocks(p []byte) (n int) {
	last := len(p) - textBlock
	known := uint64(allBytes)
	for from := 0; ; from = min(from+textStep, last) {
		valid, ascii := checkBlock((*[textBlock]byte)(p[from:]), known)
		if !valid {
			break
		}
		n = from + textStep
		if ascii || last-from < worthABlock {
			break
		}
		known = afterThree
	}
	if n > 0 {
		n += lastStart((*[4]byte)(p[n:]))
	}
	return n
}

// lastStart returns where the last character begins in the four bytes at the end of
// valid text.
func lastStart(p *[4]byte) int {
	for i := 3; i > 0; i-- {
		if p[i]&0xC0 != 0x80 {
			return i
		}
	}
	return 0
}

// checkBlock reports whether p is valid, as far as can be told without the bytes
// around it, and whether it is all ASCII. Of the bytes that are not in known it may be
// that what they continue is not in p.
//
// It looks at one bit of all bytes at a time: bit 8*i+j of each of the words b0 to b7,
// and of known, is of byte p[8*j+i]. No branch depends on where characters begin.
func checkBlock(p *[textBlock]byte, known uint64) (valid, ascii bool) {
	w0, w1 := load64((*[8]byte)(p[0:])), load64((*[8]byte)(p[8:]))
	w2, w3 := load64((*[8]byte)(p[16:])), load64((*[8]byte)(p[24:]))
	w4, w5 := load64((*[8]byte)(p[32:])), load64((*[8]byte)(p[40:]))
	w6, w7 := load64((*[8]byte)(p[48:])), load64((*[8]byte)(p[56:]))

	b4, b5 := swap1(w0>>4&lowHalves|w4&^lowHalves, w1>>4&lowHalves|w5&^lowHalves)
	b6, b7 := swap1(w2>>4&lowHalves|w6&^lowHalves, w3>>4&lowHalves|w7&^lowHalves)
	b4, b6 = swap2(b4, b6)
	b5, b7 = swap2(b5, b7)

	// A continuation byte is where one has to be, and nowhere else.
	lead2 := b7 & b6    // C0..FF
	lead3 := lead2 & b5 // E0..FF
	lead4 := lead3 & b4 // F0..FF
	wrong := follow(lead2|follow(lead3|follow(lead4))) ^ b7&^b6
	if wrong&known != 0 {
		return false, false
	}
	if lead3|lead2&^b4 == 0 { // D0..DF alone: nothing else can be wrong
		return true, b7 == 0
	}

	b0, b1 := swap1(w0&lowHalves|w4<<4&^lowHalves, w1&lowHalves|w5<<4&^lowHalves)
	b2, b3 := swap1(w2&lowHalves|w6<<4&^lowHalves, w3&lowHalves|w7<<4&^lowHalves)
	b0, b2 = swap2(b0, b2)
	b1, b3 = swap2(b1, b3)

	// C0, C1 and F5..FF are never there. After E0 comes A0..BF, after ED 80..9F, after F0
	// 90..BF, after F4 80..8F.
	next5, next4 := precede(b5), precede(b4)
	b32, b10 := b3|b2, b1|b0
	bad := lead2 &^ (b5 | b4 | b32 | b1)
	bad |= lead3 &^ (b32 | b10 | next5 | next4&b4)
	bad |= lead3 & b3 & b2 & b0 &^ b1 & next5
	bad |= lead4 & (b3 | b2&(b10|next5|next4))
	return bad&beforeLast == 0, false
}

// Bits of the bytes of a block, all, all but the first three, all but the last.
const (
	allBytes   = 1<<64 - 1
	afterThree = allBytes &^ (1 | 1<<8 | 1<<16)
	beforeLast = allBytes >> 1
)

const lowHalves = 0x0F0F0F0F0F0F0F0F

// follow moves the bits of each byte to the next.
func follow(x uint64) uint64 { return x<<8 | x>>55&0xFE }

// precede moves the bits of each byte to the one before.
func precede(x uint64) uint64 { return x>>8 | x&0xFE<<55 }

// swap1 exchanges each odd bit of a with the even bit below it of b, swap2 pairs of
// bits. So squares of bits are transposed.

func swap1(a, b uint64) (uint64, uint64) {
	t := (a>>1 ^ b) & 0x5555555555555555
	return a ^ t<<1, b ^ t
}

func swap2(a, b uint64) (uint64, uint64) {
	t := (a>>2 ^ b) & 0x3333333333333333
	return a ^ t<<2, b ^ t
}
