package main

import (
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
)

// What a lender keeps at most: Inflaters for as many messages as usually come in at the
// same time, and Deflaters for a few windows, since peers may ask for smaller ones.
const (
	mostInflaters = 16
	mostDeflaters = 3
)

// deflaterSize is about what a Deflater takes that has met messages of all sizes.
const deflaterSize = 2 << 20

// A lender lends what compression needs while a message is under way. How many Inflaters
// are lent is not its affair: see instance.settle.
type lender struct {
	inflaters []*deflate.Inflater
	deflaters []spareDeflater // the latest used last
}

type spareDeflater struct {
	*deflate.Deflater
	bits, level uint8
}

var _ deflate.Lender = (*lender)(nil)

func (l *lender) Inflater() *deflate.Inflater {
	n := len(l.inflaters)
	if n == 0 {
		return new(deflate.Inflater)
	}
	z := l.inflaters[n-1]
	l.inflaters[n-1], l.inflaters = nil, l.inflaters[:n-1]
	return z
}

func (l *lender) ReturnInflater(z *deflate.Inflater) {
	if len(l.inflaters) == mostInflaters {
		it.waste(uint32(z.Size()))
		return
	}
	l.inflaters = append(l.inflaters, z)
}

func (l *lender) Deflater(bits, level uint8) *deflate.Deflater {
	for i, spare := range l.deflaters {
		if spare.bits == bits && spare.level == level {
			l.deflaters = append(l.deflaters[:i], l.deflaters[i+1:]...)
			return spare.Deflater
		}
	}
	c, _ := compress.New(bits, int(level)) // it does not fail for what settings may have
	return &deflate.Deflater{Compressor: c}
}

func (l *lender) ReturnDeflater(bits, level uint8, d *deflate.Deflater) {
	if len(l.deflaters) == mostDeflaters {
		it.waste(deflaterSize)
		l.deflaters = append(l.deflaters[:0], l.deflaters[1:]...)
	}
	l.deflaters = append(l.deflaters, spareDeflater{d, bits, level})
}
