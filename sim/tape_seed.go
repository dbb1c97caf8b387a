package sim

import "math/bits"

// FromSeed returns a tape that draws its answers. Each is a function of the
// seed, the name of the stream and the index of the question in its stream, and
// of nothing else. That function never changes, so a seed written down today
// gives the same answers in any later version:
//
//	mix(z)    = SplitMix64's finaliser: z ^= z>>30, z *= 0xbf58476d1ce4e5b9,
//	            z ^= z>>27, z *= 0x94d049bb133111eb, z ^= z>>31
//	key       = mix(seed + mix(FNV-1a of the name, 64 bits))
//	x         = mix(key + (index+1) * 0x9e3779b97f4a7c15)
//	Choose(n) = x * n >> 64, in 128 bits
//	Chance    = Choose(den) >= den-num
//	Scale     : with x*(bits.Len(hi-lo)+1) in 128 bits, the high half is the
//	            magnitude m. 0 adds nothing to lo. Any other adds one of the
//	            numbers from 1<<(m-1) to the smaller of (1<<m)-1 and hi-lo:
//	            the one of index (low half) * (how many they are) >> 64.
func FromSeed(seed uint64) *Tape {
	t := new(Tape)
	t.Reset(seed)
	return t
}

const golden = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio, SplitMix64's step

// seedSource draws from a seed.
type seedSource uint64

func (seed *seedSource) key(name uint64) uint64 { return mix(uint64(*seed) + mix(name)) }

func (*seedSource) uniform(s *Stream, n uint64) uint64 {
	hi, _ := bits.Mul64(s.bits(), n)
	return hi
}

func (*seedSource) chance(s *Stream, num, den uint64) uint64 {
	hi, _ := bits.Mul64(s.bits(), den)
	if hi >= den-num {
		return 1
	}
	return 0
}

func (*seedSource) scaled(s *Stream, n uint64) uint64 {
	magnitude, rest := bits.Mul64(s.bits(), magnitudes(n))
	first, count := ofMagnitude(magnitude, n)
	v, _ := bits.Mul64(rest, count)
	return first + v
}

// bits returns the 64 bits of the question asked next.
func (s *Stream) bits() uint64 {
	return mix(s.key + (uint64(s.next)+1)*golden)
}

// magnitudes counts the magnitudes of the numbers below n: 0 has one of its
// own, every other has one for each number of bits.
func magnitudes(n uint64) uint64 { return uint64(bits.Len64(n-1)) + 1 }

// ofMagnitude returns the first number of a magnitude and how many there are
// below n.
func ofMagnitude(m, n uint64) (first, count uint64) {
	if m == 0 {
		return 0, 1
	}
	first = 1 << (m - 1)
	return first, min(first, n-first)
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hashName is FNV-1a with 64 bits.
func hashName(name string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return h
}
