package http2

// SetLastID makes the connection believe that it has had that many streams.
func (c *Conn) SetLastID(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastID = id
}

// Held returns how many bytes the stream and the connection hold for each other.
func (s *Stream) Held() (in, out int) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.in.Len(), s.out.Len()
}

// SetReceiveWindow is as if the server had sent so much that n bytes are left of
// the connection's window.
func (c *Conn) SetReceiveWindow(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.receiveWindow = n
}

// Waiting returns how many streams wait for their turn, or for a window.
func (c *Conn) Waiting() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range []list{c.ready, c.held} {
		for s := l.first; s != nil; s = s.next {
			n++
		}
	}
	return n
}
