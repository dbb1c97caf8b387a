package sim

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// outgoing is what was handed out and what must be.
type outgoing struct {
	pong, ping, close bool // are pending
	pongPayload       [frame.MaxControlPayload]byte
	pongSize          int

	handed, written int64 // bytes, from the beginning
	pingWatched     bool  // the time for a pong begins when pingEnd is written
	pingEnd         int64

	message frame.Opcode // that is being sent; 0: none
	text    textSoFar
}

func (m *mirror) pending() bool {
	o := &m.outgoing
	return o.pong || o.ping || o.close || m.shake.out != nothingOut
}

func (m *mirror) pendingText() string {
	o := &m.outgoing
	var list []string
	for _, p := range []struct {
		is   bool
		name string
	}{{m.shake.out != nothingOut, "the handshake"}, {o.pong, "a pong"}, {o.ping, "a ping"}, {o.close, "a close"}} {
		if p.is {
			list = append(list, p.name)
		}
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, " and ")
}

// unwritten reports whether there is output that was not reported as written.
func (m *mirror) unwritten() bool { return m.outgoing.handed > m.outgoing.written || m.pending() }

// watchPing notes that a ping was handed out: the time for its pong begins
// when it is written. The ping that is watched first comes first.
func (m *mirror) watchPing() {
	o := &m.outgoing
	if m.lim.pong > 0 && m.stage == talking && !o.pingWatched {
		o.pingWatched, o.pingEnd = true, o.handed
	}
}

// A reading follows what a call appended.
type reading struct {
	w    *witness
	rest []byte
}

// appended returns what a call appended to dst.
func (w *witness) appended(dst, ret []byte) reading {
	if len(ret) < len(dst) {
		w.fail(oracleOutput, "%d bytes came back of the %d in the buffer", len(ret), len(dst))
		return reading{w, nil}
	}
	return reading{w, ret[len(dst):]}
}

// end expects that nothing follows.
func (r *reading) end() {
	if len(r.rest) > 0 {
		r.w.fail(oracleOutput, "unexpected output: %s", excerpt(r.rest))
	}
}

// frame expects a frame that is not compressed.
func (r *reading) frame(op frame.Opcode, fin bool, payload []byte) {
	h := r.header(frame.Header{Opcode: op, Fin: fin, Length: int64(len(payload))})
	if r.w.over {
		return
	}
	if len(r.rest) < len(payload) {
		r.w.fail(oracleOutput, "%s frame with %d bytes of %d", op, len(r.rest), len(payload))
		return
	}
	got := r.rest[:len(payload)]
	if !samePayload(got, payload, h.Mask) {
		r.w.fail(oracleOutput, "payload of the %s frame is %s with mask %x, want %s", op, excerpt(got), h.Mask, excerpt(payload))
	}
	r.rest = r.rest[len(payload):]
	r.w.mirror.outgoing.handed += int64(len(payload))
}

// anyLength is the Length of a frame that is expected, where that is not known.
const anyLength = -1

// header expects a frame's header, whatever its mask.
func (r *reading) header(want frame.Header) (h frame.Header) {
	w, op := r.w, want.Opcode
	if w.over {
		return h
	}
	size, err := h.Parse(r.rest)
	client := w.mirror.role == core.Client
	switch {
	case err != nil || size == 0:
		w.fail(oracleOutput, "%s is not the header of the %s frame that is expected", excerpt(r.rest), op)
		return h
	case h.Opcode != op || h.Fin != want.Fin || want.Length != anyLength && h.Length != want.Length:
		w.fail(oracleOutput, "%s frame of %d bytes, FIN %t; want %s of %d bytes, FIN %t", h.Opcode, h.Length, h.Fin, op, want.Length, want.Fin)
	case h.RSV1 != want.RSV1:
		w.fail(oracleOutput, "%s frame is compressed: %t, want %t", op, h.RSV1, want.RSV1)
	case h.RSV2 || h.RSV3:
		w.fail(oracleOutput, "%s frame with a reserved bit", op)
	case h.Masked != client:
		w.fail(oracleOutput, "%s frame is masked: %t, want %t", op, h.Masked, client)
	}
	if client && w.entropy != nil {
		key, ok := w.entropy.take()
		if !ok || h.Mask != frame.Mask(key) {
			w.fail(oracleEntropy, "mask key %x of the %s frame is not the one that was drawn for it, %x", h.Mask, op, key)
		}
	}
	r.rest = r.rest[size:]
	w.mirror.outgoing.handed += int64(size)
	return h
}

