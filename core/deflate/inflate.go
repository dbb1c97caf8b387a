package deflate

// Tail is what a receiver puts behind a message before it decompresses it
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2).
const Tail = "\x00\x00\xff\xff"

// Error is why compressed data cannot be decompressed: a comparable value.
type Error uint8

const (
	_ Error = iota

	// ErrCorrupt: the data is not in the format of RFC 1951.
	ErrCorrupt

	// ErrDistance: the data refers to what lies before the beginning, or
	// further back than the window that was agreed on.
	ErrDistance
)

var errorTexts = [...]string{
	ErrCorrupt:  "the compressed data is corrupt",
	ErrDistance: "the compressed data refers to more than the window holds",
}

func (e Error) Error() string {
	if int(e) < len(errorTexts) && errorTexts[e] != "" {
		return "deflate: " + errorTexts[e]
	}
	return "deflate: unknown error"
}

// An Inflater decompresses the DEFLATE format (https://www.rfc-editor.org/rfc/rfc1951)
// from pieces of any size into pieces of any size. It keeps what a stream may refer
// back to in a Window, which it is given, and allocates nothing.
//
// A final block is like any other: the next one begins at the next byte, and may
// refer to what came before
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.2.3.4 has such messages).
//
// The zero Inflater is at the beginning of a stream. It holds [InflaterSize] bytes, and
// must not be copied once it is in use.
type Inflater struct {
	bits  uint64 // of the input, the next one lowest; above n they are zero
	n     uint   // how many
	state state
	final bool // the block is the last one of its stream
	err   Error

	left     int // bytes of a stored block, or of a match, that are still to be copied
	distance int // of that match

	fixed bool // the block has the fixed codes

	// While the codes of a block are read.
	literalCount, distanceCount, orderCount int
	read                                    int       // of lengths
	orderLengths                            [19]uint8 // of the code of the lengths
	lengths                                 [286 + 32]uint8

	window       []byte             // of Window
	ownLiterals  [literalSize]entry // before that, the code of the lengths
	ownDistances [distanceSize]entry
}

type state uint8

const (
	stateHeader state = iota // at the beginning of a block
	stateStoredLength
	stateStored
	stateCounts
	stateOrder   // reading the code of the lengths
	stateLengths // reading the lengths of the codes
	stateBlock
	stateMatch
)

// InflaterSize is about how many bytes an Inflater holds, but for its Window: 8 KiB.
const InflaterSize = 8 << 10

// Window returns a Window in memory of z, which is empty: for a stream that refers to
// nothing before it. That memory is made when it is first asked for, and kept.
func (z *Inflater) Window(bits uint8) Window {
	if len(z.window) < 1<<bits {
		z.window = make([]byte, 1<<bits)
	}
	return MakeWindow(z.window[:1<<bits])
}

// Size returns about how many bytes z holds.
func (z *Inflater) Size() int { return InflaterSize + len(z.window) }

// Reset brings z to the beginning of a stream. It is cheaper than the zero Inflater, and
// makes a state that is the same, as AppendState tells it.
func (z *Inflater) Reset() {
	z.bits, z.n, z.state, z.final, z.err, z.left, z.distance = 0, 0, stateHeader, false, 0, 0, 0
	z.literalCount, z.distanceCount, z.orderCount, z.read = 0, 0, 0, 0
	z.orderLengths = [len(z.orderLengths)]uint8{}
}

// AtBoundary reports whether all input has been used, up to the end of a block that
// ends with a byte, as the empty stored block does that ends every message
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1).
func (z *Inflater) AtBoundary() bool { return z.state == stateHeader && z.n == 0 && z.err == 0 }

// Inflate decompresses from src to dst and returns how many bytes of dst it has
// written and of src it has used. It has used all of src unless it has filled dst; as
// long as it fills dst there may be more, also when src is used up. What it does does
// not depend on what of src it has not used. What lies behind the n bytes in dst may
// have been overwritten.
//
// After an error, which is an [Error] and comes with the bytes before it, it does
// nothing more.
func (z *Inflater) Inflate(w *Window, dst, src []byte) (n, used int, err error) {
	d := decoder{z: z, w: w, dst: dst, src: src}
	if z.err == 0 {
		z.err = d.run()
	}
	w.Push(dst[:d.out])
	if z.err != 0 {
		return d.out, d.in, z.err
	}
	return d.out, d.in, nil
}

// A decoder is an Inflater at work.
type decoder struct {
	z        *Inflater
	w        *Window
	dst, src []byte
	out, in  int // written to dst, used of src
}

