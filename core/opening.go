package core

// An Opening is memory for the handshake of a server's connection: for its request and its
// response. Whoever has many connections lends it to one after the other, by
// [Conn.LendOpening]. The zero Opening is ready.
type Opening struct {
	hs      handshake
	request Request
}

// LendOpening lends o to a server's connection of which nothing has come yet, so that it
// takes no memory of its own for the handshake but for the text of the request. It reports
// false if the connection has no use for it. The [Request] is then valid until
// [Conn.ReturnOpening]; the strings in it may be kept.
func (c *Conn) LendOpening(o *Opening) bool {
	if c.role != Server || c.phase != phaseHandshake || c.hs != nil {
		return false
	}
	o.hs.lender = o
	c.hs = &o.hs
	return true
}

// ReturnOpening returns what was lent, empty, once the connection is open and the answer
// to the handshake has been taken; nil before that, when nothing was lent, and when Recv
// was called since: then it is no longer needed, and forgotten.
func (c *Conn) ReturnOpening() *Opening {
	if c.hs == nil || c.hs.lender == nil || c.phase != phaseOpen || len(c.hs.out) > 0 {
		return nil
	}
	o := c.hs.lender
	c.releaseHandshake()
	o.reset()
	return o
}

// reset lets go of all but the memory of fields and of a response.
func (o *Opening) reset() {
	list := o.request.Fields[:cap(o.request.Fields)]
	clear(list)
	o.request = Request{Fields: list[:0]}
	o.hs = handshake{out: o.hs.out[:0]}
}

// room returns where a request is parsed to.
func (h *handshake) room() *Request {
	if h.lender != nil {
		return &h.lender.request
	}
	return &Request{}
}
