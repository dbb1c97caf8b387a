package sim

import (
	"bytes"
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// incoming is how far the peer's frames have been read.
type incoming struct {
	header [frame.MaxHeaderLen]byte
	have   int // bytes of header

	inFrame bool
	frame   frame.Header
	left    int64 // payload bytes that are still to come

	message   frame.Opcode // 0: none
	size      int64        // payload bytes of the message, the frame's included
	fragments int
	begun     bool // a chunk was reported
	text      textSoFar

	pongBegun   bool
	control     [frame.MaxControlPayload]byte
	controlSize int

	budget   time.Duration // for control frames; below 0 it is overdrawn
	budgetAt clock.Time    // when budget was reckoned

	clear []byte // payload of the latest chunk, unmasked
}

// A prediction is what a call must report, and how much input it must consume.
type prediction struct {
	kind        core.EventKind
	op          frame.Opcode
	first, last bool
	code        frame.CloseCode
	data        []byte // the content that is expected
	memory      []byte // where it must lie, beginning with its first byte
	least, most int    // of n

	spare   int  // of most, what may be left for later
	mayFail bool // with this already, as what follows is corrupt
}

// recv reads in up to the first thing that must be reported.
func (m *mirror) recv(in, scratch []byte) prediction {
	pos := 0
	for m.stage == talking {
		i := &m.incoming
		if !i.inFrame {
			n, e := m.readHeader(in[pos:])
			pos += n
			if e != 0 {
				m.failWith(e)
				break
			}
			if !i.inFrame {
				return prediction{least: pos, most: pos}
			}
		}
		p := i.takePayload(in[pos:])
		at := in[pos : pos+len(p)]
		pos += len(p)
		var want prediction
		switch {
		case !i.frame.Opcode.IsControl() && m.compression.inflating():
			want = m.readCompressed(p, scratch)
			at = want.memory
		case !i.frame.Opcode.IsControl():
			want = m.readData(p)
		case i.frame.Opcode == frame.Pong:
			want = m.readPong(p)
		default:
			want = m.readControl(p, &at, scratch)
		}
		if want.kind != core.EventNone {
			want.memory = at
			want.least, want.most = pos-want.spare, pos
			if m.err != 0 {
				want.most = len(in)
				want.least = 0
			}
			return want
		}
		if i.inFrame && m.stage == talking {
			return prediction{least: pos, most: pos}
		}
	}
	want := m.takeFailure()
	want.least, want.most = len(in), len(in)
	if want.kind != core.EventNone {
		want.least = 0
	}
	return want
}

// readHeader reads as much of a header as is there, and judges it as soon as
// it can be judged.
func (m *mirror) readHeader(in []byte) (n int, e core.Error) {
	i := &m.incoming
	n = copy(i.header[i.have:], in)
	k, err := i.frame.Parse(i.header[:i.have+n])
	switch {
	case err == frame.ErrLengthNotMinimal:
		return n, core.ErrLengthNotMinimal
	case err != nil:
		return n, core.ErrLengthTopBit
	case k == 0:
		i.have += n
		return n, 0
	}
	n, i.have = k-i.have, 0
	if e := m.judgeHeader(&i.frame); e != 0 {
		return n, e
	}
	i.inFrame = true
	i.left = i.frame.Length
	return n, 0
}

// judgeHeader applies the rules that a header alone can break, in the order in
// which the wire shows them.
func (m *mirror) judgeHeader(h *frame.Header) core.Error {
	switch {
	case h.RSV1 && !m.compression.allows(h) || h.RSV2 || h.RSV3:
		return core.ErrReservedBits
	case !h.Opcode.Valid():
		return core.ErrOpcode
	case h.Opcode.IsControl() && !h.Fin:
		return core.ErrControlFragmented
	case !h.Masked && m.role == core.Server:
		return core.ErrMaskRequired
	case h.Masked && m.role == core.Client:
		return core.ErrMaskForbidden
	case !h.Opcode.IsControl():
		return m.judgeData(h)
	case h.Length > frame.MaxControlPayload:
		return core.ErrControlLength
	}
	if !m.spendBudget() {
		return core.ErrControlFlood
	}
	m.incoming.controlSize = 0
	if h.Opcode != frame.Pong {
		m.outgoing.pong = false // a pong that nobody took is overtaken
	}
	return 0
}

func (m *mirror) judgeData(h *frame.Header) core.Error {
	i := &m.incoming
	if first := h.Opcode.IsData(); first == (i.message != 0) {
		if first {
			return core.ErrExpectedContinuation
		}
		return core.ErrUnexpectedContinuation
	} else if first {
		i.message, i.size, i.fragments, i.begun = h.Opcode, 0, 0, false
		i.text = textSoFar{}
		m.compression.beginIn(h.RSV1)
	}
	i.size += h.Length
	i.fragments++
	frameSize, messageSize := m.lim.frameSize, m.lim.messageSize
	if m.compression.inflating() {
		frameSize, messageSize = wireSize(frameSize), wireSize(messageSize)
	}
	switch {
	case h.Length > frameSize:
		return core.ErrFrameTooBig
	case i.size > messageSize:
		return core.ErrMessageTooBig
	case m.lim.fragments > 0 && i.fragments > m.lim.fragments:
		return core.ErrTooManyFragments
	}
	return 0
}

// mostBudget is what time without reading earns at most.
const mostBudget = time.Minute

// accrue reckons the budget for control frames. It recovers with time; more
// than nothing is earned only while the caller does not read, and is kept
// until it is spent.
func (i *incoming) accrue(now clock.Time, notReading bool) {
	d := now.Sub(i.budgetAt)
	i.budgetAt = now
	switch {
	case notReading:
		i.budget += d
	case i.budget < 0:
		i.budget = min(i.budget+d, 0)
	}
}

// spendBudget pays for a control frame and reports whether the budget, with an
// overdraft of a second, was enough.
func (m *mirror) spendBudget() bool {
	if m.lim.controlCost == 0 {
		return true
	}
	i := &m.incoming
	i.accrue(m.now, m.timers.notReading)
	i.budget -= m.lim.controlCost
	return i.budget >= -time.Second
}

// takePayload returns the part of the frame's payload that in holds, unmasked,
// in memory of its own.
func (i *incoming) takePayload(in []byte) []byte {
	n := int(min(int64(len(in)), i.left))
	i.clear = append(i.clear[:0], in[:n]...)
	if i.frame.Masked {
		unmask(i.clear, i.frame.Mask, int(i.frame.Length-i.left))
	}
	i.left -= int64(n)
	i.inFrame = i.left > 0
	return i.clear
}

// unmask applies the algorithm of RFC 6455 section 5.3 to the bytes that begin
// at pos in a payload.
func unmask(p []byte, key [4]byte, pos int) {
	var twice [8]byte
	for j := range twice {
		twice[j] = key[(pos+j)&3]
	}
	word := binary.LittleEndian.Uint64(twice[:])
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^word)
		p = p[8:]
	}
	for j := range p {
		p[j] ^= twice[j]
	}
}

