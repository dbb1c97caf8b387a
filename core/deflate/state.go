package deflate

// AppendState appends the state of z to dst, from which [Inflater.Restore] makes an
// Inflater that goes on as z would. It is a few bytes between two blocks, and a few
// hundred inside of one.
func (z *Inflater) AppendState(dst []byte) []byte {
	dst = append(dst, byte(z.state), z.codes(), flag(z.final), byte(z.err), byte(z.n))
	for i := range 8 {
		dst = append(dst, byte(z.bits>>(8*i)))
	}
	for _, n := range [...]int{z.left, z.distance, z.literalCount, z.distanceCount, z.orderCount, z.read} {
		dst = append(dst, byte(n), byte(n>>8))
	}
	dst = append(dst, z.orderLengths[:]...)
	if z.usesLengths() {
		dst = append(dst, z.lengths[:]...)
	}
	return dst
}

// Which codes a block has.
const (
	noCodes = iota
	fixedCodes
	ownCodes
)

func (z *Inflater) codes() byte {
	switch {
	case z.state != stateBlock && z.state != stateMatch:
		return noCodes
	case z.fixed:
		return fixedCodes
	}
	return ownCodes
}

func (z *Inflater) usesLengths() bool { return z.state == stateLengths || z.codes() == ownCodes }

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Restore takes the state with which p begins and returns what is behind it; false,
// and z is at the beginning of a stream, if no Inflater can be in such a state.
func (z *Inflater) Restore(p []byte) (rest []byte, ok bool) {
	z.Reset()
	rest, ok = z.restore(p)
	if !ok {
		z.Reset()
		return nil, false
	}
	return rest, true
}

func (z *Inflater) restore(p []byte) (rest []byte, ok bool) {
	const head = 5 + 8 + 12
	if len(p) < head+len(z.orderLengths) {
		return nil, false
	}
	z.state, z.final, z.err, z.n = state(p[0]), p[2] == 1, Error(p[3]), uint(p[4])
	codes := p[1]
	for i, b := range p[5:13] {
		z.bits |= uint64(b) << (8 * i)
	}
	for i, n := range [...]*int{&z.left, &z.distance, &z.literalCount, &z.distanceCount, &z.orderCount, &z.read} {
		*n = int(p[13+2*i]) | int(p[14+2*i])<<8
	}
	copy(z.orderLengths[:], p[head:])
	p = p[head+len(z.orderLengths):]
	if !z.possible() {
		return nil, false
	}
	if z.state == stateLengths || codes == ownCodes {
		if len(p) < len(z.lengths) {
			return nil, false
		}
		p = p[copy(z.lengths[:], p):]
	}
	return p, z.rebuild(codes)
}

// possible reports whether the numbers are such as Inflate relies on.
func (z *Inflater) possible() bool {
	switch {
	case z.state > stateMatch, z.err > ErrDistance, z.n > 63, z.bits>>z.n != 0:
		return false
	case z.state == stateStoredLength && z.n > 56:
		return false
	case z.state == stateMatch && (z.left > 258 || z.distance < 1 || z.distance > 1<<MaxWindowBits):
		return false
	case z.orderCount > len(z.orderLengths), z.state == stateOrder && z.read > z.orderCount:
		return false
	}
	if z.state == stateStored {
		return z.n%8 == 0
	}
	return true
}

// rebuild makes the tables that the state has.
func (z *Inflater) rebuild(codes byte) bool {
	inBlock := z.state == stateBlock || z.state == stateMatch
	if z.state != stateLengths && !inBlock {
		return codes == noCodes
	}
	for _, n := range z.orderLengths {
		if n > 7 {
			return false
		}
	}
	if codes == fixedCodes {
		z.fixed = true
		return inBlock
	}
	if z.literalCount > 286 || z.distanceCount > 30 || z.literalCount < 257 || z.distanceCount < 1 {
		return false
	}
	for _, n := range z.lengths {
		if n > maxCode {
			return false
		}
	}
	if z.state == stateLengths {
		return codes == noCodes && z.read <= z.literalCount+z.distanceCount && z.buildOrder()
	}
	was := z.state
	ok := codes == ownCodes && z.buildCodes() == 0
	z.state = was
	return ok
}
