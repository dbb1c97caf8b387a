package sim

import (
	"bytes"
	"math"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// mirrorCompression is what a mirror knows of a connection that compresses
// (https://www.rfc-editor.org/rfc/rfc7692).
type mirrorCompression struct {
	agreed    deflate.Params
	threshold int // from which length on a whole message is compressed

	in       inflation
	inflates bool // the message that comes in is compressed
	given    int  // how much of it was reported
	tailed   bool // the tail is behind it

	out      inflation
	deflates bool // the message that goes out is compressed
}

func newMirrorCompression(cfg *core.Compression, agreed deflate.Params) *mirrorCompression {
	z := &mirrorCompression{agreed: agreed, threshold: cfg.Threshold}
	switch {
	case z.threshold == 0:
		z.threshold = 64
	case z.threshold < 0:
		z.threshold = 0
	}
	z.in.window, z.in.takeover = 1<<agreed.ReceiveBits, agreed.ReceiveTakeover
	z.out.window, z.out.takeover = 1<<agreed.SendBits, agreed.SendTakeover
	return z
}

// bareParams is what both ends have agreed on without a handshake of their own, as
// cfg tells it.
func bareParams(cfg *core.Compression) deflate.Params {
	p := policyOf(cfg)
	return deflate.Params{
		SendBits: uint8(p.send), ReceiveBits: uint8(p.receive),
		SendTakeover: p.sendTakeover, ReceiveTakeover: p.receiveTakeover,
	}
}

// allows reports whether RSV1 may be set in a frame: in the first of a message, if
// messages may be compressed (https://www.rfc-editor.org/rfc/rfc7692#section-6).
func (z *mirrorCompression) allows(h *frame.Header) bool { return z != nil && h.Opcode.IsData() }

// inflating reports whether the message that comes in is compressed.
func (z *mirrorCompression) inflating() bool { return z != nil && z.inflates }

// deflating reports whether the message that goes out is compressed.
func (z *mirrorCompression) deflating() bool { return z != nil && z.deflates }

// wireSize is how long a compressed message, or frame, of at most n bytes may be on
// the wire.
func wireSize(n int64) int64 { return n + n/16 + 64 }

func (z *mirrorCompression) beginIn(compressed bool) {
	if z == nil {
		return
	}
	z.inflates, z.given, z.tailed = compressed, 0, false
	if compressed {
		z.in.begin()
	}
}

// messageTail is what a sender leaves out
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1).
const messageTail = "\x00\x00\xff\xff"

// readCompressed follows a compressed message, of which p has come. What it becomes is
// handed out in pieces, each as long as the scratch has room; the last one is shorter.
func (m *mirror) readCompressed(p, scratch []byte) prediction {
	i, z := &m.incoming, m.compression
	room := scratch[min(core.ScratchSize, len(scratch)):]
	want := prediction{kind: core.EventMessage, op: i.message, first: !i.begun, memory: room}
	want.spare = m.inflate(p, len(room))
	got := z.got()
	filled := got >= len(room)
	var e core.Error
	if filled {
		want.mayFail = got == len(room) && z.in.failsAtOnce()
	} else if z.in.fault != nil {
		e = core.ErrInflate
	}
	want.data, e = m.limitInflated(z.in.message()[z.given:][:min(got, len(room))], e)
	z.given += len(want.data)
	if e == 0 && !filled && !i.inFrame && i.frame.Fin {
		e = m.endInflated()
		want.last = e == 0
	}
	i.inFrame = i.inFrame || filled
	if e != 0 {
		m.failWith(e)
	}
	if len(want.data) == 0 && !want.last {
		return prediction{}
	}
	i.begun = true
	if want.last {
		i.message = 0
		z.inflates = false
	}
	return want
}

// inflate decompresses until there are so many bytes that were not reported, as far as
// p suffices, and the tail behind the message. It returns how much of p that did not
// need.
func (m *mirror) inflate(p []byte, size int) (spare int) {
	i, z := &m.incoming, m.compression
	z.in.in = append(z.in.in, p...)
	z.in.decode(z.given + size)
	if z.got() >= size {
		return min(z.in.unused(), len(p))
	}
	if ended := !i.inFrame && i.frame.Fin && i.size > 0; ended && !z.tailed {
		z.tailed = true
		z.in.in = append(z.in.in, messageTail...)
		z.in.decode(z.given + size)
	}
	return 0
}

// got returns how many bytes were decompressed that were not reported yet.
func (z *mirrorCompression) got() int { return len(z.in.message()) - z.given }

// failsAtOnce reports whether what follows is wrong before it gives a byte.
func (z *inflation) failsAtOnce() bool {
	ahead := *z
	ahead.decode(len(ahead.message()) + 1)
	return ahead.fault != nil && len(ahead.message()) == len(z.message())
}

