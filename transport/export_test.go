package transport

import "unsafe"

const ConnSize = unsafe.Sizeof(Conn{})

// Waiting reports whether a reader waits in the stream.
func Waiting(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parked
}

// HoldsMemory tells which borrowed or grown memory c holds, "" for none.
func HoldsMemory(c *Conn) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.in.buf != nil:
		return "input"
	case c.ahead.kept != nil:
		return "what was read ahead"
	case c.out.buf != nil:
		return "queued output"
	case c.batch.buf != nil:
		return "output being written"
	case c.incoming.begun() != nil:
		return "a part of a message"
	case c.pings != nil && c.pings.waiting != nil:
		return "pings"
	case c.reading.wanted() || c.writing.wanted() || c.receiving.wanted() || c.composing.wanted():
		return "turns"
	}
	return ""
}

// Visits counts the connections in the queues of c's attendant.
func Visits(c *Conn) int {
	n := 0
	for _, r := range []*rota{&c.att.soon, &c.att.busy} {
		r.mu.Lock()
		n += len(r.waiting)
		r.mu.Unlock()
	}
	return n
}
