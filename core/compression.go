package core

import (
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
)

// Compression is how messages are compressed, by the extension permessage-deflate
// (https://www.rfc-editor.org/rfc/rfc7692), if the peer agrees. A connection without
// it neither offers nor accepts an extension.
type Compression struct {
	// SendWindowBits is how far back what is sent may refer: 2 to that power, in
	// bytes; from 8 to 15. Default 12, 4 KiB. With context takeover a connection
	// keeps that much memory, from the first message on that it compresses.
	SendWindowBits int

	// ReceiveWindowBits is how far back the peer is asked to refer at most.
	// Default 12. With context takeover a connection keeps that much memory, from
	// the first compressed message on that it receives. A peer that cannot limit
	// its window is asked to do without takeover, if this is less than 15.
	ReceiveWindowBits int

	// NoSendTakeover and NoReceiveTakeover ask that a message refers to none
	// before it: no memory is kept between messages, and small messages are
	// compressed less.
	NoSendTakeover    bool
	NoReceiveTakeover bool

	// Level is from 1, fast, to 9, small. Default 1. It means what it says for a
	// window of 15 bits. For smaller ones 6 to 9 are as 5, and for messages of more
	// than half a window behind others so are 1 to 4.
	Level int

	// Threshold is the length in bytes from which on a message is compressed.
	// Default 64; negative: every message is. Without context takeover a message
	// that becomes no shorter is sent as it is.
	Threshold int

	// Lend lends what is needed while a message is under way. It must be given.
	Lend deflate.Lender
}

const (
	defaultWindowBits = 12
	defaultLevel      = 1
	defaultThreshold  = 64
)

// compression is a Compression that was checked.
type compression struct {
	policy    deflate.Params
	level     uint8
	threshold int
	lend      deflate.Lender
}

func newCompression(c *Compression) (*compression, error) {
	if c == nil {
		return nil, nil
	}
	compiled := &compression{
		policy: deflate.Params{
			SendBits:        uint8(or(c.SendWindowBits, defaultWindowBits)),
			ReceiveBits:     uint8(or(c.ReceiveWindowBits, defaultWindowBits)),
			SendTakeover:    !c.NoSendTakeover,
			ReceiveTakeover: !c.NoReceiveTakeover,
		},
		level:     uint8(or(c.Level, defaultLevel)),
		threshold: max(or(c.Threshold, defaultThreshold), 0),
		lend:      c.Lend,
	}
	switch {
	case !isWindow(c.SendWindowBits):
		return nil, &ConfigError{"Compression.SendWindowBits", "must be from 8 to 15, or 0 for 12"}
	case !isWindow(c.ReceiveWindowBits):
		return nil, &ConfigError{"Compression.ReceiveWindowBits", "must be from 8 to 15, or 0 for 12"}
	case c.Level < 0 || c.Level > 9:
		return nil, &ConfigError{"Compression.Level", "must be from 1 to 9, or 0 for 1"}
	case c.Lend == nil:
		return nil, &ConfigError{"Compression.Lend", "must be given"}
	}
	return compiled, nil
}

func or(n, byDefault int) int {
	if n == 0 {
		return byDefault
	}
	return n
}

func isWindow(bits int) bool {
	return bits == 0 || deflate.MinWindowBits <= bits && bits <= deflate.MaxWindowBits
}

// config returns a Compression of which newCompression makes c.
func (c *compression) config() *Compression {
	if c == nil {
		return nil
	}
	threshold := c.threshold
	if threshold == 0 {
		threshold = -1
	}
	return &Compression{
		SendWindowBits:    int(c.policy.SendBits),
		ReceiveWindowBits: int(c.policy.ReceiveBits),
		NoSendTakeover:    !c.policy.SendTakeover,
		NoReceiveTakeover: !c.policy.ReceiveTakeover,
		Level:             int(c.level),
		Threshold:         threshold,
		Lend:              c.lend,
	}
}

// Offers returns what a client with these settings offers in Sec-WebSocket-Extensions,
// "" for nothing.
func (s *Settings) Offers() string {
	if s.compression == nil {
		return ""
	}
	return string(s.compression.policy.AppendOffers(nil))
}

