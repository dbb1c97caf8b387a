package sim

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// The oracles of a witness, by what they judge.
const (
	oracleTime      = "time"      // when Tick is wanted, and for which timer
	oracleInput     = "input"     // the events that the input brings about
	oracleOutput    = "output"    // the frames that are handed out
	oracleEntropy   = "entropy"   // a fresh mask key for each frame of a client
	oracleHandshake = "handshake" // the opening handshake
	oracleTransport = "transport" // what is to become of the transport, Err and Open
	oracleMisuse    = "misuse"    // misuse is refused and changes nothing
	oracleMemory    = "memory"    // lent memory is left alone
	oracleBounds    = "bounds"    // what a connection keeps
)

// A witness is a machine that hands every call to another one and compares
// what that does with what a mirror expects of it: a second, independent
// account of RFC 6455 and of the documentation of package core.
//
// It reports the first thing that is wrong, once, and is silent from then on.
type witness struct {
	m       transport.Machine
	dumper  stateDumper // m, if it has a dump of its state
	entropy *entropyLog
	report  func(oracle string, err error)

	mirror mirror
	lent   lentMemory
	lender *countingLender // nil where it cannot be seen
	call   witnessedCall
	calls  uint
	dump   []byte // of the state before a call that must not change it
	over   bool   // something was reported
}

type stateDumper interface{ AppendState(dst []byte) []byte }

// newWitness returns m under observation. m was just made at the instant now,
// with cfg, for the given role; opened tells that its handshake was done
// elsewhere. entropy is the log whose draw is cfg.Entropy, nil where the draws
// cannot be seen.
func newWitness(m transport.Machine, role core.Role, cfg core.Config, now clock.Time, opened bool, entropy *entropyLog, report func(oracle string, err error)) *witness {
	w := &witness{m: m, entropy: entropy, report: report}
	w.dumper, _ = m.(stateDumper)
	if cfg.Compression != nil {
		w.lender, _ = cfg.Compression.Lend.(*countingLender)
	}
	w.mirror = newMirror(role, cfg, now, opened)
	w.begin("birth", -1)
	if role == core.Client && !opened {
		w.mirror.shake.key = entropy.handshakeKey()
	}
	w.settle()
	return w
}

// Unwrap returns the machine under observation.
func (w *witness) Unwrap() transport.Machine { return w.m }

// A witnessedCall is the call of a method, for messages.
type witnessedCall struct {
	name  string
	now   clock.Time
	timed bool
	size  int // of the input or payload, -1 for none
}

func (c witnessedCall) String() string {
	s := c.name
	if c.size >= 0 {
		s += fmt.Sprintf(" of %d bytes", c.size)
	}
	return s
}

// fail reports what is wrong. Only the first report counts.
func (w *witness) fail(oracle, format string, args ...any) {
	if w.over {
		return
	}
	w.over = true
	told := ""
	if w.call.timed && w.call.now < w.mirror.now {
		told = " (told " + time.Duration(w.call.now).String() + ")"
	}
	w.report(oracle, fmt.Errorf("%s%s, %s, %s: "+format, append([]any{
		time.Duration(w.mirror.now), told, w.mirror.role, w.call,
	}, args...)...))
}

func (w *witness) begin(name string, size int) {
	w.call = witnessedCall{name: name, size: size}
	w.lent.before()
}

// beginAppend is begin for a method that appends to dst.
func (w *witness) beginAppend(name string, dst []byte, size int) {
	w.begin(name, size)
	w.lent.forget(dst)
}

func (w *witness) beginAt(name string, now clock.Time, size int) {
	w.call = witnessedCall{name, now, true, size}
	w.lent.before()
}

// settle compares all that can be seen between two calls.
func (w *witness) settle() {
	if w.over {
		return
	}
	m := &w.mirror
	at, why := w.m.Deadline()
	if wantAt, wantWhy := m.deadline(); at != wantAt || why != wantWhy {
		w.fail(oracleTime, "the next deadline is %s, want %s", deadlineText(at, why), deadlineText(wantAt, wantWhy))
	}
	if n := w.m.Pending(); (n > 0) != m.pending() {
		w.fail(oracleOutput, "Pending() is %d, but what is pending is %s", n, m.pendingText())
	} else if n > mostPending && m.shake.out == nothingOut {
		w.fail(oracleBounds, "%d bytes are pending, want at most %d", n, mostPending)
	}
	if got, want := w.m.Transport(), m.transport(); got != want {
		w.fail(oracleTransport, "the transport's level is %s, want %s", got, want)
	}
	if got, want := w.m.Open(), m.sendable() == 0; got != want {
		w.fail(oracleTransport, "Open() is %t, want %t", got, want)
	}
	if got := errorOf(w.m.Err()); got != m.err {
		w.fail(oracleTransport, "Err() is %s, want %s", errorText(got), errorText(m.err))
	}
	if m.stage == talking && (w.m.Request() != nil || m.shake.released && w.m.Response() != nil) {
		w.fail(oracleBounds, "the handshake is kept")
	}
	if n := w.entropy.left(); n > 0 {
		w.fail(oracleEntropy, "%d random numbers were drawn that no frame used", n)
	}
	if what := w.held(); what != "" {
		w.fail(oracleBounds, "%s", what)
	}
	if !w.lent.untouched() {
		w.fail(oracleMemory, "the data of an earlier event was changed")
	}
	w.checkSize()
}

