package flight

import (
	"errors"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// Options say what a [Flight] keeps. The zero value is ready.
type Options struct {
	// Limit is how many bytes are kept, about. When there is more the oldest
	// calls are dropped. In a handshake the state comes on top, of about as
	// many bytes as have come of the head, up to twice. Default
	// [DefaultLimit]; less than [MinLimit] means that.
	Limit int

	// Redact replaces what may be private before it is kept; see the package's
	// documentation. It costs a second machine. A connection that may compress
	// cannot be recorded so.
	Redact bool
}

func (o Options) limit() int {
	if o.Limit == 0 {
		return DefaultLimit
	}
	return max(o.Limit, MinLimit)
}

// A Flight is a [transport.Machine] that is being recorded. It behaves as the
// machine in it does, but for one thing: Recv may take a long input in more
// and smaller chunks.
//
// Unlike other machines it may be asked for its recording, with
// [Flight.AppendRecording], from any goroutine at any time.
type Flight struct {
	mu    sync.Mutex
	m     transport.Machine
	birth Birth // as it is kept
	wall  time.Time
	log   log

	redacted bool
	redactor *redactor
	shadow   *core.Conn

	scratch int // the most that the machine makes use of

	entropy func() uint32
	drawn   []uint32 // by the call under way
	fed     int      // of them, how many the shadow has drawn
	first   []uint32 // drawn at birth

	frames  frames
	framing bool // frames are read, or were: it was open
	over    bool // input is thrown away
	stopped endReason
	ended   bool
	closed  frame.CloseCode // by the peer
}

// ErrRedactCompressed is the error of [Record] for a connection that may compress, with
// Redact.
var ErrRedactCompressed = errors.New("flight: compressed messages cannot be redacted: record without Redact, and treat the file as you treat the messages, or do without compression")

// Record makes a machine as b says and records it. The error is that of making
// it, or [ErrRedactCompressed].
func Record(b Birth, o Options) (*Flight, error) {
	if o.Redact && b.compresses() {
		return nil, ErrRedactCompressed
	}
	b.State = nil
	f := &Flight{birth: b, wall: time.Now(), framing: b.Open, redacted: o.Redact}
	f.log.limit = o.limit()
	f.log.ctx.now = b.Now
	f.scratch = core.ScratchSize
	if b.Settings != nil {
		f.entropy = b.Settings.Config().Entropy
	}
	if b.compresses() {
		f.scratch = mostScratch
	}
	drawing, err := b.drawing(f.draw)
	if err != nil {
		return nil, err
	}
	if f.m, err = drawing.Machine(); err != nil {
		return nil, err
	}
	if o.Redact {
		if err := f.castShadow(); err != nil {
			transport.Release(f.m)
			return nil, err
		}
	}
	f.first = f.takeWords()
	return f, nil
}

// castShadow makes the second machine, which sees only what is redacted.
func (f *Flight) castShadow() error {
	f.redactor = &redactor{client: f.birth.Role == core.Client}
	f.birth.Label = ""
	f.birth.Request = f.redactor.request(f.birth.Request)
	drawing, err := f.birth.drawing(f.feed)
	if err != nil {
		return err
	}
	f.shadow, err = drawing.core()
	return err
}

// draw is the entropy of the machine.
func (f *Flight) draw() uint32 {
	w := f.entropy()
	if !f.off() {
		f.drawn = append(f.drawn, w)
	}
	return w
}

// feed is the entropy of the shadow: what the machine has drawn.
func (f *Flight) feed() uint32 {
	if f.fed == len(f.drawn) {
		return 0
	}
	f.fed++
	return f.drawn[f.fed-1]
}

// takeWords returns a copy of what was drawn.
func (f *Flight) takeWords() []uint32 {
	words := append([]uint32(nil), f.drawn...)
	f.drawn, f.fed = f.drawn[:0], 0
	return words
}

// off reports whether nothing is recorded any more.
func (f *Flight) off() bool { return f.stopped != 0 || f.ended }

// note records a call and its answer.
func (f *Flight) note(c *Call, a *Answer) {
	if f.off() {
		return
	}
	f.follow(c, a)
	m := f.m
	if f.shadow != nil {
		c = f.redactor.call(c, a.Err == nil)
		h := spare.Get().(*hands)
		defer h.giveBack()
		redacted := h.do(f.shadow, c)
		if !alike(a, &redacted) || stateOf(f.m) != stateOf(f.shadow) || f.fed != len(f.drawn) {
			f.stop(endedByRedaction)
			return
		}
		a, m = &redacted, f.shadow
	}
	if c.Op != Recv && c.size() > f.log.most() {
		f.save(Gap, f.log.gap)
	} else {
		d := digestOf(a, m, len(f.drawn))
		f.log.add(c, &d, f.drawn)
	}
	if f.log.full() {
		f.save(Checkpoint, f.log.turn)
	}
	f.drawn, f.fed = f.drawn[:0], 0
}

// follow notes where in its life the connection is.
func (f *Flight) follow(c *Call, a *Answer) {
	if a.Event.Kind == core.EventClose {
		f.closed = a.Event.Code
	}
	if a.Event.Kind == core.EventOpen || c.Op == Accept && a.Err == nil {
		f.framing = true
	}
	f.over = f.over || f.closed != 0 || f.m.Err() != nil
}

// alike reports whether the machine and its shadow answered alike, as far as
// they can: how much was taken differs in a handshake, of which the shadow sees
// whole lines.
func alike(a, b *Answer) bool {
	e, g := &a.Event, &b.Event
	return e.Kind == g.Kind && e.Op == g.Op && e.First == g.First && e.Last == g.Last && e.Code == g.Code &&
		len(e.Data) == len(g.Data) && len(a.Out) == len(b.Out) && a.Err == b.Err
}

// save keeps the state.
func (f *Flight) save(op Op, in func(*Call)) {
	m := f.m
	if f.shadow != nil {
		m = f.shadow
	}
	var room [512]byte
	state := snapshotOf(m, room[:0])
	if len(state) == 0 {
		f.stop(endedByLimit)
		return
	}
	in(&Call{Op: op, Now: f.log.ctx.now, Data: state})
}

// snapshotOf appends the state of m to dst, nothing if it cannot be kept.
func snapshotOf(m transport.Machine, dst []byte) []byte {
	if s, ok := m.(snapshotter); ok {
		return s.AppendSnapshot(dst)
	}
	return dst
}

func (f *Flight) stop(why endReason) {
	f.stopped = why
	f.drawn = nil
	f.shadow, f.redactor = nil, nil
}

// Recv: see [core.Conn.Recv].
func (f *Flight) Recv(now clock.Time, in, scratch []byte) (n int, ev core.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		piece := in[n:]
		if !f.off() {
			piece = piece[:f.pieceOf(piece)]
		}
		k, ev := f.recvPiece(now, piece, scratch)
		n += k
		if ev.Kind != core.EventNone || k < len(piece) || n == len(in) {
			return n, ev
		}
	}
}

