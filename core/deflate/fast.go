package deflate

// slack is how much room fast wants in dst: for the longest match, and for what it
// writes too much.
const slack = 258 + 8 + 4

// load returns the first eight bytes of p, which has them.
func load(p []byte) uint64 {
	_ = p[7]
	return uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
		uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
}

// fast is block for as long as there are eight bytes of input and there is room for
// any match: then there is no need to ask for every bit and every byte. It reports
// whether the block has ended, so that another state follows. What is corrupt it
// leaves to block, and bytes that it has not used to the input: how much is used does
// not depend on how much there was.
func (d *decoder) fast(literals *[literalSize]entry, distances *[distanceSize]entry) (ended bool) {
	z := d.z
	bits, n := z.bits, z.n
	dst, src := d.dst, d.src
	out, in := d.out, d.in
	for len(src)-in >= 8 && len(dst)-out >= slack {
		// At least 56 bits are there then; those above n may be there already.
		bits |= load(src[in:]) << n
		in += int((63 - n) >> 3)
		n |= 56

		e := literals[bits&(1<<literalWidth-1)]
		if e&entryLiteral != 0 {
			bits >>= e.length()
			n -= e.length()
			dst[out] = byte(e.value())
			out++
			// A second one is within 56 bits, and mostly a pair.
			e = literals[bits&(1<<literalWidth-1)]
			if e&entryLiteral != 0 {
				bits >>= e.length()
				n -= e.length()
				dst[out] = byte(e.value())
				out++
				continue
			}
			if n < 48 {
				continue
			}
		}
		length := e.length()
		if e&entryMore != 0 {
			e = literals[e.value()+int(bits>>literalWidth&(1<<e.extra()-1))]
			length = literalWidth + e.length()
		}
		switch {
		case e&entryLiteral != 0:
			bits >>= length
			n -= length
			dst[out] = byte(e.value())
			out++
			continue
		case e&entryBase == 0:
			if e&entryEnd != 0 {
				bits >>= length
				n -= length
				ended = true
			}
			goto done
		}
		{
			rest := bits >> length
			match := e.value() + int(rest&(1<<e.extra()-1))
			rest >>= e.extra()
			length += e.extra()
			f := distances[rest&(1<<distanceWidth-1)]
			flen := f.length()
			if f&entryMore != 0 {
				f = distances[f.value()+int(rest>>distanceWidth&(1<<f.extra()-1))]
				flen = distanceWidth + f.length()
			}
			if f&entryBase == 0 {
				goto done
			}
			rest >>= flen
			distance := f.value() + int(rest&(1<<f.extra()-1))
			if distance > min(out+d.w.have, d.w.Size()) {
				goto done
			}
			length += flen + f.extra()
			bits >>= length
			n -= length
			if distance > out {
				for match > 0 {
					var m int
					if back := distance - out; back > 0 {
						m = d.w.copy(dst[out:out+match], back)
					} else {
						m = copy(dst[out:out+match], dst[out-distance:out])
					}
					out += m
					match -= m
				}
				continue
			}
			out = copyMatch(dst, out, distance, match)
		}
	}
done:
	unused := min(int(n>>3), in-d.in)
	n -= uint(unused) * 8
	z.bits, z.n = bits&(1<<n-1), n
	d.out, d.in = out, in-unused
	if ended {
		d.endBlock()
	}
	return ended
}

// copyMatch copies length bytes from distance back, and may write up to 7 more.
func copyMatch(dst []byte, out, distance, length int) int {
	end := out + length
	// What repeats after a distance repeats after twice that.
	for ; distance < 8 && out < end; distance *= 2 {
		out += copy(dst[out:end], dst[out-distance:out])
	}
	if out == end {
		return end
	}
	from := dst[out-distance:]
	to := dst[out : end+8]
	for len(to) > 8 {
		store(to, load(from))
		to, from = to[8:], from[8:]
	}
	return end
}

// store writes eight bytes to p, which has room for them.
func store(p []byte, v uint64) {
	_ = p[7]
	p[0], p[1], p[2], p[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	p[4], p[5], p[6], p[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}
