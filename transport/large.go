package transport

import "sync"

// directRead is how much of a frame must be to come for it to be read to where it belongs,
// without a copy.
const directRead = 16 << 10

// readTo has the next read go behind dst, if the frame that has begun brings so much, and
// returns dst, with room for it. Room is made by doubling: a header alone takes no memory.
func (c *Conn) readTo(dst []byte) []byte {
	in := &c.in
	in.leave()
	if in.r < in.w || c.ahead.kept != nil {
		return dst
	}
	left := c.expects()
	if left < directRead {
		return dst
	}
	if room := cap(dst) - len(dst); room < min(left, len(dst), largeBuffer) {
		dst = grown(dst, len(dst)+min(left, max(len(dst), largeBuffer)))
	}
	if room := min(left, cap(dst)-len(dst)); room >= directRead {
		in.direct = directBuffers.Get().(*buffer)
		in.direct.b = dst[len(dst):][:room]
	}
	return dst
}

// expects returns how much the frame that has begun is still to bring, so far as the machine
// knows.
func (c *Conn) expects() int {
	m, ok := c.m.(Expecter)
	if !ok || c.released {
		return 0
	}
	return m.Expects()
}

// leave has the next read go to a buffer again.
func (in *input) leave() {
	if b := in.direct; b != nil {
		in.direct, b.b = nil, nil
		directBuffers.Put(b)
	}
}

// extend is append that doubles: of a large message, which append lets grow by a quarter
// at a time, less is copied and left behind. What readTo has had read there stays.
func extend(dst, p []byte) []byte {
	n := len(dst) + len(p)
	if n > cap(dst) && len(dst) > 0 {
		dst = grown(dst, max(n, 2*cap(dst)))
	}
	if len(p) > 0 && n <= cap(dst) && &dst[:n][len(dst)] == &p[0] {
		return dst[:n]
	}
	return append(dst, p...)
}

// largeMessages has the memory of large messages that were lent, for others of which as
// much has come that they need more than a large buffer.
var largeMessages sync.Pool

// grown returns dst with a capacity.
func grown(dst []byte, capacity int) []byte {
	var larger []byte
	if capacity > largeBuffer {
		if a, ok := largeMessages.Get().(*assembly); ok && cap(a.p) >= capacity {
			larger = a.p[:len(dst)]
		}
	}
	if larger == nil {
		larger = apart(len(dst), capacity)
	}
	copy(larger, dst)
	return larger
}

// pageOffset is where in a page the memory of a large message begins. At the beginning of
// one, as make has it, a copy to behind a header in another page reads just below where it
// writes, modulo 4 KiB, which some processors take for the same place.
const pageOffset = 64

// apart is make for a message, large or not.
func apart(n, capacity int) []byte {
	if capacity <= largeBuffer {
		return make([]byte, n, capacity)
	}
	return make([]byte, pageOffset+n, pageOffset+capacity)[pageOffset:]
}
