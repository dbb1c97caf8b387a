package core

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// snapshotVersion begins every snapshot; it changes with their format.
const snapshotVersion = 1

// A SnapshotError tells why [RestoreConn] refuses a snapshot.
type SnapshotError struct {
	Reason string // what is wrong with it
}

func (e *SnapshotError) Error() string { return "websocket: the snapshot " + e.Reason }

// AppendSnapshot appends the whole state of c to dst, in a few dozen bytes for
// a connection that is open, and its windows if it compresses, from which [RestoreConn] makes a Conn that behaves
// as c would. The settings are not in it. The format is the core's own: it
// begins with a version, and a core refuses a version that it does not know.
func (c *Conn) AppendSnapshot(dst []byte) []byte {
	p := packer{append(dst, snapshotVersion)}
	p.byte(byte(c.role))
	p.byte(byte(c.phase))
	p.byte(byte(c.err))
	p.uint(uint64(c.flags))
	p.uint(uint64(c.closeCode))
	for _, t := range [...]clock.Time{c.now, c.lastRx, c.due, c.pongBy, c.stall, c.ctlAt} {
		p.int(int64(t))
	}
	p.int(c.unsent)
	p.int(c.pingMark)
	p.uint(uint64(c.left))
	p.uint(uint64(c.msgLen))
	p.uint(uint64(c.fragments))
	p.b = append(p.b, c.mask[:]...)
	p.byte(c.maskPos)
	p.byte(c.utf8.State())
	p.byte(c.outUTF8.State())
	p.byte(byte(c.frameOp))
	p.byte(byte(c.msgOp))
	p.byte(byte(c.outOp))
	p.bytes(c.header())
	p.bytes(c.control())
	p.bool(c.hs != nil)
	if c.hs != nil {
		p.handshake(c.hs)
	}
	if z := c.deflater(); z != nil {
		p.bytes(z.append(nil))
	}
	return p.b
}

// RestoreConn returns the connection that [Conn.AppendSnapshot] saved. s must
// equal the settings that it had. A client needs [Config.Entropy], from which
// its next mask keys are drawn.
//
// The snapshot may come from anywhere: one that is cut off, garbled, of another
// version or of a state that no connection can be in is refused with a
// *[SnapshotError]. One that was forged gives a Conn that does nothing worse
// than to break the protocol.
func RestoreConn(s *Settings, snapshot []byte) (*Conn, error) {
	u := unpacker{b: snapshot}
	if u.byte() != snapshotVersion {
		return nil, &SnapshotError{"is of another version, or none"}
	}
	c := u.conn(s)
	switch {
	case u.bad:
		return nil, &SnapshotError{"is cut off or garbled"}
	case len(u.b) > 0:
		return nil, &SnapshotError{"has more behind its end"}
	case !c.possible():
		return nil, &SnapshotError{"is of a state that no connection can be in"}
	case c.role == Client && s.entropy == nil:
		return nil, errNoEntropy
	}
	return c, nil
}

// possible reports whether the parts of a restored state agree with one
// another as far as the methods of Conn rely on it.
func (c *Conn) possible() bool {
	switch {
	case c.role > Client, c.phase > phaseEnded, c.flags >= unheard<<1:
		return false
	case c.phase == phaseHandshake && c.hs == nil && c.role == Client:
		return false
	case c.err != 0 && (c.phase != phaseEnded || c.err.Reason() == "" || c.err.Kind() == KindMisuse):
		return false
	case c.unsent < 0, int64(c.left) > wireLimit(MaxSize), int64(c.msgLen) > wireLimit(MaxSize), c.maskPos > 3:
		return false
	case c.msgOp != 0 && !c.msgOp.IsData(), c.outOp != 0 && !c.outOp.IsData():
		return false
	}
	if z := c.deflater(); z != nil && (c.set.compression == nil || z.inflater != nil && c.msgOp == 0 || z.size > c.set.maxMessage) {
		return false
	}
	if !c.has(inFrame) {
		return true
	}
	if c.frameOp.IsControl() {
		return c.frameOp.Valid() && int(c.left)+len(c.control()) <= frame.MaxControlPayload
	}
	return c.frameOp.Valid() && c.msgOp != 0 && c.left <= c.msgLen
}

// packer writes a snapshot.
type packer struct{ b []byte }

//go:noinline
func (p *packer) byte(v byte) { p.b = append(p.b, v) }

func (p *packer) bool(v bool) {
	if v {
		p.byte(1)
	} else {
		p.byte(0)
	}
}

// uint appends v in groups of seven bits, the lowest first; the top bit of a
// byte says that another follows.
//
//go:noinline
func (p *packer) uint(v uint64) {
	for v >= 0x80 {
		p.b = append(p.b, byte(v)|0x80)
		v >>= 7
	}
	p.b = append(p.b, byte(v))
}

// int appends v with its sign in the lowest bit.
func (p *packer) int(v int64) { p.uint(uint64(v)<<1 ^ uint64(v>>63)) }

//go:noinline
func (p *packer) bytes(v []byte) {
	p.uint(uint64(len(v)))
	p.b = append(p.b, v...)
}

//go:noinline
func (p *packer) text(s string) {
	p.uint(uint64(len(s)))
	p.b = append(p.b, s...)
}