// pieceOf returns how much of in is recorded as one call: what the machine
// takes for one anyway, unless it is long.
func (f *Flight) pieceOf(in []byte) int {
	switch {
	case f.over:
		return min(len(in), mostDiscarded)
	case f.framing:
		return min(f.frames.span(in), f.log.most())
	}
	return min(len(in), f.log.most())
}

var lent = sync.Pool{New: func() any { return new([]byte) }}

func (f *Flight) recvPiece(now clock.Time, in, scratch []byte) (int, core.Event) {
	if f.off() {
		return f.m.Recv(now, in, scratch)
	}
	if f.over {
		n, ev := f.m.Recv(now, in, scratch)
		f.note(&Call{Op: Discarded, Now: now, N: n, Scratch: core.ScratchSize}, &Answer{N: n, Event: ev})
		return n, ev
	}
	framing := f.framing
	scratch = scratch[:min(len(scratch), f.scratch)]
	c := Call{Op: Recv, Now: now, Scratch: len(scratch)}
	kept := lent.Get().(*[]byte)
	defer lent.Put(kept)
	*kept = append((*kept)[:0], in...) // it is unmasked in place
	n, ev := f.m.Recv(now, in, scratch)
	c.Data = (*kept)[:n]
	switch {
	case framing:
		f.frames.pass(c.Data, f.shadow != nil)
	case f.shadow != nil:
		c.Data = f.redactor.head.feed(c.Data, ev.Kind == core.EventFailed)
		if len(c.Data) == 0 && n > 0 {
			return n, ev // the shadow sees whole lines only
		}
	}
	c.Unread = n == 0 && len(in) > 0
	f.note(&c, &Answer{N: n, Event: ev})
	return n, ev
}

// event records a call that has no argument but the time.
func (f *Flight) event(op Op, now clock.Time, ev core.Event) core.Event {
	f.note(&Call{Op: op, Now: now}, &Answer{Event: ev})
	return ev
}

// RecvEOF: see [core.Conn.RecvEOF].
func (f *Flight) RecvEOF(now clock.Time) core.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.event(RecvEOF, now, f.m.RecvEOF(now))
}

// Lost: see [core.Conn.Lost].
func (f *Flight) Lost(now clock.Time) core.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.event(Lost, now, f.m.Lost(now))
}

// Tick: see [core.Conn.Tick].
func (f *Flight) Tick(now clock.Time) core.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.event(Tick, now, f.m.Tick(now))
}

// SetReading: see [core.Conn.SetReading].
func (f *Flight) SetReading(now clock.Time, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m.SetReading(now, on)
	f.note(&Call{Op: either(on, ReadingOn, ReadingOff), Now: now}, &Answer{})
}

// SetReadAhead: see [core.Conn.SetReadAhead].
func (f *Flight) SetReadAhead(now clock.Time, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m.SetReadAhead(now, on)
	f.note(&Call{Op: either(on, ReadAheadOn, ReadAheadOff), Now: now}, &Answer{})
}