// mostPending is what Pending may say once the handshake's output is taken: a
// pong, a ping and a close frame.
const mostPending = 3 * (2 + 4 + frame.MaxControlPayload)

// mostState bounds the dump of an open connection, which tells all that it keeps.
const mostState = 2048

// checkSize looks at the state's size, now and then: it takes longer than all
// else.
func (w *witness) checkSize() {
	w.calls++
	if w.dumper == nil || w.calls%256 != 0 || !w.mirror.shake.released {
		return
	}
	w.dump = w.dumper.AppendState(w.dump[:0])
	if most := mostState + w.mirror.compression.mostState(); len(w.dump) > most {
		w.fail(oracleBounds, "the dump of an open connection is %d bytes long, want at most %d", len(w.dump), most)
	}
}

func (w *witness) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	if w.over {
		return w.m.Recv(now, in, scratch)
	}
	w.beginAt("Recv", now, len(in))
	w.lent.forget(in, scratch)
	m := &w.mirror
	m.advance(now)
	if len(in) > 0 {
		m.heardPeer()
	}
	if m.stage == shaking {
		n, ev := w.m.Recv(now, in, scratch)
		w.judgeHandshake(in, n, ev)
		w.settle()
		return n, ev
	}
	m.releaseHandshake()
	want := m.recv(in, scratch)
	after := w.lent.keepAhead(in, want.most-want.spare)
	n, ev := w.m.Recv(now, in, scratch)
	w.settleSpare(&want, n)
	w.judgeInput(want, n, ev)
	if n >= 0 && n <= len(in) && !after.unchanged(in, n) {
		w.fail(oracleMemory, "input beyond the %d bytes that were consumed was changed", n)
	}
	w.lent.remember(ev.Data)
	w.settle()
	return n, ev
}

func (w *witness) RecvEOF(now clock.Time) core.Event {
	if w.over {
		return w.m.RecvEOF(now)
	}
	w.beginAt("RecvEOF", now, -1)
	w.mirror.advance(now)
	w.mirror.ended()
	return w.judgeReport(w.m.RecvEOF(now), w.mirror.takeFailure())
}

func (w *witness) Lost(now clock.Time) core.Event {
	if w.over {
		return w.m.Lost(now)
	}
	w.beginAt("Lost", now, -1)
	w.mirror.advance(now)
	w.mirror.ended()
	want := w.mirror.takeFailure()
	w.mirror.abort()
	return w.judgeReport(w.m.Lost(now), want)
}

func (w *witness) Tick(now clock.Time) core.Event {
	if w.over {
		return w.m.Tick(now)
	}
	w.beginAt("Tick", now, -1)
	w.mirror.advance(now)
	w.mirror.tick()
	return w.judgeReport(w.m.Tick(now), w.mirror.takeFailure())
}

func (w *witness) Deadline() (clock.Time, core.Timer) { return w.m.Deadline() }

func (w *witness) SetReading(now clock.Time, on bool) {
	if w.over {
		w.m.SetReading(now, on)
		return
	}
	w.beginAt("SetReading", now, -1)
	w.m.SetReading(now, on)
	w.mirror.advance(now)
	w.mirror.setReading(on)
	w.settle()
}

func (w *witness) SetReadAhead(now clock.Time, on bool) {
	if w.over {
		w.m.SetReadAhead(now, on)
		return
	}
	w.beginAt("SetReadAhead", now, -1)
	w.m.SetReadAhead(now, on)
	w.mirror.advance(now)
	w.mirror.setReadAhead(on)
	w.settle()
}

func (w *witness) Wrote(now clock.Time, n int) {
	if w.over {
		w.m.Wrote(now, n)
		return
	}
	w.beginAt("Wrote", now, n)
	w.m.Wrote(now, n)
	w.mirror.advance(now)
	w.mirror.wrote(n)
	w.settle()
}

func (w *witness) Pending() int { return w.m.Pending() }

func (w *witness) Role() core.Role          { return w.m.Role() }
func (w *witness) Request() *core.Request   { return w.m.Request() }
func (w *witness) Response() *core.Response { return w.m.Response() }
func (w *witness) Subprotocol() string      { return w.m.Subprotocol() }
func (w *witness) Open() bool               { return w.m.Open() }
func (w *witness) Err() error               { return w.m.Err() }
func (w *witness) Transport() core.Transport {
	return w.m.Transport()
}

var _ transport.Machine = (*witness)(nil)