// Negotiate is what a server with these settings makes of the extensions that r, which
// has passed its checks, offers: the first offer of permessage-deflate that can be
// accepted is (https://www.rfc-editor.org/rfc/rfc7692#section-5). It returns the value
// of Sec-WebSocket-Extensions for the response and what has been agreed on, and ""
// and nil if that is nothing.
func (s *Settings) Negotiate(r *Request) (extensions string, agreed *deflate.Params) {
	if s.compression == nil {
		return "", nil
	}
	for value := range r.Values("Sec-WebSocket-Extensions") {
		for value != "" {
			e, rest, ok := cutExtension(value)
			if !ok {
				return "", nil
			}
			value = rest
			if e.name != deflate.Name {
				continue
			}
			if answer, params, ok := s.compression.policy.Answer(nil, e.parameters); ok {
				return string(answer), &params
			}
		}
	}
	return "", nil
}

// checkExtensions is what a client makes of the extensions that a server chose: nil
// for none. Only one can be, since no other is ever offered.
func (s *Settings) checkExtensions(list fields) (agreed *deflate.Params, e Error) {
	for value := range list.values("Sec-WebSocket-Extensions") {
		for value != "" {
			chosen, rest, ok := cutExtension(value)
			if !ok {
				return nil, ErrResponseExtension
			}
			value = rest
			if chosen.name == "" {
				continue
			}
			if s.compression == nil || agreed != nil || chosen.name != deflate.Name {
				return nil, ErrResponseExtension
			}
			params, ok := s.compression.policy.Check(chosen.parameters)
			if !ok {
				return nil, ErrResponseExtension
			}
			agreed = &params
		}
	}
	if agreed == nil && list.count("Sec-WebSocket-Extensions") > 0 {
		return nil, ErrResponseExtension
	}
	return agreed, 0
}

// A deflater is what a connection that compresses has besides.
type deflater struct {
	params        deflate.Params
	send, receive deflate.Window

	inflater *deflate.Inflater // lent, while a compressed message comes in
	size     uint32            // of that message, decompressed so far
	tail     uint8             // how much of the tail has been decompressed

	compresses bool // the message that goes out in fragments; false between two
}

// Compress has a connection that was made by [NewOpen] compress as both sides have
// agreed, before its first frame. It returns [ErrNotOpen] if that is not possible: the
// connection is another one or has ended, compresses already or has a message under way; and
// [ErrHandshakeOption] without [Config.Compression], or for a window of another size than
// 8 to 15 bits.
func (c *Conn) Compress(agreed deflate.Params) error {
	switch {
	case c.phase != phaseOpen || c.hs != nil || c.msgOp != 0 || c.outOp != 0 || c.hdrLen > 0 || c.has(inFrame):
		return ErrNotOpen
	case c.set.compression == nil || !agreed.Valid():
		return ErrHandshakeOption
	}
	c.hs = &handshake{z: &deflater{params: agreed}}
	return nil
}

// agree has a connection compress as its handshake has agreed; nil is not at all.
func (h *handshake) agree(agreed *deflate.Params) {
	if agreed != nil {
		h.z = &deflater{params: *agreed}
	}
}

// deflater returns what c compresses with, nil if it does not.
func (c *Conn) deflater() *deflater {
	if c.hs == nil {
		return nil
	}
	return c.hs.z
}

// Compression returns what both sides have agreed on, false if nothing is compressed.
func (c *Conn) Compression() (agreed deflate.Params, ok bool) {
	z := c.deflater()
	if z == nil {
		return deflate.Params{}, false
	}
	return z.params, true
}

// window returns w, with memory for so many bits.
func window(w *deflate.Window, bits uint8) *deflate.Window {
	if w.Size() == 0 {
		*w = deflate.MakeWindow(make([]byte, 1<<bits))
	}
	return w
}

// beginCompressed is the beginning of a compressed message.
func (c *Conn) beginCompressed() {
	z := c.hs.z
	z.inflater = c.set.compression.lend.Inflater()
	z.inflater.Reset()
	z.size, z.tail = 0, 0
	if z.params.ReceiveTakeover {
		window(&z.receive, z.params.ReceiveBits)
	} else {
		z.receive = z.inflater.Window(z.params.ReceiveBits)
	}
}

