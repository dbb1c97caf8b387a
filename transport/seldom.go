package transport

// seldom is what many connections never need: nil before the first context that can end, and
// before the first Writer.
type seldom struct {
	watch    watch
	outgoing *outgoing
}

// rarely returns that for writing.
func (c *Conn) rarely() *seldom {
	if c.seldom == nil {
		c.seldom = new(seldom)
	}
	return c.seldom
}

func (s *seldom) stopWatch() {
	if s != nil {
		s.watch.stop()
	}
}

// latest returns the message of the latest Writer, nil if there was none.
func (s *seldom) latest() *outgoing {
	if s == nil {
		return nil
	}
	return s.outgoing
}

// begin returns it for another Writer.
func (s *seldom) begin() *outgoing {
	if s.outgoing == nil {
		s.outgoing = new(outgoing)
	}
	return s.outgoing
}
