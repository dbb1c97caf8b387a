package pipe

import "sync"

// A queue holds bytes in a list of chunks, which come from a pool and go back
// as soon as they are read.
type queue struct {
	len         int
	first, last *chunk
}

const chunkSize = 4 << 10

type chunk struct {
	next       *chunk
	start, end int
	data       [chunkSize]byte
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// write appends all of p.
func (q *queue) write(p []byte) {
	q.len += len(p)
	for len(p) > 0 {
		c := q.tail()
		n := copy(c.data[c.end:], p)
		c.end += n
		p = p[n:]
	}
}

// tail returns a last chunk that has room.
func (q *queue) tail() *chunk {
	if q.last != nil && q.last.end < chunkSize {
		return q.last
	}
	c := chunks.Get().(*chunk)
	if q.last == nil {
		q.first = c
	} else {
		q.last.next = c
	}
	q.last = c
	return c
}

// read moves the first bytes to p and returns how many.
func (q *queue) read(p []byte) (n int) {
	for n < len(p) && q.first != nil {
		c := q.first
		m := copy(p[n:], c.data[c.start:c.end])
		c.start += m
		n += m
		if c.start == c.end {
			q.drop()
		}
	}
	q.len -= n
	return n
}

// drop gives the first chunk back.
func (q *queue) drop() {
	c := q.first
	q.first = c.next
	if q.first == nil {
		q.last = nil
	}
	c.next, c.start, c.end = nil, 0, 0
	chunks.Put(c)
}

func (q *queue) clear() {
	for q.first != nil {
		q.drop()
	}
	q.len = 0
}
