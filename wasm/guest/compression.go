package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// makePlain makes the memory that decompressed data is put into.
func (x *instance) makePlain() {
	if x.plain == nil {
		x.plain = make([]byte, core.ScratchSize+abi.PlainSize)
	}
}

// keeps returns how many bytes of windows a connection keeps between messages.
func keeps(p deflate.Params) (n uint32) {
	if p.SendTakeover {
		n += 1 << p.SendBits
	}
	if p.ReceiveTakeover {
		n += 1 << p.ReceiveBits
	}
	return n
}

// keepsAtMost returns keeps of whatever a peer may agree on.
func keepsAtMost(z *core.Compression) uint32 {
	if z == nil {
		return 0
	}
	return keeps(deflate.Params{
		SendBits: uint8(z.SendWindowBits), ReceiveBits: uint8(z.ReceiveWindowBits),
		SendTakeover: !z.NoSendTakeover, ReceiveTakeover: !z.NoReceiveTakeover,
	})
}

// agree notes what a connection has agreed on, and holds the memory of its windows,
// which it may need at any time.
func (x *instance) agree(c *conn) {
	if p, ok := c.Compression(); ok {
		c.agreed, c.kept = abi.AgreementOf(&p), keeps(p)
		x.settle(c)
	}
}

// settle counts what a connection that compresses holds now: its windows, an Inflater
// while a compressed message comes in, and without takeover a window while one goes out
// in fragments.
func (x *instance) settle(c *conn) {
	n := c.kept
	if c.Inflating() {
		n += inflating(c.params())
	}
	if c.Fragmenting() {
		n += c.fragmentWindow()
	}
	x.held += n - c.lent
	c.held += n - c.lent
	c.lent = n
}

// params returns what a connection that compresses has agreed on.
func (c *conn) params() deflate.Params {
	p, _ := abi.ParamsOf(c.agreed)
	return p
}

// inflating returns what is held while a compressed message comes in.
func inflating(p deflate.Params) uint32 {
	if p.ReceiveTakeover {
		return deflate.InflaterSize
	}
	return deflate.InflaterSize + 1<<p.ReceiveBits
}

// fragmentWindow returns the size of the window that is there only while a message goes
// out in fragments.
func (c *conn) fragmentWindow() uint32 {
	p := c.params()
	if p.SendTakeover {
		return 0
	}
	return 1 << p.SendBits
}

// recvInflating is recvEach for a connection that compresses. The data of its events
// takes successive parts of x.plain.
func (x *instance) recvInflating(c *conn, in []byte, records []core.Record, taken, count *int) (more bool) {
	const leastRoom = 1 << 10
	free := x.plain
	room := abi.PlainSize
	if n := int(x.call.flags >> abi.RoomShift); n > 0 {
		room = min(room, n)
	}
	x.tidy()
	for *count < len(records) {
		if len(free) < core.ScratchSize+leastRoom || *count > 0 && !x.admitsMessage(c, in[*taken:]) {
			return true
		}
		n, ev := c.Recv(x.call.now, in[*taken:], free[:min(len(free), core.ScratchSize+room)])
		*taken += n
		if ev.Kind != core.EventNone {
			free = free[x.place(&ev, free):]
			set(&records[*count], &ev)
			*count++
		}
		if x.call.flags&abi.TakeOutput != 0 {
			x.out = c.AppendOutput(x.out)
		}
		switch {
		case ev.Kind == core.EventNone:
			return false
		case ev.Kind == core.EventRequest, ev.Kind == core.EventOpen, c.Pending() > 0:
			return true
		}
	}
	return true
}

// admitsMessage reports whether there is memory for a compressed message, if in begins
// with one.
func (x *instance) admitsMessage(c *conn, in []byte) bool {
	if !c.BeginsCompressed(in) {
		return true
	}
	x.settle(c)
	return x.affords(uint64(inflating(c.params())))
}

// place leaves the data of an event where it was decompressed to, and puts that of a
// control frame, which came in pieces, into the scratch of the page. It returns how
// much of free has been used.
func (x *instance) place(ev *core.Event, free []byte) int {
	if at := addressOf(ev.Data) - addressOf(free); len(ev.Data) == 0 || at >= uint32(len(free)) {
		return 0
	}
	if ev.Kind != core.EventMessage {
		ev.Data = page.scratch[:copy(page.scratch[:], ev.Data)]
		return 0
	}
	return core.ScratchSize + len(ev.Data)
}

// deflatedRoom is more than what n bytes may become: what cannot be compressed is
// stored, in pieces.
func deflatedRoom(n uint32) uint64 { return uint64(n) + uint64(n)/16 + 128 }

// sendDeflated puts out a frame of a connection that compresses, if it can be sent and
// there is a word of entropy for it: what has been compressed cannot be undone.
func (x *instance) sendDeflated(c *conn, op frame.Opcode, flags uint32, p []byte) int32 {
	n := uint32(len(p))
	fragmenting := c.Fragmenting()
	if err := check(c, op, flags, p); err != nil {
		return refusal(err)
	}
	x.tidy()
	switch {
	case c.role != 0 && !x.hasWords(1):
		return refused(abi.CodeEntropy)
	case !fragmenting && flags&abi.Last == 0 && !x.affords(uint64(c.fragmentWindow())),
		!x.hasRoom(uint64(len(x.out)) + uint64(c.Pending()) + deflatedRoom(n)):
		return refused(abi.CodeLimit)
	}
	before := len(x.out)
	out, err := appendFrame(c, x.out, op, flags, p)
	if err != nil {
		return refusal(err)
	}
	x.out = out
	x.wasteDeflating(n, uint32(len(out)-before))
	if fragmenting && !c.Fragmenting() {
		x.waste(c.fragmentWindow())
	}
	return int32(len(out))
}

// sendCompressed puts out a message that was compressed before.
func (x *instance) sendCompressed(c *conn) int32 {
	k := &x.call
	p, ok := x.payload(k.ptr, k.n)
	compressed, okay := x.payload(k.a, k.b)
	switch {
	case !ok || !okay:
		return refused(abi.CodeRange)
	case !isFrame(k.flags, 0):
		return refused(abi.CodeArgument)
	}
	op := frame.Opcode(k.flags)
	if err := c.CheckMessage(op, nil); err != nil {
		return refusal(err)
	}
	switch {
	case c.role != 0 && !x.hasWords(1):
		return refused(abi.CodeEntropy)
	case !x.hasRoom(uint64(c.Pending()) + uint64(max(k.n, k.b)) + frame.MaxHeaderLen):
		return refused(abi.CodeLimit)
	}
	out, err := c.AppendCompressed(x.out, op, p, compressed)
	if err != nil {
		return refusal(err)
	}
	x.out = out
	return int32(len(out))
}

// check tells whether appendFrame would refuse.
func check(c *conn, op frame.Opcode, flags uint32, p []byte) error {
	if flags == abi.First|abi.Last {
		return c.CheckMessage(op, p)
	}
	return c.CheckFragment(op, p, flags&abi.Last != 0)
}

// wasteDeflating counts what a Deflater does not keep for the next message: copies of
// what goes in and of what comes out, which grew.
func (x *instance) wasteDeflating(in, out uint32) {
	const kept = 64 << 10
	if in > kept || out > kept {
		x.waste(min(in, 1<<26) + 5*min(out, 1<<26))
	}
}