// samePayload reports whether got is want under a mask.
func samePayload(got, want []byte, key frame.Mask) bool {
	if key == (frame.Mask{}) {
		return bytes.Equal(got, want)
	}
	word := uint64(binary.LittleEndian.Uint32(key[:]))
	word |= word << 32
	for len(got) >= 8 {
		if binary.LittleEndian.Uint64(got)^binary.LittleEndian.Uint64(want) != word {
			return false
		}
		got, want = got[8:], want[8:]
	}
	for i := range got {
		if got[i]^want[i] != key[i&3] {
			return false
		}
	}
	return true
}

// beforeClose expects all that is pending but a close frame.
func (r *reading) beforeClose() {
	r.handshake()
	m := &r.w.mirror
	o := &m.outgoing
	if o.pong {
		o.pong = false
		r.frame(frame.Pong, true, o.pongPayload[:o.pongSize])
	}
	if o.ping {
		o.ping = false
		r.frame(frame.Ping, true, nil)
		m.watchPing()
	}
}

// close expects a close frame.
func (r *reading) close(code frame.CloseCode, reason string) {
	var payload [frame.MaxControlPayload]byte
	n := 0
	if code != frame.NoStatus {
		binary.BigEndian.PutUint16(payload[:], uint16(code))
		n = 2 + copy(payload[2:], reason)
	}
	r.frame(frame.Close, true, payload[:n])
}

func (w *witness) AppendOutput(dst []byte) []byte {
	if w.over {
		return w.m.AppendOutput(dst)
	}
	w.beginAppend("AppendOutput", dst, -1)
	ret := w.m.AppendOutput(dst)
	r := w.appended(dst, ret)
	r.beforeClose()
	if m := &w.mirror; m.outgoing.close {
		m.outgoing.close = false
		reason := ""
		if m.err != 0 {
			reason = m.err.Reason()
		}
		r.close(m.ours, reason)
	}
	r.end()
	w.settle()
	return ret
}

func (w *witness) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	if w.over {
		return w.m.AppendMessage(dst, op, p)
	}
	w.beginAppend("AppendMessage", dst, len(p))
	m := &w.mirror
	want := m.sendable()
	switch {
	case want != 0:
	case !op.IsData():
		want = core.ErrInvalidOpcode
	case m.outgoing.message != 0:
		want = core.ErrMessageInProgress
	case op == frame.Text && !utf8.Valid(p):
		want = core.ErrInvalidText
	}
	w.dumpIf(want)
	ret, err := w.m.AppendMessage(dst, op, p)
	if w.agrees(want, err, dst, ret) {
		r := w.appended(dst, ret)
		r.handshake()
		m.compression.beginOut(true, len(p))
		r.message(op, true, true, p)
		r.end()
	}
	w.settle()
	return ret, err
}

func (w *witness) AppendFragment(dst []byte, op frame.Opcode, p []byte, fin bool) ([]byte, error) {
	if w.over {
		return w.m.AppendFragment(dst, op, p, fin)
	}
	w.beginAppend("AppendFragment", dst, len(p))
	m := &w.mirror
	want := m.fragmentError(op, len(p))
	text := m.outgoing.text
	if want == 0 && (op == frame.Text || m.outgoing.message == frame.Text) {
		if _, ok := text.take(p); !ok || fin && !text.complete() {
			want = core.ErrInvalidText
		}
	}
	w.dumpIf(want)
	ret, err := w.m.AppendFragment(dst, op, p, fin)
	if w.agrees(want, err, dst, ret) {
		r := w.appended(dst, ret)
		r.handshake()
		m.outgoing.text = text
		first := m.outgoing.message == 0
		if first {
			m.compression.beginOut(fin, len(p))
		}
		r.message(m.outgoing.nextFragment(op, fin), fin, first, p)
		r.end()
	}
	w.settle()
	return ret, err
}

func (w *witness) AppendHeader(dst []byte, op frame.Opcode, o core.HeaderOptions, n int) ([]byte, frame.Mask, error) {
	if w.over {
		return w.m.AppendHeader(dst, op, o, n)
	}
	w.beginAppend("AppendHeader", dst, n)
	m := &w.mirror
	want := m.fragmentError(op, n)
	if want == 0 && m.outgoing.message != 0 && (op != frame.Continuation || m.compression.deflating()) {
		want = core.ErrMessageInProgress
	}
	w.dumpIf(want)
	ret, mask, err := w.m.AppendHeader(dst, op, o, n)
	if w.agrees(want, err, dst, ret) {
		r := w.appended(dst, ret)
		r.handshake()
		if m.outgoing.message == 0 {
			m.compression.beginPlain()
		}
		h := r.header(frame.Header{Opcode: m.outgoing.nextFragment(op, !o.More), Fin: !o.More, Length: int64(n)})
		r.end()
		m.outgoing.text = textSoFar{}
		m.outgoing.handed += int64(n)
		if mask != h.Mask {
			w.fail(oracleOutput, "mask %x was returned for a header with %x", mask, h.Mask)
		}
	}
	w.settle()
	return ret, mask, err
}

