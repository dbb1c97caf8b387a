package flight

import (
	"encoding/binary"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
)

// What a record has beside its arguments.
const (
	hasTime     byte = 1 << iota // the time, if it is not that of the record before
	hasWords                     // entropy
	hasEvent                     // an event
	hasOutput                    // output
	hasError                     // the call was refused
	hasDeadline                  // another deadline or timer than before
	hasLevel                     // another transport level, openness or error than before
	isUnread                     // Recv left all of its input
)

// A prior is what a record leaves out because the record before had it.
type prior struct {
	now   clock.Time
	state State
	known bool // state is
}

// appendRecord appends the record of a call and its answer.
func appendRecord(b []byte, c *Call, d *digest, words []uint32, ctx *prior) []byte {
	if c.Op.saves() {
		return appendCheckpoint(b, c, ctx)
	}
	b = append(b, byte(c.Op), 0)
	at := len(b) - 1
	mark := func(has bool, flag byte) bool {
		if has {
			b[at] |= flag
		}
		return has
	}
	if mark(c.Op.timed() && c.Now != ctx.now, hasTime) {
		b = binary.AppendVarint(b, int64(c.Now-ctx.now))
		ctx.now = c.Now
	}
	mark(c.Unread, isUnread)
	b = appendArguments(b, c)
	if mark(len(words) > 0, hasWords) {
		b = appendWords(b, words)
	}
	if mark(d.event.kind != core.EventNone, hasEvent) {
		b = appendEvent(b, &d.event)
	}
	if mark(d.out.n > 0, hasOutput) {
		b = appendBlob(b, d.out)
	}
	if mark(d.err != 0, hasError) {
		b = append(b, byte(d.err))
	}
	s, was := &d.state, &ctx.state
	if mark(!ctx.known || s.Deadline != was.Deadline || s.Timer != was.Timer, hasDeadline) {
		b = append(b, byte(s.Timer))
		if s.Timer != core.TimerNone {
			b = binary.AppendVarint(b, int64(s.Deadline-ctx.now))
		}
	}
	if mark(!ctx.known || s.Transport != was.Transport || s.Open != was.Open || s.Err != was.Err, hasLevel) {
		b = append(b, byte(s.Transport)|bit(s.Open, levelOpen), byte(s.Err))
	}
	ctx.state, ctx.known = *s, true
	return b
}

const levelOpen = 0x80

func bit(set bool, b byte) byte {
	if set {
		return b
	}
	return 0
}

// appendCheckpoint appends a record that stands on its own: nothing that
// follows needs what was before it.
func appendCheckpoint(b []byte, c *Call, ctx *prior) []byte {
	*ctx = prior{now: c.Now}
	b = append(b, byte(c.Op))
	b = binary.AppendVarint(b, int64(c.Now))
	return appendBytes(b, c.Data)
}

func appendArguments(b []byte, c *Call) []byte {
	switch c.Op {
	case Recv:
		return appendBytes(appendScratch(b, c.Scratch), c.Data)
	case Discarded, Wrote:
		return binary.AppendVarint(b, int64(c.N))
	case AppendFragment:
		b = append(b, byte(c.Opcode), bit(c.Fin, 1))
		return appendBytes(b, c.Data)
	case AppendMessage:
		b = append(b, byte(c.Opcode))
		return appendBytes(b, c.Data)
	case AppendHeader:
		b = append(b, byte(c.Opcode), bit(c.Fin, 1))
		return binary.AppendVarint(b, int64(c.N))
	case AppendPing:
		return appendBytes(b, c.Data)
	case AppendClose:
		b = binary.AppendUvarint(b, uint64(c.Code))
		return appendBytes(b, c.Data)
	case Accept:
		b = appendBytes(b, c.Accept.Subprotocol)
		return appendFields(b, c.Accept.Header)
	case Reject:
		b = binary.AppendVarint(b, int64(c.Reject.Status))
		b = appendFields(b, c.Reject.Header)
		return appendBytes(b, c.Reject.Body)
	}
	return b
}

// longScratch stands for the length of a scratch that is longer than any without
// compression, and that follows.
const longScratch = 0xFF

func appendScratch(b []byte, n int) []byte {
	if n <= core.ScratchSize {
		return append(b, byte(n))
	}
	return binary.AppendUvarint(append(b, longScratch), uint64(n))
}

func appendEvent(b []byte, e *eventDigest) []byte {
	b = append(b, byte(e.kind), byte(e.op), bit(e.first, 1)|bit(e.last, 2))
	b = binary.AppendUvarint(b, uint64(e.code))
	return appendBlob(b, e.data)
}

func appendBlob(b []byte, v blob) []byte {
	b = binary.AppendUvarint(b, uint64(v.n))
	if v.n > 0 {
		b = binary.LittleEndian.AppendUint32(b, v.sum)
	}
	return b
}

func appendWords(b []byte, words []uint32) []byte {
	b = binary.AppendUvarint(b, uint64(len(words)))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func appendBytes[T []byte | string](b []byte, p T) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...)
}

func appendFields(b []byte, list []core.Field) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, f := range list {
		b = appendBytes(b, f.Name)
		b = appendBytes(b, f.Value)
	}
	return b
}

// appendBirth appends how the machine was made, its entropy apart.
func appendBirth(b []byte, birth *Birth) []byte {
	b = binary.AppendVarint(b, int64(birth.Now))
	c := birth.Settings.Config()
	for _, n := range [...]int64{
		int64(c.PingInterval), int64(c.PongTimeout), int64(c.CloseTimeout), int64(c.ConnectionTimeout), int64(c.HandshakeTimeout),
		c.MaxFrameSize, c.MaxMessageSize, int64(c.MaxFragments), int64(c.MaxControlRate), int64(c.MaxHeadBytes), int64(c.MaxHeadLines),
	} {
		b = binary.AppendVarint(b, n)
	}
	b = append(b, byte(c.Pings))
	if c.Compression != nil {
		b = appendCompression(b, c.Compression, birth.Compression)
	}
	b = appendBytes(b, birth.Request.Host)
	b = appendBytes(b, birth.Request.Target)
	b = binary.AppendUvarint(b, uint64(len(birth.Request.Subprotocols)))
	for _, name := range birth.Request.Subprotocols {
		b = appendBytes(b, name)
	}
	return appendFields(b, birth.Request.Header)
}

// What is told of compression in one byte, of a policy and of what was agreed on.
const (
	noSendTakeover byte = 1 << iota
	noReceiveTakeover
	isAgreed // what was agreed on elsewhere follows
)

func appendCompression(b []byte, c *core.Compression, agreed *deflate.Params) []byte {
	b = append(b, byte(c.SendWindowBits), byte(c.ReceiveWindowBits),
		bit(c.NoSendTakeover, noSendTakeover)|bit(c.NoReceiveTakeover, noReceiveTakeover)|bit(agreed != nil, isAgreed), byte(c.Level))
	b = binary.AppendVarint(b, int64(c.Threshold))
	if agreed != nil {
		b = append(b, agreed.SendBits, agreed.ReceiveBits,
			bit(!agreed.SendTakeover, noSendTakeover)|bit(!agreed.ReceiveTakeover, noReceiveTakeover))
	}
	return b
}
