package transport

import (
	"sync"

	"github.com/fb1e3c20/websockets/core"
)

// Sizes of the buffers that connections borrow.
const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
)

// A buffer is borrowed only while there is something in it. The pools hold
// plain memory, nothing of a connection or a clock, so sharing them between
// all connections of the process couples nothing.
type buffer struct {
	b      []byte
	lent   bool    // a Sink has it
	left   bool    // and gives it back, since no input is in it any more
	direct bool    // b belongs to a message that comes in
	plain  *buffer // of input: what a machine that compresses puts its contents into

	records [batchSize]core.Record // of input: of the messages in it
	out     []byte                 // of output: what waits to be written, in b or grown out of it
	off     int                    // how much of out has been written
}

var (
	smallBuffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, smallBuffer)} }}
	largeBuffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, largeBuffer)} }}

	directBuffers = sync.Pool{New: func() any { return &buffer{direct: true} }}
)

func borrow(large bool) *buffer {
	if large {
		return largeBuffers.Get().(*buffer)
	}
	return smallBuffers.Get().(*buffer)
}

func giveBack(b *buffer) {
	b.out, b.off = nil, 0
	switch cap(b.b) {
	case smallBuffer:
		b.b = b.b[:smallBuffer]
		smallBuffers.Put(b)
	case largeBuffer:
		b.b = b.b[:largeBuffer]
		largeBuffers.Put(b)
	}
}

// A queue is output that waits to be written, in a borrowed buffer. The zero queue is
// empty and holds no memory.
type queue struct{ buf *buffer }

// queueOf returns a queue of memory that was not borrowed.
func queueOf(p []byte) queue { return queue{&buffer{out: p}} }

func (q *queue) len() int { return len(q.rest()) }

// room returns the queue's bytes with space for n more, to be appended to and
// given to set.
func (q *queue) room(n int) []byte {
	switch {
	case q.buf == nil:
		q.buf = borrow(n > smallBuffer)
		q.buf.out = q.buf.b[:0]
	case cap(q.buf.out) == smallBuffer && len(q.buf.out)+n > smallBuffer:
		larger := borrow(true)
		larger.out, larger.off = append(larger.b[:0], q.buf.out...), q.buf.off
		giveBack(q.buf)
		q.buf = larger
	}
	return q.buf.out
}

func (q *queue) set(p []byte) { q.buf.out = p }

// wrote notes that n bytes of the rest have been written.
func (q *queue) wrote(n int) { q.buf.off += n }

// rest returns what is still to be written.
func (q *queue) rest() []byte {
	if q.buf == nil {
		return nil
	}
	return q.buf.out[q.buf.off:]
}

// release empties the queue and gives its memory back.
func (q *queue) release() {
	if q.buf != nil {
		giveBack(q.buf)
	}
	*q = queue{}
}
