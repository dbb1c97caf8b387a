package websockets

// link puts c into the server's ring of connections, with its lock.
func (s *Server) link(c *Conn) {
	first := s.conns
	if first == nil {
		c.next, c.prev = c, c
		s.conns = c
		return
	}
	c.next, c.prev = first, first.prev
	first.prev.next, first.prev = c, c
}

// unlink takes c out of the ring, if it is in it, with the lock.
func (s *Server) unlink(c *Conn) {
	next := c.next
	if next == nil {
		return
	}
	c.prev.next, next.prev = next, c.prev
	c.next, c.prev = nil, nil
	switch {
	case next == c:
		s.conns = nil
	case s.conns == c:
		s.conns = next
	}
}

// ring yields first and all that are in one ring with it, oldest first; nil is of none.
func (first *Conn) ring(yield func(*Conn) bool) {
	for c := first; c != nil && yield(c); {
		if c = c.next; c == first {
			return
		}
	}
}