// run decodes until there is no input, or no room.
func (d *decoder) run() Error {
	z := d.z
	for {
		var more bool
		var err Error
		switch z.state {
		case stateHeader:
			more, err = d.header()
		case stateStoredLength:
			more, err = d.storedLength()
		case stateStored:
			more = d.stored()
		case stateCounts:
			more, err = d.counts()
		case stateOrder:
			more, err = d.order()
		case stateLengths:
			more, err = d.codeLengths()
		case stateBlock:
			more, err = d.block()
		case stateMatch:
			more = d.match()
		}
		if err != 0 || !more {
			return err
		}
	}
}

// need reports whether n bits are there, and takes them from the input if not.
func (d *decoder) need(n uint) bool {
	z := d.z
	for z.n < n {
		if d.in == len(d.src) {
			return false
		}
		z.bits |= uint64(d.src[d.in]) << z.n
		z.n += 8
		d.in++
	}
	return true
}

// take returns the next n bits, which are there.
func (z *Inflater) take(n uint) int {
	v := int(z.bits & (1<<n - 1))
	z.bits >>= n
	z.n -= n
	return v
}

// header reads the three bits that begin a block
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.3).
func (d *decoder) header() (more bool, err Error) {
	if !d.need(3) {
		return false, 0
	}
	z := d.z
	z.final = z.take(1) == 1
	switch z.take(2) {
	case 0:
		z.take(z.n % 8)
		z.state = stateStoredLength
	case 1:
		z.fixed = true
		z.state = stateBlock
	case 2:
		z.state = stateCounts
	default:
		return false, ErrCorrupt
	}
	return true, 0
}

// storedLength reads the head of a block that is not compressed
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4).
func (d *decoder) storedLength() (more bool, err Error) {
	if !d.need(32) {
		return false, 0
	}
	z := d.z
	n, complement := z.take(16), z.take(16)
	if n^complement != 0xffff {
		return false, ErrCorrupt
	}
	z.left = n
	z.state = stateStored
	return true, 0
}

// stored copies such a block: bytes that have been taken already, then the input.
func (d *decoder) stored() (more bool) {
	z := d.z
	for z.left > 0 && z.n > 0 && d.out < len(d.dst) {
		d.dst[d.out] = byte(z.take(8))
		d.out++
		z.left--
	}
	if z.left > 0 {
		n := copy(d.dst[d.out:], d.src[d.in:min(len(d.src), d.in+z.left)])
		d.out += n
		d.in += n
		z.left -= n
	}
	if z.left > 0 {
		return false
	}
	d.endBlock()
	return true
}

func (d *decoder) endBlock() {
	z := d.z
	z.state = stateHeader
	if z.final {
		z.take(z.n % 8)
	}
}

// counts reads how many lengths follow
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.7).
func (d *decoder) counts() (more bool, err Error) {
	if !d.need(14) {
		return false, 0
	}
	z := d.z
	z.literalCount, z.distanceCount, z.orderCount = z.take(5)+257, z.take(5)+1, z.take(4)+4
	if z.literalCount > 286 || z.distanceCount > 30 {
		return false, ErrCorrupt
	}
	z.read = 0
	z.orderLengths = [len(z.orderLengths)]uint8{}
	z.state = stateOrder
	return true, 0
}

// lengthOrder is the order in which the code of the lengths tells its own.
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (d *decoder) order() (more bool, err Error) {
	z := d.z
	for ; z.read < z.orderCount; z.read++ {
		if !d.need(3) {
			return false, 0
		}
		z.orderLengths[lengthOrder[z.read]] = uint8(z.take(3))
	}
	if !z.buildOrder() {
		return false, ErrCorrupt
	}
	z.read = 0
	z.lengths = [len(z.lengths)]uint8{}
	z.state = stateLengths
	return true, 0
}

func (z *Inflater) buildOrder() bool {
	return build(z.ownLiterals[:orderSize], orderWidth, z.orderLengths[:], orderSymbols[:])
}

// codeLengths reads the lengths of the codes of the block, and builds these.
func (d *decoder) codeLengths() (more bool, err Error) {
	z := d.z
	for total := z.literalCount + z.distanceCount; z.read < total; {
		e := z.ownLiterals[z.bits&(1<<orderWidth-1)]
		for z.n < e.length() {
			if !d.need(z.n + 1) {
				return false, 0
			}
			e = z.ownLiterals[z.bits&(1<<orderWidth-1)]
		}
		if e&entryLiteral == 0 {
			return false, ErrCorrupt
		}
		ok, err := d.codeLength(e, total)
		if !ok {
			return false, err
		}
	}
	return true, z.buildCodes()
}

