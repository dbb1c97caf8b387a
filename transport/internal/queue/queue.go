// Package queue holds bytes that wait to be read.
package queue

import "sync"

// A Queue holds bytes in a list of chunks, which come from a pool and go back as
// soon as they are read, so an empty one holds no memory. The zero Queue is empty.
// It is not safe for use by several goroutines.
type Queue struct {
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

// Len returns how many bytes the queue holds.
func (q *Queue) Len() int { return q.len }

// Write appends a copy of all of p.
func (q *Queue) Write(p []byte) {
	q.len += len(p)
	for len(p) > 0 {
		c := q.tail()
		n := copy(c.data[c.end:], p)
		c.end += n
		p = p[n:]
	}
}

// tail returns a last chunk that has room.
func (q *Queue) tail() *chunk {
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

// Read moves the first bytes to p and returns how many.
func (q *Queue) Read(p []byte) (n int) {
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
func (q *Queue) drop() {
	c := q.first
	q.first = c.next
	if q.first == nil {
		q.last = nil
	}
	c.next, c.start, c.end = nil, 0, 0
	chunks.Put(c)
}

// Clear throws away all bytes.
func (q *Queue) Clear() {
	for q.first != nil {
		q.drop()
	}
	q.len = 0
}