// limitInflated returns the part of p that is handed out, and why no more is; e is
// what is wrong behind p.
func (m *mirror) limitInflated(p []byte, e core.Error) ([]byte, core.Error) {
	if left := m.lim.messageSize - int64(m.compression.given); int64(len(p)) > left {
		p, e = p[:left], core.ErrMessageTooBig
	}
	if m.incoming.message == frame.Text {
		if n, ok := m.incoming.text.take(p); !ok {
			return p[:n], core.ErrInvalidUTF8
		}
	}
	return p, e
}

// endInflated returns why a message must not end here, 0 if it may.
func (m *mirror) endInflated() core.Error {
	switch {
	case !m.compression.in.ended():
		return core.ErrInflate
	case m.incoming.message == frame.Text && !m.incoming.text.complete():
		return core.ErrInvalidUTF8
	}
	return 0
}

// giveBack makes the last n bytes of what was taken of a compressed message not have
// come yet.
func (m *mirror) giveBack(n int) {
	z := m.compression
	m.incoming.left += int64(n)
	z.in.in = z.in.in[:len(z.in.in)-n]
}

// settleSpare has the mirror follow how much was taken of what a machine may leave,
// and how soon it found what is wrong.
func (w *witness) settleSpare(want *prediction, n int) {
	if k := want.most - n; want.spare > 0 && 0 < k && k <= want.spare {
		w.mirror.giveBack(k)
	}
	if want.mayFail && errorOf(w.m.Err()) == core.ErrInflate {
		w.mirror.failWith(core.ErrInflate)
		want.least, want.most = 0, math.MaxInt
	}
}

// compressed expects a frame with p compressed: a message, or a part of one that can
// be decompressed as soon as it is there.
func (r *reading) compressed(op frame.Opcode, fin, first bool, p []byte) {
	w := r.w
	h := r.header(frame.Header{Opcode: op, Fin: fin, RSV1: first, Length: anyLength})
	if w.over {
		return
	}
	if int64(len(r.rest)) < h.Length {
		w.fail(oracleOutput, "%s frame with %d bytes of %d", op, len(r.rest), h.Length)
		return
	}
	z := &w.mirror.compression.out
	if first {
		z.begin()
	}
	before := len(z.message())
	from := len(z.in)
	z.in = append(z.in, r.rest[:h.Length]...)
	unmask(z.in[from:], h.Mask, 0)
	if fin {
		z.in = append(z.in, messageTail...)
	}
	z.decode(before + len(p) + 1)
	switch got := z.message()[before:]; {
	case z.fault != nil:
		w.fail(oracleOutput, "compressed %s frame of %d bytes: %w", op, h.Length, z.fault)
	case !bytes.Equal(got, p):
		w.fail(oracleOutput, "compressed %s frame has %s, want %s", op, excerpt(got), excerpt(p))
	case !z.ended():
		w.fail(oracleOutput, "compressed %s frame does not end with a block", op)
	}
	r.rest = r.rest[h.Length:]
	w.mirror.outgoing.handed += h.Length
}

// message expects a frame with p, compressed or not. What becomes no shorter may be sent
// as it is, if no message after it refers to it.
func (r *reading) message(op frame.Opcode, fin, first bool, p []byte) {
	const rsv1 = 0x40
	z := r.w.mirror.compression
	spared := fin && first && z.deflating() && !z.out.takeover && len(r.rest) > 0 && r.rest[0]&rsv1 == 0
	if z.deflating() && !spared {
		r.compressed(op, fin, first, p)
		return
	}
	r.frame(op, fin, p)
}

// beginOut notes whether the message that begins is compressed: one of several
// fragments is, and one that is long enough.
func (z *mirrorCompression) beginOut(fin bool, n int) {
	if z != nil {
		z.deflates = !fin || n >= z.threshold
	}
}

// compressionOf returns what m compresses by, false if it does not. A machine that is
// wrapped is asked through what wraps it.
func compressionOf(m transport.Machine) (agreed deflate.Params, ok bool) {
	for m != nil {
		if c, is := m.(transport.Compressor); is {
			return c.Compression()
		}
		u, is := m.(interface{ Unwrap() transport.Machine })
		if !is {
			break
		}
		m = u.Unwrap()
	}
	return deflate.Params{}, false
}

// Compression returns what the machine compresses by.
func (w *witness) Compression() (agreed deflate.Params, ok bool) { return compressionOf(w.m) }

// beginPlain notes that the message that begins is not compressed.
func (z *mirrorCompression) beginPlain() {
	if z != nil {
		z.deflates = false
	}
}

// mostState is how much longer a dump may be: two windows and what is known inside of
// a block, two digits a byte.
func (z *mirrorCompression) mostState() int {
	if z == nil {
		return 0
	}
	return 2 * (z.in.window + z.out.window + 1024)
}

// held tells what is lent to a connection without need: something to decompress with
// is, while a compressed message comes in, and nothing else.
func (w *witness) held() string {
	m := &w.mirror
	switch {
	case w.lender == nil:
	case w.lender.deflaters > 0:
		return "what was lent to compress a message is kept"
	case w.lender.inflaters > 0 && !(m.stage == talking && m.incoming.message != 0 && m.compression.inflating()):
		return "what was lent to decompress a message is kept"
	}
	return ""
}