func either(on bool, a, b Op) Op {
	if on {
		return a
	}
	return b
}

// Wrote: see [core.Conn.Wrote].
func (f *Flight) Wrote(now clock.Time, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m.Wrote(now, n)
	f.note(&Call{Op: Wrote, Now: now, N: int32Of(n)}, &Answer{})
}

// int32Of returns n as far as the file has room for it: what is beyond that is
// refused, or as good as endless.
func int32Of(n int) int { return min(max(n, -1<<31), 1<<31-1) }

// appended records a call that appended out[before:].
func (f *Flight) appended(c *Call, before int, out []byte, err error) ([]byte, error) {
	f.note(c, &Answer{Out: out[before:], Err: err})
	return out, err
}

// AppendOutput: see [core.Conn.AppendOutput].
func (f *Flight) AppendOutput(dst []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, _ := f.appended(&Call{Op: AppendOutput}, len(dst), f.m.AppendOutput(dst), nil)
	return out
}

// AppendFragment: see [core.Conn.AppendFragment].
func (f *Flight) AppendFragment(dst []byte, op frame.Opcode, p []byte, fin bool) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := f.m.AppendFragment(dst, op, p, fin)
	return f.appended(&Call{Op: AppendFragment, Opcode: op, Data: p, Fin: fin}, len(dst), out, err)
}

// AppendMessage: see [core.Conn.AppendMessage].
func (f *Flight) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := f.m.AppendMessage(dst, op, p)
	return f.appended(&Call{Op: AppendMessage, Opcode: op, Data: p}, len(dst), out, err)
}

// AppendHeader: see [core.Conn.AppendHeader].
func (f *Flight) AppendHeader(dst []byte, op frame.Opcode, o core.HeaderOptions, n int) ([]byte, frame.Mask, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, mask, err := f.m.AppendHeader(dst, op, o, n)
	out, err = f.appended(&Call{Op: AppendHeader, Opcode: op, Fin: !o.More, N: int32Of(n)}, len(dst), out, err)
	return out, mask, err
}

// AppendPing: see [core.Conn.AppendPing].
func (f *Flight) AppendPing(dst, payload []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := f.m.AppendPing(dst, payload)
	return f.appended(&Call{Op: AppendPing, Data: payload}, len(dst), out, err)
}

// AppendClose: see [core.Conn.AppendClose].
func (f *Flight) AppendClose(now clock.Time, dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := f.m.AppendClose(now, dst, code, reason)
	return f.appended(&Call{Op: AppendClose, Now: now, Code: code, Data: []byte(reason)}, len(dst), out, err)
}

// Accept: see [core.Conn.Accept].
func (f *Flight) Accept(now clock.Time, o core.AcceptOptions) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.m.Accept(now, o)
	f.note(&Call{Op: Accept, Now: now, Accept: o}, &Answer{Err: err})
	return err
}

// Reject: see [core.Conn.Reject].
func (f *Flight) Reject(now clock.Time, o core.RejectOptions) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.m.Reject(now, o)
	f.note(&Call{Op: Reject, Now: now, Reject: o}, &Answer{Err: err})
	return err
}

// Release: see [transport.Releaser]. It is not recorded.
func (f *Flight) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	transport.Release(f.m)
}

// OnFailure: see [transport.Failer]. It does nothing if the machine is none.
func (f *Flight) OnFailure(failed func()) {
	if m, ok := f.m.(transport.Failer); ok {
		m.OnFailure(failed)
	}
}

// The methods that change nothing are not recorded.

// Deadline: see [core.Conn.Deadline].
func (f *Flight) Deadline() (clock.Time, core.Timer) { return f.m.Deadline() }

// Pending: see [core.Conn.Pending].
func (f *Flight) Pending() int { return f.m.Pending() }

// Role: see [core.Conn.Role].
func (f *Flight) Role() core.Role { return f.m.Role() }

// Request: see [core.Conn.Request].
func (f *Flight) Request() *core.Request { return f.m.Request() }

// Response: see [core.Conn.Response].
func (f *Flight) Response() *core.Response { return f.m.Response() }

// Subprotocol: see [core.Conn.Subprotocol].
func (f *Flight) Subprotocol() string { return f.m.Subprotocol() }

// Compression: see [core.Conn.Compression].
func (f *Flight) Compression() (agreed deflate.Params, ok bool) {
	if m, is := f.m.(transport.Compressor); is {
		return m.Compression()
	}
	return deflate.Params{}, false
}

// Open: see [core.Conn.Open].
func (f *Flight) Open() bool { return f.m.Open() }

// Err: see [core.Conn.Err].
func (f *Flight) Err() error { return f.m.Err() }

// Transport: see [core.Conn.Transport].
func (f *Flight) Transport() core.Transport { return f.m.Transport() }

var (
	_ transport.Machine    = (*Flight)(nil)
	_ transport.Compressor = (*Flight)(nil)
	_ transport.Releaser   = (*Flight)(nil)
	_ transport.Failer     = (*Flight)(nil)
)
