package transport

// Waiting reports whether a reader waits in the stream.
func Waiting(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parked
}
