package core

// An Opening is memory for the handshake of a server's connection: for its request and its
// response. Nobody needs one: without it a connection takes its own. Whoever has many
// connections, and wants no garbage of their handshakes, lends it to one after the other, by
// [Conn.LendOpening]. The zero Opening is ready.
type Opening struct {
	hs      handshake
	request Request
}

// LendOpening lends o to a server's connection of which nothing has come yet, so that it
// takes no memory of its own for the handshake but for the text of the request. It reports
// false if the connection has no use for it, or o is lent to another one. The [Request] is then
// valid until [Conn.ReturnOpening]; the strings in it may be kept.
func (c *Conn) LendOpening(o *Opening) bool {
	if o == nil || o.hs.lender != nil || c.role != Server || c.phase != phaseHandshake || c.hs != nil {
		return false
	}
	o.hs.lender = o
	c.hs = &o.hs
	return true
}

// ReturnOpening returns what was lent, empty, between the time when the answer of Accept has
// been taken, by [Conn.AppendOutput], and the next Recv. At any other time, and when nothing was
// lent, it returns nil. What does not come back, as after a handshake that failed or was
// refused, stays with the connection: it is not to be lent again.
func (c *Conn) ReturnOpening() *Opening {
	if c.hs == nil || c.hs.lender == nil || c.phase != phaseOpen || len(c.hs.out) > 0 {
		return nil
	}
	o := c.hs.lender
	c.releaseHandshake()
	o.reset()
	return o
}

// maxKept is the memory of a response that an Opening keeps; most take a quarter of it.
const maxKept = 1 << 10

// reset lets go of all but the memory of fields, which are few, and of a response.
func (o *Opening) reset() {
	list := o.request.Fields[:cap(o.request.Fields)]
	clear(list)
	o.request = Request{Fields: list[:0]}
	out := o.hs.out[:0]
	if cap(out) > maxKept {
		out = nil
	}
	o.hs = handshake{out: out}
}

// room returns where a request is parsed to.
func (h *handshake) room() *Request {
	if h.lender != nil {
		return &h.lender.request
	}
	return &Request{}
}