// endCompressed gives back what was lent for a compressed message.
func (c *Conn) endCompressed() {
	z := c.deflater()
	if z == nil || z.inflater == nil {
		return
	}
	c.set.compression.lend.ReturnInflater(z.inflater)
	z.inflater = nil
	if !z.params.ReceiveTakeover {
		z.receive = deflate.Window{}
	}
}

// Inflating reports whether c has an Inflater: one that was lent, or its own if it was
// restored.
func (c *Conn) Inflating() bool { return c.isCompressed() }

// BeginsCompressed reports whether [Conn.Recv] of in would begin with the header of a
// compressed message, as far as that can be seen: in no other call is an Inflater
// borrowed, and in none are there two.
func (c *Conn) BeginsCompressed(in []byte) bool {
	const rsv1 = 0x40
	if c.deflater() == nil || c.phase != phaseOpen || c.msgOp != 0 || c.has(inFrame) || len(in) == 0 {
		return false
	}
	if c.hdrLen > 0 {
		return c.hdr[0]&rsv1 != 0
	}
	return in[0]&rsv1 != 0
}

// Release gives back what compression was lent, and lets go of its windows. It is for a
// connection whose transport has been let go of: it is aborted.
func (c *Conn) Release() {
	c.abort()
	if z := c.deflater(); z != nil {
		c.endCompressed()
		z.send, z.receive = deflate.Window{}, deflate.Window{}
		c.phase = phaseEnded
	}
}

// isCompressed reports whether the message that comes in is compressed.
func (c *Conn) isCompressed() bool { return c.hs != nil && c.hs.z != nil && c.hs.z.inflater != nil }

// wireLimit returns how long a compressed message, or frame, of at most n bytes may be
// on the wire: what cannot be compressed grows, with the smallest settings of zlib by
// four in a hundred.
func wireLimit(n uint32) int64 { return int64(n) + int64(n)/16 + 64 }

// recvCompressed reads the payload of a frame of a compressed message into out. It
// returns the part that may be handed on, and whether that ends the message.
func (c *Conn) recvCompressed(in, out []byte) (n int, p []byte, last bool) {
	z := c.hs.z
	src := c.takePayload(in)
	size, used, err := z.inflater.Inflate(&z.receive, out, src)
	c.giveBackPayload(src[used:])
	// A message without a byte is an empty one. It should have one byte; compressors
	// that have nothing to say leave that out too.
	if c.left == 0 && err == nil && size < len(out) && c.has(frameFin) && c.msgLen > 0 {
		var more, ate int
		more, ate, err = z.inflater.Inflate(&z.receive, out[size:], tail[z.tail:])
		size += more
		z.tail += uint8(ate)
	}
	p = out[:size]
	var e Error
	if err != nil {
		e = ErrInflate
	}
	if left := c.set.maxMessage - z.size; uint32(size) > left {
		p, e = p[:left], ErrMessageTooBig
	}
	z.size += uint32(len(p))
	if c.msgOp == frame.Text {
		var bad Error
		if p, bad = c.checkText(p); bad != 0 {
			e = bad
		}
	}
	done := e == 0 && c.left == 0 && size < len(out)
	if done {
		c.flags &^= inFrame
		last = c.has(frameFin)
	}
	if last {
		e = c.checkEnd()
		last = e == 0
	}
	if e != 0 {
		c.fail(e)
	}
	if last {
		c.endCompressed()
	}
	return used, p, last
}

// chunk returns the event for a part of a message that was decompressed. It does not
// go through setChunk, which would have every scratch allocated on the heap.
func (c *Conn) chunk(p []byte, last bool) Event {
	ev := Event{Kind: EventMessage, Op: c.msgOp, First: !c.has(chunkGiven), Last: last, Data: p}
	c.flags |= chunkGiven
	if last {
		c.msgOp = 0
	}
	return ev
}

// tail is what is put behind a message.
var tail = []byte(deflate.Tail)

