package flight

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A decoder reads a file. After the first thing that cannot be, bad tells what,
// and everything is zero.
type decoder struct {
	b   []byte
	bad string
}

func (d *decoder) fail(what string) {
	d.b = nil
	if d.bad == "" {
		d.bad = what
	}
}

const cutOff = "a part is missing"

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail(cutOff)
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

// atMost reads a byte that is at most n.
func (d *decoder) atMost(n byte, what string) byte {
	v := d.byte()
	if v > n {
		d.fail(what)
		return 0
	}
	return v
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("a number is cut off or too large")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail("a number is cut off or too large")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// number reads an int in 32 bits.
func (d *decoder) number() int {
	v := d.int()
	if v < math.MinInt32 || v > math.MaxInt32 {
		d.fail("a number is too large")
		return 0
	}
	return int(v)
}

// bytes returns a part of the file.
func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail(cutOff)
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() string { return string(d.bytes()) }

func (d *decoder) word() uint32 {
	if len(d.b) < 4 {
		d.fail(cutOff)
		return 0
	}
	v := binary.LittleEndian.Uint32(d.b)
	d.b = d.b[4:]
	return v
}

// words reads entropy into the memory of dst.
func (d *decoder) words(dst []uint32) []uint32 {
	dst = dst[:0]
	for n := d.uint(); n > 0 && d.bad == ""; n-- {
		dst = append(dst, d.word())
	}
	return dst
}

func (d *decoder) blob() (v blob) {
	n := d.uint()
	if n > math.MaxInt32 {
		d.fail("a number is too large")
		return v
	}
	if n > 0 {
		v = blob{int(n), d.word()}
	}
	return v
}

func (d *decoder) fields() []core.Field {
	var list []core.Field
	for n := d.uint(); n > 0 && d.bad == ""; n-- {
		list = append(list, core.Field{Name: d.text(), Value: d.text()})
	}
	return list
}

func (d *decoder) opcode() frame.Opcode { return frame.Opcode(d.byte()) }

func (d *decoder) code() frame.CloseCode {
	v := d.uint()
	if v > math.MaxUint16 {
		d.fail("a close code is too large")
	}
	return frame.CloseCode(v)
}

// A record is a call, and the digest of its answer.
type record struct {
	call   Call
	digest digest
	words  []uint32
}

// record reads the next record into r, whose memory it uses again. It reports
// false at the end and after a failure.
func (d *decoder) record(r *record, ctx *prior) bool {
	op := Op(d.byte())
	if d.bad != "" || op == opEnd {
		return false
	}
	r.call = Call{Op: op, Now: ctx.now}
	r.digest = digest{}
	r.words = r.words[:0]
	if op.saves() {
		*ctx = prior{now: clock.Time(d.int())}
		r.call.Now = ctx.now
		r.call.Data = d.bytes()
		return d.bad == ""
	}
	if op > Gap {
		d.fail("there is a call that this version does not know")
		return false
	}
	flags := d.byte()
	if flags&hasTime != 0 {
		ctx.now += clock.Time(d.int())
		r.call.Now = ctx.now
	}
	r.call.Unread = flags&isUnread != 0
	d.arguments(&r.call)
	if flags&hasWords != 0 {
		r.words = d.words(r.words)
	}
	d.answer(&r.digest, flags, ctx)
	r.digest.words = len(r.words)
	return d.bad == ""
}

func (d *decoder) answer(r *digest, flags byte, ctx *prior) {
	if flags&hasEvent != 0 {
		r.event = d.event()
	}
	if flags&hasOutput != 0 {
		r.out = d.blob()
	}
	if flags&hasError != 0 {
		r.err = core.Error(d.byte())
	}
	if !ctx.known && flags&(hasDeadline|hasLevel) != hasDeadline|hasLevel {
		d.fail("the state is missing")
		return
	}
	ctx.known = true
	s := &ctx.state
	if flags&hasDeadline != 0 {
		s.Timer = core.Timer(d.byte())
		s.Deadline = clock.Latest
		if s.Timer != core.TimerNone {
			s.Deadline = ctx.now + clock.Time(d.int())
		}
	}
	if flags&hasLevel != 0 {
		level := d.byte()
		s.Transport, s.Open = core.Transport(level&^levelOpen), level&levelOpen != 0
		s.Err = core.Error(d.byte())
	}
	r.state = *s
}

func (d *decoder) event() eventDigest {
	e := eventDigest{kind: core.EventKind(d.byte()), op: d.opcode()}
	bits := d.atMost(3, "an event is garbled")
	e.first, e.last = bits&1 != 0, bits&2 != 0
	e.code = d.code()
	e.data = d.blob()
	return e
}

func (d *decoder) arguments(c *Call) {
	switch c.Op {
	case Recv:
		c.Scratch = d.scratch()
		c.Data = d.bytes()
		if c.Unread && len(c.Data) > 0 {
			d.fail("input was taken and was not")
		}
	case Discarded:
		c.N = d.number()
		c.Scratch = core.ScratchSize
		if c.N < 0 || c.N > mostDiscarded {
			d.fail("too much input was discarded")
		}
	case Wrote:
		c.N = d.number()
	case AppendFragment:
		c.Opcode, c.Fin = d.opcode(), d.bool()
		c.Data = d.bytes()
	case AppendMessage:
		c.Opcode = d.opcode()
		c.Data = d.bytes()
	case AppendHeader:
		c.Opcode, c.Fin = d.opcode(), d.bool()
		c.N = d.number()
	case AppendPing:
		c.Data = d.bytes()
	case AppendClose:
		c.Code = d.code()
		c.Data = d.bytes()
	case Accept:
		c.Accept = core.AcceptOptions{Subprotocol: d.text(), Header: d.fields()}
	case Reject:
		c.Reject = core.RejectOptions{Status: d.number(), Header: d.fields(), Body: d.bytes()}
	}
}

func (d *decoder) scratch() int {
	n := uint64(d.byte())
	most := uint64(core.ScratchSize)
	if n == longScratch {
		n, most = d.uint(), mostScratch
	}
	if n > most {
		d.fail("a scratch is too long")
		return 0
	}
	return int(n)
}

func (d *decoder) bool() bool { return d.atMost(1, "a truth value is neither 0 nor 1") == 1 }

// birth reads what appendBirth wrote, with compression or without.
func (d *decoder) birth(b *Birth, compresses bool) {
	b.Now = clock.Time(d.int())
	var c core.Config
	for _, t := range [...]*time.Duration{&c.PingInterval, &c.PongTimeout, &c.CloseTimeout, &c.ConnectionTimeout, &c.HandshakeTimeout} {
		*t = time.Duration(d.int())
	}
	c.MaxFrameSize, c.MaxMessageSize = d.int(), d.int()
	for _, n := range [...]*int{&c.MaxFragments, &c.MaxControlRate, &c.MaxHeadBytes, &c.MaxHeadLines} {
		*n = d.number()
	}
	c.Pings = core.PingPolicy(d.byte())
	if compresses {
		c.Compression, b.Compression = d.compression()
	}
	b.Request.Host = d.text()
	b.Request.Target = d.text()
	for n := d.uint(); n > 0 && d.bad == ""; n-- {
		b.Request.Subprotocols = append(b.Request.Subprotocols, d.text())
	}
	b.Request.Header = d.fields()
	if d.bad != "" {
		return
	}
	var err error
	if b.Settings, err = core.NewSettings(c); err != nil {
		d.fail("the configuration is not valid: " + err.Error())
	}
}

// lender lends what the replays of connections that compress need.
var lender compress.Pool

func (d *decoder) compression() (c *core.Compression, agreed *deflate.Params) {
	c = &core.Compression{SendWindowBits: int(d.byte()), ReceiveWindowBits: int(d.byte()), Lend: &lender}
	flags := d.atMost(noSendTakeover|noReceiveTakeover|isAgreed, "the compression is garbled")
	c.NoSendTakeover, c.NoReceiveTakeover = flags&noSendTakeover != 0, flags&noReceiveTakeover != 0
	c.Level, c.Threshold = int(d.byte()), d.number()
	if flags&isAgreed == 0 {
		return c, nil
	}
	agreed = &deflate.Params{SendBits: d.window(), ReceiveBits: d.window()}
	flags = d.atMost(noSendTakeover|noReceiveTakeover, "the compression is garbled")
	agreed.SendTakeover, agreed.ReceiveTakeover = flags&noSendTakeover == 0, flags&noReceiveTakeover == 0
	return c, agreed
}

// window reads the size of a window.
func (d *decoder) window() uint8 {
	bits := d.byte()
	if bits < deflate.MinWindowBits || bits > deflate.MaxWindowBits {
		d.fail("a window is too small or too large")
	}
	return bits
}
