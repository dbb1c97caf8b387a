package compress

import (
	"sync"

	"github.com/fb1e3c20/websockets/core/deflate"
)

// A Pool is a [deflate.Lender] that keeps what comes back for a while. Any number of
// connections may share one, and any goroutine may call it. The zero Pool is ready.
type Pool struct {
	inflaters sync.Pool
	deflaters [deflate.MaxWindowBits + 1][10]sync.Pool // by bits and level
}

var _ deflate.Lender = (*Pool)(nil)

// Inflater returns an Inflater in any state.
func (p *Pool) Inflater() *deflate.Inflater {
	if z, ok := p.inflaters.Get().(*deflate.Inflater); ok {
		return z
	}
	return new(deflate.Inflater)
}

// ReturnInflater takes it back.
func (p *Pool) ReturnInflater(z *deflate.Inflater) { p.inflaters.Put(z) }

// Deflater returns a Deflater for a window of 2 to the power of bits, from 8 to 15,
// and a level from 1 to 9; others are taken as the nearest.
func (p *Pool) Deflater(bits, level uint8) *deflate.Deflater {
	pool := p.of(&bits, &level)
	if d, ok := pool.Get().(*deflate.Deflater); ok {
		return d
	}
	c, _ := New(bits, int(level)) // it does not fail for these
	return &deflate.Deflater{Compressor: c}
}

// ReturnDeflater takes it back.
func (p *Pool) ReturnDeflater(bits, level uint8, d *deflate.Deflater) { p.of(&bits, &level).Put(d) }

// of returns the pool for such Deflaters.
func (p *Pool) of(bits, level *uint8) *sync.Pool {
	*bits = min(max(*bits, deflate.MinWindowBits), deflate.MaxWindowBits)
	*level = min(max(*level, 1), 9)
	if *bits < deflate.MaxWindowBits {
		*level = min(*level, windowLevel) // what is above is the same
	}
	return &p.deflaters[*bits][*level]
}