// checkEnd checks that a message may end here.
func (c *Conn) checkEnd() Error {
	if !c.hs.z.inflater.AtBoundary() {
		return ErrInflate
	}
	if c.msgOp == frame.Text && !c.utf8.Complete() {
		return ErrInvalidUTF8
	}
	return 0
}

// giveBackPayload makes p, the end of what takePayload took, as it was.
func (c *Conn) giveBackPayload(p []byte) {
	c.left += uint32(len(p))
	if c.role == Server {
		c.maskPos = (c.maskPos - uint8(len(p))) & 3
		c.mask.XOR(p, int(c.maskPos))
	}
}

// appendDeflated appends a frame with p compressed: a message, or a part of one. first
// says that it begins a message.
func (c *Conn) appendDeflated(dst []byte, op frame.Opcode, fin, first bool, p []byte) []byte {
	z, set := c.hs.z, c.set.compression
	w := &z.send
	if z.params.SendTakeover || !fin || !first {
		w = window(w, z.params.SendBits)
	} else {
		w = nil
	}
	if first && !z.params.SendTakeover && w != nil {
		w.Clear()
	}
	var h frame.Header
	c.setHeader(&h, op, fin, 0)
	h.RSV1 = first
	lent := set.lend.Deflater(z.params.SendBits, set.level)
	deflated := lent.Deflate(w, p, fin)
	if w == nil && len(deflated) >= len(p) {
		h.RSV1, deflated = false, p
	}
	before := len(dst)
	dst = frame.AppendFrame(dst, h, deflated)
	c.unsent += int64(len(dst) - before)
	lent.Trim()
	set.lend.ReturnDeflater(z.params.SendBits, set.level, lent)
	if fin {
		z.compresses = false
	}
	if fin && !z.params.SendTakeover {
		z.send = deflate.Window{}
	}
	return dst
}

// clone returns a copy of z that shares nothing with it, nil for nil.
func (z *deflater) clone() *deflater {
	if z == nil {
		return nil
	}
	p := packer{}
	p.bytes(z.append(nil))
	u := unpacker{b: p.b}
	return u.deflater()
}

// append appends the state of z to dst.
func (z *deflater) append(dst []byte) []byte {
	p := packer{dst}
	for _, v := range [...]uint8{z.params.SendBits, z.params.ReceiveBits, z.tail} {
		p.byte(v)
	}
	for _, v := range [...]bool{z.params.SendTakeover, z.params.ReceiveTakeover, z.compresses, z.inflater != nil} {
		p.bool(v)
	}
	p.uint(uint64(z.size))
	p.window(&z.send)
	p.window(&z.receive)
	if z.inflater != nil {
		p.bytes(z.inflater.AppendState(nil))
	}
	return p.b
}

func (p *packer) window(w *deflate.Window) {
	p.bool(w.Size() > 0)
	if w.Size() > 0 {
		p.bytes(w.AppendTo(nil))
	}
}

// deflater reads what append has written.
func (u *unpacker) deflater() *deflater {
	in := unpacker{b: u.bytes()}
	z := &deflater{params: deflate.Params{SendBits: in.byte(), ReceiveBits: in.byte()}, tail: in.byte()}
	z.params.SendTakeover, z.params.ReceiveTakeover, z.compresses = in.bool(), in.bool(), in.bool()
	inMessage := in.bool()
	z.size = uint32(in.most(MaxSize))
	if !z.params.Valid() || int(z.tail) > len(tail) {
		u.fail()
		return nil
	}
	in.window(&z.send, z.params.SendBits)
	in.window(&z.receive, z.params.ReceiveBits)
	if inMessage {
		z.inflater = new(deflate.Inflater)
		if rest, ok := z.inflater.Restore(in.bytes()); !ok || len(rest) > 0 || z.receive.Size() == 0 {
			in.fail()
		}
	}
	if in.bad || len(in.b) > 0 {
		u.fail()
	}
	return z
}

func (u *unpacker) window(w *deflate.Window, bits uint8) {
	if !u.bool() {
		return
	}
	p := u.bytes()
	if len(p) > 1<<bits {
		u.fail()
		return
	}
	window(w, bits).Push(p)
}