// codeLength reads one length, or how often one is repeated.
func (d *decoder) codeLength(e entry, total int) (ok bool, err Error) {
	z := d.z
	if e.value() < 16 {
		z.take(e.length())
		z.lengths[z.read] = uint8(e.value())
		z.read++
		return true, 0
	}
	r := repeats[e.value()-16]
	if !d.need(e.length() + r.extra) {
		return false, 0
	}
	z.take(e.length())
	times, length := r.least+z.take(r.extra), uint8(0)
	if e.value() == 16 {
		if z.read == 0 {
			return false, ErrCorrupt
		}
		length = z.lengths[z.read-1]
	}
	if z.read+times > total {
		return false, ErrCorrupt
	}
	for range times {
		z.lengths[z.read] = length
		z.read++
	}
	return true, 0
}

var repeats = [3]struct {
	extra uint
	least int
}{{2, 3}, {3, 3}, {7, 11}}

func (z *Inflater) buildCodes() Error {
	literals, distances := z.lengths[:z.literalCount], z.lengths[z.literalCount:z.literalCount+z.distanceCount]
	if !build(z.ownLiterals[:], literalWidth, literals, literalSymbols[:]) ||
		!build(z.ownDistances[:], distanceWidth, distances, distanceSymbols[:]) {
		return ErrCorrupt
	}
	z.fixed = false
	z.state = stateBlock
	return 0
}

// tables returns those of the codes of the block. To keep them in z would have all
// that z works on allocated on the heap.
func (z *Inflater) tables() (*[literalSize]entry, *[distanceSize]entry) {
	if z.fixed {
		return &fixedLiterals, &fixedDistances
	}
	return &z.ownLiterals, &z.ownDistances
}

// block decodes literals and matches, one after the other.
func (d *decoder) block() (more bool, err Error) {
	z := d.z
	literals, distances := z.tables()
	for {
		if len(d.src)-d.in >= 8 && len(d.dst)-d.out >= slack {
			if d.fast(literals, distances) {
				return true, 0
			}
		}
		if d.out == len(d.dst) {
			return false, 0
		}
		e, ok := d.symbol(literals[:], literalWidth)
		switch {
		case !ok:
			return false, 0
		case e&entryLiteral != 0:
			z.take(e.length())
			d.dst[d.out] = byte(e.value())
			d.out++
		case e&entryBase != 0:
			if ok, err := d.pair(e, distances); !ok {
				return false, err
			}
			return true, 0
		case e&entryEnd != 0:
			z.take(e.length())
			d.endBlock()
			return true, 0
		default:
			return false, ErrCorrupt
		}
	}
}

// symbol returns the entry of the next code, whose length is all of it then, without
// taking it; false without enough input.
func (d *decoder) symbol(table []entry, width uint) (entry, bool) {
	return d.symbolBehind(table, width, 0)
}

// symbolBehind is symbol for the code behind so many bits, which are there.
func (d *decoder) symbolBehind(table []entry, width, skip uint) (entry, bool) {
	z := d.z
	for {
		rest := z.bits >> skip
		e := table[rest&(1<<width-1)]
		length := e.length()
		if e&entryMore != 0 {
			second := rest >> width & (1<<e.extra() - 1)
			e = table[e.value()+int(second)]
			length = width + e.length()
			e = e&^15 | entry(length)
		}
		if length+skip <= z.n {
			return e, true
		}
		if !d.need(z.n + 1) {
			return 0, false
		}
	}
}

// pair reads a length, of which e is the code, and a distance, both or nothing.
func (d *decoder) pair(e entry, distances *[distanceSize]entry) (ok bool, err Error) {
	z := d.z
	skip := e.length() + e.extra()
	if !d.need(skip) {
		return false, 0
	}
	f, ok := d.symbolBehind(distances[:], distanceWidth, skip)
	if !ok {
		return false, 0
	}
	if f&entryBase == 0 {
		return false, ErrCorrupt
	}
	if !d.need(skip + f.length() + f.extra()) {
		return false, 0
	}
	z.take(e.length())
	z.left = e.value() + z.take(e.extra())
	z.take(f.length())
	z.distance = f.value() + z.take(f.extra())
	if z.distance > d.out+d.w.have {
		return false, ErrDistance
	}
	if z.distance > d.w.Size() {
		return false, ErrDistance
	}
	z.state = stateMatch
	return true, 0
}

// match copies what a distance refers to.
func (d *decoder) match() (more bool) {
	z := d.z
	for z.left > 0 && d.out < len(d.dst) {
		to := d.dst[d.out:min(len(d.dst), d.out+z.left)]
		var n int
		if back := z.distance - d.out; back > 0 {
			n = d.w.copy(to, back)
		} else {
			n = copy(to, d.dst[d.out-z.distance:d.out])
		}
		d.out += n
		z.left -= n
	}
	if z.left > 0 {
		return false
	}
	z.distance = 0
	z.state = stateBlock
	return true
}
