package flight

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// MaxFileSize is the size of the largest file that is read: 1 GiB.
const MaxFileSize = 1 << 30

// A FormatError tells why a file cannot be read.
type FormatError struct {
	Reason string
}

func (e *FormatError) Error() string { return "flight recording: " + e.Reason }

// A Recording is a file that was read. It may be used by any number of
// goroutines.
type Recording struct {
	// Birth tells how the machine was made. Its Settings have no entropy.
	Birth Birth

	Start    time.Time // when the connection was made, by the wall clock
	Software string    // what recorded it
	Label    string    // the Birth's
	Cause    string    // what was known of how the connection ended

	Redacted bool // what may be private was replaced
	Dropped  bool // the beginning is missing: it begins with a checkpoint

	// Stopped tells why the recording ends before the connection did, ""
	// if it does not.
	Stopped string

	Calls int // how many there are

	words   []uint32 // drawn at birth
	records []byte
}

// Open reads a recording from a file. The error is a *[FormatError], or one of
// package os.
func Open(path string) (*Recording, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Read reads a recording, and sees to it that all of it can be understood. The
// error is a *[FormatError], or that of r.
//
// The file may come from anywhere: nothing worse can happen than that it costs
// time and memory. One that was made for that takes up to some fifty times its
// size in memory, to read and again to replay: two bytes are an empty header
// field. A [Discarded] of five bytes feeds the core 64 KiB, and in a replay the time
// may grow with the square of the size: each of many calls looks at all fields of
// one long head. So give a stranger's file less than [MaxFileSize], with
// [io.LimitReader]: a Recorder's have about its Limit; and end a replay that takes
// too long with an error from the function that looks at each step. A recording is
// no proof either: the checksum keeps errors out, not forgers.
func Read(r io.Reader) (*Recording, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxFileSize {
		return nil, &FormatError{"it is larger than 1 GiB"}
	}
	return parse(b)
}

func parse(b []byte) (*Recording, error) {
	body, err := checkFrame(b)
	if err != nil {
		return nil, err
	}
	d := decoder{b: body}
	facts := decoder{b: d.bytes()}
	r := &Recording{}
	r.facts(&facts)
	if facts.bad == "" && len(facts.b) > 0 {
		facts.fail("the facts have more behind their end")
	}
	if d.bad == "" {
		d.bad = facts.bad
	}
	r.records = d.b
	var rec record
	ctx := prior{now: r.Birth.Now}
	for n := 0; d.bad == "" && d.record(&rec, &ctx); n++ {
		if rec.call.Op.saves() {
			continue
		}
		if n == 0 && r.Dropped {
			d.fail("the beginning is missing, and there is no checkpoint")
		}
		r.Calls++
	}
	switch why := endReason(d.byte()); {
	case d.bad != "":
		return nil, &FormatError{"it is damaged: " + d.bad}
	case len(d.b) > 0:
		return nil, &FormatError{"it is damaged: there is more behind the end"}
	case why == endedByLimit:
		r.Stopped = "the limit was reached, and the state of the machine could not be kept"
	case why == endedByRedaction:
		r.Stopped = "the redacted copy behaved in another way than the connection"
	}
	return r, nil
}

// checkFrame returns what is between the version and the checksum.
func checkFrame(b []byte) ([]byte, error) {
	const least = len(magic) + 1 + 4
	switch {
	case len(b) == 0:
		return nil, &FormatError{"it is empty"}
	case len(b) < len(magic) && string(b) == magic[:len(b)]:
		return nil, &FormatError{"it is cut off"}
	case len(b) < len(magic) || string(b[:len(magic)]) != magic:
		return nil, &FormatError{"this is no flight recording: it does not begin as one"}
	case len(b) < least:
		return nil, &FormatError{"it is cut off"}
	case b[len(magic)] != version:
		return nil, &FormatError{fmt.Sprintf("it is of version %d, and this program reads version %d", b[len(magic)], version)}
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, &FormatError{"it is cut off or damaged: the checksum is wrong"}
	}
	return b[len(magic)+1 : end], nil
}

func (r *Recording) facts(d *decoder) {
	flags := d.atMost(isRedacted|isClient|isOpen|isDropped|isCompressing, "it has facts that this version does not know")
	r.Redacted = flags&isRedacted != 0
	r.Dropped = flags&isDropped != 0
	r.Birth.Open = flags&isOpen != 0
	if flags&isClient != 0 {
		r.Birth.Role = core.Client
	}
	r.Start = time.Unix(0, d.int())
	r.Software = d.text()
	r.Label = d.text()
	r.Cause = d.text()
	r.Birth.Label = r.Label
	d.birth(&r.Birth, flags&isCompressing != 0)
	r.words = d.words(nil)
}

// A Step is one call of a replay.
type Step struct {
	Index int           // from 0; checkpoints count
	At    time.Duration // since the birth

	// Call is the call; its memory is valid until the next step.
	Call *Call

	// Answer is what the machine answered in the replay; its memory is valid
	// until the next step. A Checkpoint has none.
	Answer Answer

	// State is what the machine told of itself afterwards.
	State State

	// Diverges says that the answer or the state is not what was recorded. No
	// step follows.
	Diverges bool

	m transport.Machine
}

// Dump returns the canonical state of the machine after the step, as
// [core.Conn.AppendState] tells it; "" if the machine has no such method. It must
// be called before the next step, and before the replay returns.
func (s *Step) Dump() string {
	if m, ok := s.m.(stater); ok {
		return string(m.AppendState(nil))
	}
	return ""
}

// String returns the call and the answer in a line.
func (s *Step) String() string {
	text := fmt.Sprintf("%v: %s", s.At, s.Call)
	if s.Answer.Event.Kind != core.EventNone {
		text += "; " + digestOfEvent(&s.Answer.Event).words()
		if n := len(s.Answer.Event.Data); n > 0 {
			text += ", " + bytesOf(n)
		}
	}
	if len(s.Answer.Out) > 0 {
		text += fmt.Sprintf("; output %s", bytesOf(len(s.Answer.Out)))
	}
	if s.Answer.Err != nil {
		text += fmt.Sprintf("; refused: %v", s.Answer.Err)
	}
	return text
}

// A Divergence is the error of a replay whose machine did not do what was
// recorded: it is not the one that was recorded, or has been changed since.
type Divergence struct {
	Step     *Step
	Recorded string // what was recorded, in words
	Replayed string // what came in its place
}

func (e *Divergence) Error() string {
	return fmt.Sprintf("flight recording: step %d, %v after the beginning, diverges: %s: recorded %s; replayed %s",
		e.Step.Index, e.Step.At, e.Step.Call, e.Recorded, e.Replayed)
}

var errNoState = errors.New("flight recording: a part is missing, and the machine cannot begin at a checkpoint: make it from Birth.State, and give it a method AppendSnapshot")

// Replay makes the recorded calls of a new machine, of the native core, and calls
// each, if it is not nil, after every one. It returns a *[Divergence] at the first
// answer that is not what was recorded, the error of each, a *[FormatError], or
// nil: all was as recorded, bit for bit.
func (r *Recording) Replay(each func(*Step) error) error { return r.ReplayOn(nil, each) }

// ReplayOn is Replay on a machine that birth makes, such as the same core behind
// another boundary; nil means the native core. Its state is compared with the
// checkpoints if it has a method AppendSnapshot. One that birth can make from
// [Birth.State] replays a recording without its beginning, and what follows a
// [Gap], as well; with another these are an error. Machines are released.
func (r *Recording) ReplayOn(birth func(Birth) (transport.Machine, error), each func(*Step) error) error {
	p := replay{Recording: r, each: each}
	defer p.release()
	return p.run(birth)
}