// readData follows a message.
func (m *mirror) readData(p []byte) prediction {
	i := &m.incoming
	last := !i.inFrame && i.frame.Fin
	if i.message == frame.Text {
		n, ok := i.text.take(p)
		if !ok || last && !i.text.complete() {
			p, last = p[:n], false
			m.failWith(core.ErrInvalidUTF8)
		}
	}
	if len(p) == 0 && !last {
		return prediction{} // nothing to tell, but perhaps a failure
	}
	want := prediction{kind: core.EventMessage, op: i.message, first: !i.begun, last: last, data: p}
	i.begun = true
	if last {
		i.message = 0
	}
	return want
}

// readPong follows a pong, which is reported as it comes.
func (m *mirror) readPong(p []byte) prediction {
	i := &m.incoming
	last := !i.inFrame
	if len(p) == 0 && !last {
		return prediction{}
	}
	want := prediction{kind: core.EventPong, op: frame.Pong, first: !i.pongBegun, last: last, data: p}
	i.pongBegun = !last
	return want
}

// readControl follows a ping or a close, which are reported whole. Where they
// came in pieces the data lies in scratch, as far as that reaches.
func (m *mirror) readControl(p []byte, at *[]byte, scratch []byte) prediction {
	i := &m.incoming
	pieces := i.controlSize > 0
	i.controlSize += copy(i.control[i.controlSize:], p)
	if i.inFrame {
		return prediction{}
	}
	whole := i.control[:i.controlSize]
	want := prediction{kind: core.EventPing, op: i.frame.Opcode, first: true, last: true, data: whole}
	if i.frame.Opcode == frame.Ping {
		m.pinged(whole)
	} else if want = m.readClose(whole, want); want.kind == core.EventFailed {
		return want
	}
	if pieces {
		want.data = want.data[:min(len(want.data), len(scratch))]
		*at = scratch
	} else {
		*at = (*at)[len(whole)-len(want.data):]
	}
	return want
}

