package core

import "github.com/fb1e3c20/websockets/core/frame"

// pieces is memory for what comes in pieces and is wanted whole. Most connections never need
// any: a header and what belongs to it come together, and pings are empty.
type pieces struct {
	hdr     [frame.MaxHeaderLen - 1]byte // the part of a header that has come
	slotLen uint8
	slot    [frame.MaxControlPayload]byte // an incoming ping or close, then the pong
}

// inPieces makes c ready to keep something.
func (c *Conn) inPieces() *pieces {
	if c.pieces == nil {
		c.pieces = new(pieces)
	}
	return c.pieces
}

func (p *pieces) clone() *pieces {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// header returns the part of a header that has come.
func (c *Conn) header() []byte {
	if c.hdrLen == 0 {
		return nil
	}
	return c.hdr[:c.hdrLen]
}

// control returns what is in the slot.
func (p *pieces) control() []byte {
	if p == nil {
		return nil
	}
	return p.slot[:p.slotLen]
}

// addControl puts more of a control frame's payload into the slot.
func (c *Conn) addControl(payload []byte) {
	if len(payload) == 0 {
		return
	}
	p := c.inPieces()
	p.slotLen += uint8(copy(p.slot[p.slotLen:], payload))
}

func (p *pieces) clearControl() {
	if p != nil {
		p.slotLen = 0
	}
}
