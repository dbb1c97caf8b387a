package core

import "github.com/fb1e3c20/websockets/clock"

// Snapshot returns a copy of c that shares nothing mutable with it, so that a
// simulator can explore from one state in several directions. Both draw from
// the same [Config.Entropy].
func (c *Conn) Snapshot() *Conn {
	s := *c
	s.pieces = c.pieces.clone()
	if c.hs != nil {
		s.hs = c.hs.clone()
	}
	return &s
}

// CopyTo makes to what c is, as an assignment would if nothing lay behind a pointer, and
// allocates nothing if to has been copied to before. What the handshake has to remember, and the
// windows of compression, are c's afterwards too: for a connection that is open and does not
// compress, or to be thrown away. Others take a [Conn.Snapshot].
func (c *Conn) CopyTo(to *Conn) {
	p := to.pieces
	*to = *c
	if c.pieces == nil {
		return
	}
	if p == nil || p == c.pieces {
		p = new(pieces)
	}
	*p = *c.pieces
	to.pieces = p
}

func (h *handshake) clone() *handshake {
	c := *h
	c.lender = nil
	c.head = h.head.clone()
	c.out = append([]byte(nil), h.out...)
	c.z = h.z.clone()
	if r := h.request; r != nil {
		c.request = &Request{r.Method, r.Target, r.Proto, append([]Field(nil), r.Fields...), r.text}
	}
	return &c
}

// AppendState appends a canonical dump of the state to dst: a line of
// name=value pairs. Two connections with equal settings and equal dumps behave
// alike from then on. Times are relative to the latest that was told, so that
// the same situation at another time dumps alike.
func (c *Conn) AppendState(dst []byte) []byte {
	d := dump{dst}
	d.int("role", int64(c.role))
	d.int("phase", int64(c.phase))
	d.int("err", int64(c.err))
	d.int("flags", int64(c.flags))
	d.int("close", int64(c.closeCode))
	d.time("rx", c.lastRx, c.now, true)
	d.time("due", c.due, c.now, c.has(hasDue))
	d.time("pong", c.pongBy, c.now, c.has(pongWait))
	d.time("stall", c.stall, c.now, c.has(stalled))
	d.time("ctl", c.ctlAt, c.now, c.ctlAt > c.now || c.has(ctlCredit|notReading))
	d.int("unsent", c.unsent)
	if c.has(pingOut) {
		d.int("ping", c.pingMark)
	}
	d.int("in", int64(c.msgOp))
	d.int("out", int64(c.outOp))
	if c.msgOp != 0 {
		d.int("len", int64(c.msgLen))
		d.int("fragments", int64(c.fragments))
		d.int("utf8", int64(c.utf8.State()))
	}
	if c.outOp != 0 {
		d.int("oututf8", int64(c.outUTF8.State()))
	}
	if c.has(inFrame) {
		d.int("op", int64(c.frameOp))
		d.int("left", int64(c.left))
		d.bytes("mask", c.mask[:])
		d.int("pos", int64(c.maskPos))
	}
	d.bytes("hdr", c.header())
	if c.has(pongPending) || c.has(inFrame) && c.frameOp.IsControl() {
		d.bytes("slot", c.control())
	}
	if c.hs != nil {
		d.handshake(c.hs)
	}
	return append(d.b, '\n')
}

func (d *dump) handshake(h *handshake) {
	d.int("start", int64(h.head.start))
	d.bytes("head", h.head.buf)
	d.bytes("hsout", h.out)
	d.text("key", h.key)
	for _, name := range h.offered {
		d.text("offered", name)
	}
	if h.z != nil {
		d.bytes("deflate", h.z.append(nil))
	}
	d.text("chosen", h.chosen)
	if r := h.request; r != nil {
		d.text("method", r.Method)
		d.text("target", r.Target)
		d.text("proto", r.Proto)
		d.fields(r.Fields)
	}
	if r := h.response; r != nil {
		d.int("status", int64(r.Status))
		d.fields(r.Fields)
	}
}

//go:noinline
func (d *dump) fields(list []Field) {
	for _, f := range list {
		d.text("name", f.Name)
		d.text("value", f.Value)
	}
}

type dump struct{ b []byte }

func (d *dump) name(s string) {
	d.b = append(d.b, s...)
	d.b = append(d.b, '=')
}

//go:noinline
func (d *dump) int(name string, v int64) {
	d.name(name)
	d.b = appendInt(d.b, v)
	d.b = append(d.b, ' ')
}

func (d *dump) time(name string, t, now clock.Time, set bool) {
	if set {
		d.int(name, int64(t.Sub(now)))
	}
}

// bytes appends p in hexadecimal, and nothing when it is empty.
//
//go:noinline
func (d *dump) bytes(name string, p []byte) {
	if len(p) == 0 {
		return
	}
	const hex = "0123456789abcdef"
	d.name(name)
	for _, b := range p {
		d.b = append(d.b, hex[b>>4], hex[b&15])
	}
	d.b = append(d.b, ' ')
}

//go:noinline
func (d *dump) text(name, s string) { d.bytes(name, []byte(s)) }

//go:noinline
func appendInt(dst []byte, v int64) []byte {
	u := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		u = -u
	}
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = '0' + byte(u%10)
		if u /= 10; u == 0 {
			return append(dst, digits[i:]...)
		}
	}
}