func (p *packer) handshake(h *handshake) {
	p.bytes(h.head.buf)
	p.uint(uint64(h.head.start))
	p.uint(uint64(h.head.line))
	p.uint(uint64(h.head.lines))
	p.bytes(h.out)
	p.text(h.key)
	p.uint(uint64(len(h.offered)))
	for _, name := range h.offered {
		p.text(name)
	}
	p.text(h.chosen)
	p.bool(h.request != nil)
	if r := h.request; r != nil {
		p.text(r.Method)
		p.text(r.Target)
		p.text(r.Proto)
		p.fields(r.Fields)
	}
	p.bool(h.response != nil)
	if r := h.response; r != nil {
		p.uint(uint64(r.Status))
		p.text(r.Reason)
		p.text(r.Proto)
		p.fields(r.Fields)
	}
}

func (p *packer) fields(list []Field) {
	p.uint(uint64(len(list)))
	for _, f := range list {
		p.text(f.Name)
		p.text(f.Value)
	}
}

// unpacker reads a snapshot. After the first thing that cannot be, bad is set
// and everything is zero.
type unpacker struct {
	b   []byte
	bad bool
}

//go:noinline
func (u *unpacker) fail() {
	u.b, u.bad = nil, true
}

//go:noinline
func (u *unpacker) byte() byte {
	if len(u.b) == 0 {
		u.fail()
		return 0
	}
	v := u.b[0]
	u.b = u.b[1:]
	return v
}

func (u *unpacker) bool() bool {
	v := u.byte()
	if v > 1 {
		u.fail()
	}
	return v == 1
}

//go:noinline
func (u *unpacker) uint() uint64 {
	v := uint64(0)
	for shift := uint(0); shift < 64; shift += 7 {
		b := u.byte()
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return v
		}
	}
	u.fail()
	return 0
}

// most reads a number that is at most n.
//
//go:noinline
func (u *unpacker) most(n uint64) uint64 {
	v := u.uint()
	if v > n {
		u.fail()
		return 0
	}
	return v
}

//go:noinline
func (u *unpacker) uint32() uint32 { return uint32(u.most(1<<32 - 1)) }

func (u *unpacker) int() int64 {
	v := u.uint()
	return int64(v>>1) ^ -int64(v&1)
}

//go:noinline
func (u *unpacker) time() clock.Time { return clock.Time(u.int()) }

// bytes returns a part of the snapshot.
//
//go:noinline
func (u *unpacker) bytes() []byte {
	n := u.uint()
	if n > uint64(len(u.b)) {
		u.fail()
		return nil
	}
	v := u.b[:n]
	u.b = u.b[n:]
	return v
}

//go:noinline
func (u *unpacker) text() string { return string(u.bytes()) }

func (u *unpacker) pieces(c *Conn) {
	header, control := u.bytes(), u.bytes()
	if len(header) >= frame.MaxHeaderLen || len(control) > frame.MaxControlPayload {
		u.fail()
		return
	}
	if len(header) > 0 {
		c.hdrLen = uint8(copy(c.inPieces().hdr[:], header))
	}
	c.addControl(control)
}

func (u *unpacker) utf8() frame.UTF8 {
	v, ok := frame.UTF8At(u.byte())
	if !ok {
		u.fail()
	}
	return v
}

func (u *unpacker) conn(s *Settings) *Conn {
	c := &Conn{set: s}
	c.role = Role(u.byte())
	c.phase = phase(u.byte())
	c.err = Error(u.byte())
	c.flags = flags(u.uint32())
	c.closeCode = frame.CloseCode(u.most(1<<16 - 1))
	for _, t := range [...]*clock.Time{&c.now, &c.lastRx, &c.due, &c.pongBy, &c.stall, &c.ctlAt} {
		*t = u.time()
	}
	c.unsent = u.int()
	c.pingMark = u.int()
	c.left = u.uint32()
	c.msgLen = u.uint32()
	c.fragments = u.uint32()
	for i := range c.mask {
		c.mask[i] = u.byte()
	}
	c.maskPos = u.byte()
	c.utf8 = u.utf8()
	c.outUTF8 = u.utf8()
	c.frameOp = frame.Opcode(u.byte())
	c.msgOp = frame.Opcode(u.byte())
	c.outOp = frame.Opcode(u.byte())
	u.pieces(c)
	if u.bool() {
		c.hs = u.handshake()
	}
	if c.hs != nil && len(u.b) > 0 {
		c.hs.z = u.deflater()
	}
	return c
}

func (u *unpacker) handshake() *handshake {
	h := &handshake{}
	h.head.buf = append([]byte(nil), u.bytes()...)
	h.head.start = int(u.most(uint64(len(h.head.buf))))
	h.head.line = int(u.most(uint64(len(h.head.buf))))
	h.head.lines = int(u.most(uint64(len(h.head.buf))))
	if h.head.start > h.head.line {
		u.fail()
	}
	h.out = append([]byte(nil), u.bytes()...)
	h.key = u.text()
	for n := u.uint(); n > 0 && !u.bad; n-- {
		h.offered = append(h.offered, u.text())
	}
	h.chosen = u.text()
	if u.bool() {
		h.request = &Request{Method: u.text(), Target: u.text(), Proto: u.text(), Fields: u.fields()}
	}
	if u.bool() {
		h.response = &Response{Status: int(u.most(999)), Reason: u.text(), Proto: u.text(), Fields: u.fields()}
	}
	return h
}

//go:noinline
func (u *unpacker) fields() []Field {
	var list []Field
	for n := u.uint(); n > 0 && !u.bad; n-- {
		list = append(list, Field{Name: u.text(), Value: u.text()})
	}
	return list
}