// pinged notes what the answer to a ping must be.
func (m *mirror) pinged(payload []byte) {
	if m.lim.answersPings && !m.sent {
		m.outgoing.pong = true
		m.outgoing.pongSize = copy(m.outgoing.pongPayload[:], payload)
	}
}

// readClose judges the payload of a close frame
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1).
func (m *mirror) readClose(payload []byte, want prediction) prediction {
	want.kind, want.code, want.data = core.EventClose, frame.NoStatus, nil
	var e core.Error
	switch {
	case len(payload) == 1:
		e = core.ErrCloseLength
	case len(payload) >= 2:
		want.code = frame.CloseCode(binary.BigEndian.Uint16(payload))
		want.data = payload[2:]
		if !mayBeOnTheWire(want.code) {
			e = core.ErrCloseCode
		} else if !utf8.Valid(want.data) {
			e = core.ErrCloseReason
		}
	}
	if e != 0 {
		m.failWith(e)
		return m.takeFailure()
	}
	m.closed(want.code)
	return want
}

// mayBeOnTheWire tells which codes a close frame may have
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.4).
func mayBeOnTheWire(code frame.CloseCode) bool {
	switch {
	case code == 1004 || code == 1005 || code == 1006:
		return false
	case code >= 1000 && code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}

// judgeInput compares what Recv did with what it must do.
func (w *witness) judgeInput(want prediction, n int, ev core.Event) {
	w.judgeEvent(want, ev)
	if n < want.least || n > want.most {
		w.fail(oracleInput, "%d bytes were consumed, want %d", n, want.least)
	}
}

// judgeReport compares what a call without input reported.
func (w *witness) judgeReport(ev core.Event, want prediction) core.Event {
	w.judgeEvent(want, ev)
	w.settle()
	return ev
}

func (w *witness) judgeEvent(want prediction, ev core.Event) {
	switch err := errorOf(w.m.Err()); {
	case ev.Kind != want.kind, ev.Kind == core.EventFailed && err != w.mirror.err:
		w.fail(w.oracleOf(want.kind, ev.Kind), "reported %s, want %s",
			outcomeText(ev.Kind, err), outcomeText(want.kind, w.mirror.err))
	case ev.Op != want.op || ev.First != want.first || ev.Last != want.last:
		w.fail(oracleInput, "reported %s of %s, first %t, last %t; want %s, first %t, last %t",
			ev.Kind, ev.Op, ev.First, ev.Last, want.op, want.first, want.last)
	case ev.Code != want.code:
		w.fail(oracleTransport, "the code of %s is %d, want %d", ev.Kind, ev.Code, want.code)
	case !bytes.Equal(ev.Data, want.data):
		w.fail(oracleInput, "the data of %s is %s, want %s", ev.Kind, excerpt(ev.Data), excerpt(want.data))
	case len(want.data) > 0 && &ev.Data[0] != &want.memory[0]:
		w.fail(oracleMemory, "the data of %s is not where it came in", ev.Kind)
	}
}

// oracleOf tells what a wrong event belongs to.
func (w *witness) oracleOf(want, got core.EventKind) string {
	for _, k := range [...]core.EventKind{want, got} {
		if k == core.EventOpen || k == core.EventRequest {
			return oracleHandshake
		}
	}
	switch w.call.name {
	case "Tick":
		return oracleTime
	case "Recv":
		return oracleInput
	}
	return oracleTransport
}