func (w *witness) AppendPing(dst, payload []byte) ([]byte, error) {
	if w.over {
		return w.m.AppendPing(dst, payload)
	}
	w.beginAppend("AppendPing", dst, len(payload))
	want := w.mirror.sendable()
	if want == 0 && len(payload) > frame.MaxControlPayload {
		want = core.ErrControlTooLong
	}
	w.dumpIf(want)
	ret, err := w.m.AppendPing(dst, payload)
	if w.agrees(want, err, dst, ret) {
		r := w.appended(dst, ret)
		r.handshake()
		r.frame(frame.Ping, true, payload)
		w.mirror.watchPing()
		r.end()
	}
	w.settle()
	return ret, err
}

func (w *witness) AppendClose(now clock.Time, dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	if w.over {
		return w.m.AppendClose(now, dst, code, reason)
	}
	w.beginAt("AppendClose", now, -1)
	w.lent.forget(dst)
	m := &w.mirror
	want := m.sendable()
	if want == 0 {
		want = closeError(code, reason)
	}
	w.dumpIf(want)
	if now > m.now { // misuse or not, the time is told
		w.dump = w.dump[:0]
	}
	m.advance(now)
	ret, err := w.m.AppendClose(now, dst, code, reason)
	if w.agrees(want, err, dst, ret) {
		r := w.appended(dst, ret)
		r.beforeClose()
		r.close(code, reason)
		r.end()
		m.closeBegun(code)
	}
	w.settle()
	return ret, err
}

// closeBegun notes that our close frame was handed out.
func (m *mirror) closeBegun(code frame.CloseCode) {
	m.ours, m.sent = code, true
	m.endHold()
	m.beginClosing()
	if m.got {
		m.boundClosing()
	}
}

func closeError(code frame.CloseCode, reason string) core.Error {
	switch {
	case code == frame.NoStatus && reason == "":
		return 0
	case !mayBeOnTheWire(code):
		return core.ErrUnsendableCode
	case len(reason) > frame.MaxReason:
		return core.ErrControlTooLong
	case !utf8.ValidString(reason):
		return core.ErrInvalidText
	}
	return 0
}

// fragmentError returns why a fragment of n bytes must not be sent, 0 if it
// may.
func (m *mirror) fragmentError(op frame.Opcode, n int) core.Error {
	if e := m.sendable(); e != 0 {
		return e
	}
	message := m.outgoing.message
	switch {
	case !op.IsData() && op != frame.Continuation:
		return core.ErrInvalidOpcode
	case n < 0 || n > core.MaxSize:
		return core.ErrTooLong
	case message == 0 && op == frame.Continuation:
		return core.ErrNoMessage
	case message != 0 && op != frame.Continuation && op != message:
		return core.ErrMessageInProgress
	}
	return 0
}

// nextFragment returns the opcode that the next fragment has on the wire.
func (o *outgoing) nextFragment(op frame.Opcode, fin bool) frame.Opcode {
	if o.message == 0 {
		o.message = op
	} else {
		op = frame.Continuation
	}
	if fin {
		o.message = 0
		o.text = textSoFar{}
	}
	return op
}

// dumpIf keeps the state of the machine before a call that must not change it.
func (w *witness) dumpIf(misuse core.Error) {
	w.dump = w.dump[:0]
	if misuse != 0 && w.dumper != nil {
		w.dump = w.dumper.AppendState(w.dump)
	}
}

// agrees compares the error of a call with the one that is expected, and
// reports whether the call must have done its work.
func (w *witness) agrees(want core.Error, err error, dst, ret []byte) bool {
	got := errorOf(err)
	switch {
	case got != want:
		w.fail(oracleMisuse, "returned %s, want %s", errorText(got), errorText(want))
	case want == 0:
		return true
	case len(ret) != len(dst):
		w.fail(oracleMisuse, "refused with %s, but the output grew by %d bytes", errorText(got), len(ret)-len(dst))
	default:
		w.unchanged()
	}
	return false
}

// unchanged expects that misuse changed nothing: settle sees that of the
// outside, and the dump tells of the inside.
func (w *witness) unchanged() {
	if len(w.dump) == 0 {
		return
	}
	n := len(w.dump)
	w.dump = w.dumper.AppendState(w.dump)
	if before, after := w.dump[:n], w.dump[n:]; !bytes.Equal(before, after) {
		w.fail(oracleMisuse, "was refused, but changed the state from %s to %s", before, after)
	}
}
