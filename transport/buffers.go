package transport

import "sync"

// Sizes of the buffers that connections borrow.
const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
)

// A buffer is borrowed only while there is something in it. The pools hold
// plain memory, nothing of a connection or a clock, so sharing them between
// all connections of the process couples nothing.
type buffer struct {
	b     []byte
	plain *buffer // of input: what a machine that compresses puts its contents into
}

var (
	smallBuffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, smallBuffer)} }}
	largeBuffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, largeBuffer)} }}
)

func borrow(large bool) *buffer {
	if large {
		return largeBuffers.Get().(*buffer)
	}
	return smallBuffers.Get().(*buffer)
}

func giveBack(b *buffer) {
	switch cap(b.b) {
	case smallBuffer:
		b.b = b.b[:smallBuffer]
		smallBuffers.Put(b)
	case largeBuffer:
		b.b = b.b[:largeBuffer]
		largeBuffers.Put(b)
	}
}

// A queue is output that waits to be written: bytes in a borrowed buffer, from
// off on. The zero queue is empty and holds no memory.
type queue struct {
	buf *buffer
	p   []byte // in buf, or grown out of it
	off int
}

func (q *queue) len() int { return len(q.p) - q.off }

// room returns the queue's bytes with space for n more, to be appended to and
// given to set.
func (q *queue) room(n int) []byte {
	switch {
	case q.buf == nil:
		q.buf = borrow(n > smallBuffer)
		q.p = q.buf.b[:0]
	case cap(q.p) == smallBuffer && len(q.p)+n > smallBuffer:
		larger := borrow(true)
		q.p = append(larger.b[:0], q.p...)
		giveBack(q.buf)
		q.buf = larger
	}
	return q.p
}

func (q *queue) set(p []byte) { q.p = p }

// rest returns what is still to be written.
func (q *queue) rest() []byte { return q.p[q.off:] }

// release empties the queue and gives its memory back.
func (q *queue) release() {
	if q.buf != nil {
		giveBack(q.buf)
	}
	*q = queue{}
}
