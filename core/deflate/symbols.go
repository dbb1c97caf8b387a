package deflate

// What the symbols of a block mean
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5).
var (
	literalSymbols  = makeLiteralSymbols()
	distanceSymbols = makeDistanceSymbols()
	orderSymbols    = makeOrderSymbols()
)

// The codes of blocks without codes of their own
// (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6).
var fixedLiterals, fixedDistances = makeFixed()

func makeLiteralSymbols() (list [288]entry) {
	for i := range 256 {
		list[i] = entryLiteral | entry(i)<<16
	}
	list[256] = entryEnd
	base, extra := 3, entry(0)
	for i := 257; i < 285; i++ {
		list[i] = entryBase | extra<<4 | entry(base)<<16
		base += 1 << extra
		if i >= 264 && i%4 == 0 {
			extra++
		}
	}
	list[285] = entryBase | 258<<16
	return list // 286 and 287 mean nothing
}

func makeDistanceSymbols() (list [32]entry) {
	base, extra := 1, entry(0)
	for i := range 30 {
		list[i] = entryBase | extra<<4 | entry(base)<<16
		base += 1 << extra
		if i >= 3 && i%2 == 1 {
			extra++
		}
	}
	return list // 30 and 31 mean nothing
}

func makeOrderSymbols() (list [19]entry) {
	for i := range list {
		list[i] = entryLiteral | entry(i)<<16
	}
	return list
}

func makeFixed() (literals [literalSize]entry, distances [distanceSize]entry) {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(literals[:], literalWidth, lengths[:], literalSymbols[:])
	for i := range 32 {
		lengths[i] = 5
	}
	build(distances[:], distanceWidth, lengths[:32], distanceSymbols[:])
	return literals, distances
}
