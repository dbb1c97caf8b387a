package sim

import "time"

// The rolling hash of a run takes in everything that happens in it: two runs
// with the same hash did the same. It is FNV-1a over 64-bit words, with a shift
// that brings the high bits down, and does not change between versions.
const (
	hashStart uint64 = 0xcbf29ce484222325
	hashPrime uint64 = 0x100000001b3
)

func (w *World) mix(v uint64) {
	h := (w.hash ^ v) * hashPrime
	w.hash = h ^ h>>29
}

func (w *World) mixBytes(p []byte) {
	w.mix(uint64(len(p)))
	for len(p) >= 8 {
		w.mix(uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56)
		p = p[8:]
	}
	var last uint64
	for i, b := range p {
		last |= uint64(b) << (8 * i)
	}
	w.mix(last)
}

func (w *World) mixString(s string) { w.mix(hashName(s)) }

// mixArg takes in a part of a text. What may differ from run to run, such as an
// address, is left out.
func (w *World) mixArg(a any) {
	switch v := a.(type) {
	case string:
		w.mixString(v)
	case time.Duration:
		w.mix(uint64(v))
	case int:
		w.mix(uint64(v))
	case error:
		w.mixString(v.Error())
	}
}
