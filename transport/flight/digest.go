package flight

import (
	"fmt"
	"hash/crc32"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// A State is what a machine tells of itself after a call.
type State struct {
	Deadline  clock.Time // when to tick next; clock.Latest without a timer
	Timer     core.Timer // what for
	Transport core.Transport
	Open      bool
	Err       core.Error // why the connection failed, 0 while it has not
}

func stateOf(m transport.Machine) (s State) {
	s.Deadline, s.Timer = m.Deadline()
	if s.Timer == core.TimerNone {
		s.Deadline = clock.Latest
	}
	s.Transport = m.Transport()
	s.Open = m.Open()
	s.Err = errorOf(m.Err())
	return s
}

// unknownError stands for errors that are not of package core.
const unknownError core.Error = 255

func errorOf(err error) core.Error {
	if err == nil {
		return 0
	}
	if e, ok := err.(core.Error); ok {
		return e
	}
	return unknownError
}

// A digest is what is kept of an answer, and of the state behind it. Two are
// equal, with ==, if the answers are, as far as checksums can tell.
type digest struct {
	event eventDigest
	out   blob
	err   core.Error
	words int // of entropy that were drawn
	state State
}

type eventDigest struct {
	kind        core.EventKind
	op          frame.Opcode
	first, last bool
	code        frame.CloseCode
	data        blob
}

// A blob is what is kept of bytes: how many, and their CRC-32C.
type blob struct {
	n   int
	sum uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func blobOf(p []byte) blob {
	if len(p) == 0 {
		return blob{}
	}
	return blob{len(p), crc32.Checksum(p, castagnoli)}
}

func digestOf(a *Answer, m transport.Machine, words int) digest {
	return digest{
		event: digestOfEvent(&a.Event),
		out:   blobOf(a.Out),
		err:   errorOf(a.Err),
		words: words,
		state: stateOf(m),
	}
}

func digestOfEvent(e *core.Event) eventDigest {
	return eventDigest{e.Kind, e.Op, e.First, e.Last, e.Code, blobOf(e.Data)}
}

// differs tells in words the first thing in which two digests differ.
func (d digest) differs(other digest, born clock.Time) (ours, theirs string) {
	switch {
	case d.event != other.event:
		return d.event.String(), other.event.String()
	case d.out != other.out:
		return "output of " + d.out.String(), "output of " + other.out.String()
	case d.err != other.err:
		return orNone("the call refused: ", d.err), orNone("the call refused: ", other.err)
	case d.words != other.words:
		return fmt.Sprintf("%d words of entropy drawn", d.words), fmt.Sprintf("%d words of entropy drawn", other.words)
	}
	return d.state.differs(other.state, born)
}

func orNone(what string, e core.Error) string {
	switch e {
	case 0:
		return what + "no"
	case unknownError:
		return what + "an error of another package"
	}
	return what + e.Reason()
}

func (s State) differs(other State, born clock.Time) (ours, theirs string) {
	switch {
	case s.Err != other.Err:
		return orNone("failed: ", s.Err), orNone("failed: ", other.Err)
	case s.Transport != other.Transport:
		return "transport: " + s.Transport.String(), "transport: " + other.Transport.String()
	case s.Open != other.Open:
		return fmt.Sprintf("open: %v", s.Open), fmt.Sprintf("open: %v", other.Open)
	}
	return s.timer(born), other.timer(born)
}

func (s State) timer(born clock.Time) string {
	if s.Timer == core.TimerNone {
		return "no timer"
	}
	return fmt.Sprintf("%s timer at %v", s.Timer, time.Duration(s.Deadline.Sub(born)))
}

func (b blob) String() string {
	if b.n == 0 {
		return "0 bytes"
	}
	return fmt.Sprintf("%s (CRC-32C %08x)", bytesOf(b.n), b.sum)
}

func (e eventDigest) String() string {
	if e.data.n > 0 {
		return e.words() + ", " + e.data.String()
	}
	return e.words()
}

// words tells the event without its data.
func (e eventDigest) words() string {
	text := "event: " + e.kind.String()
	if e.kind == core.EventMessage {
		text += " " + e.op.String()
	}
	if e.kind == core.EventMessage || e.kind == core.EventPong {
		if e.first {
			text += ", first"
		}
		if e.last {
			text += ", last"
		}
	}
	if e.code != 0 {
		text += fmt.Sprintf(", code %d", uint16(e.code))
	}
	return text
}
