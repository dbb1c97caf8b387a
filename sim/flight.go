package sim

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim/chart"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// ReplayFlight makes a test of the recording of a real connection: it replays
// the file on the core as it is now, and fails with the first answer that is not
// what was recorded, bit for bit, and with a chart of what led there. Package
// transport/flight makes such files.
//
// With the flag -sim.trace it prints the chart in any case, with -sim.html it
// writes the page.
func ReplayFlight(t testing.TB, path string) {
	t.Helper()
	r, err := flight.Open(path)
	if err != nil {
		t.Error(err) // it names the file
		return
	}
	c, err := FlightChart(r)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	if err != nil || *flags.trace {
		newChecker(t, nil, nil).print(c)
	}
}

// FlightChart replays a recording and draws it: what came in, what the core made
// of it, what it had to send, its state and its next timer. It draws up to the
// first answer that is not what was recorded, which is the error: a
// [*flight.Divergence].
func FlightChart(r *flight.Recording) (*chart.Chart, error) {
	d := &flightChart{
		born: time.Duration(r.Birth.Now), peer: core.Client,
		inHead: !r.Birth.Open && !r.Dropped, aligned: !r.Dropped,
	}
	if r.Birth.Role == core.Client {
		d.peer = core.Server
	}
	d.Verdict = "replayed as recorded"
	d.Title = "recording of " + r.Start.UTC().Format(time.RFC3339Nano)
	d.Lanes = []chart.Lane{{Name: "this end", About: r.Birth.Role.String()}, {Name: "peer", About: d.peer.String()}}
	for _, f := range []chart.Fact{
		{Name: "label", Value: r.Label}, {Name: "software", Value: r.Software},
		{Name: "cause", Value: r.Cause}, {Name: "stopped", Value: r.Stopped},
	} {
		if f.Value != "" {
			d.Facts = append(d.Facts, f)
		}
	}
	err := r.Replay(d.add)
	if err != nil {
		d.Verdict = "not as recorded"
		d.Violation = err.Error()
	}
	return &d.Chart, err
}

// A flightChart has two lanes: the end that was recorded, and its peer, of which
// only what it sent is known.
type flightChart struct {
	chart.Chart
	born time.Duration // on the recorded clock
	at   time.Duration // clocks may go back, charts do not

	peer    core.Role
	inHead  bool   // what comes in is the head of a handshake
	aligned bool   // it is known where frames begin
	part    []byte // of a frame, or a head, that has not come in full
}

// add draws a step: what came in, the call, the event that it brought about,
// what is to be sent, and the state that it left.
func (d *flightChart) add(s *flight.Step) error {
	d.at = max(d.at, s.At)
	if s.Call.Op == flight.Recv {
		d.arrive(s.Call.Data)
	}
	d.step(chart.Step{Kind: kindOf(s.Call.Op), Text: s.Call.String(), Bytes: s.Call.Data})
	if ev := s.Answer.Event; ev.Kind != core.EventNone {
		d.step(chart.Step{Kind: chart.Event, Text: describeCore(ev, s.State.Err), Bytes: ev.Data})
	}
	for out := s.Answer.Out; len(out) > 0; {
		n := len(out)
		if s.Call.Op != flight.AppendHeader {
			n = frameLen(out)
		}
		d.step(chart.Step{Kind: chart.Send, Text: describe(out[:n]), Bytes: out[:n], To: 1, Arrival: d.at})
		out = out[n:]
	}
	d.align(s)
	last := &d.Steps[len(d.Steps)-1]
	last.State = stateName(s.State)
	last.Timers = []chart.Timer{}
	if s.State.Timer != core.TimerNone {
		at := time.Duration(s.State.Deadline) - d.born
		last.Timers = append(last.Timers, chart.Timer{Name: s.State.Timer.String(), At: at})
	}
	return nil
}

// arrive draws what came in: frames in words, and of one that comes in pieces
// its first and its last piece.
func (d *flightChart) arrive(p []byte) {
	for len(p) > 0 {
		had := len(d.part)
		seen := p
		if had > 0 {
			d.part = append(d.part, p...)
			seen = d.part
		}
		n := len(p)
		whole := d.wholeLen(seen)
		if whole > 0 {
			n = whole - had
		}
		d.step(chart.Step{Kind: chart.Send, Lane: 1, Text: d.describeIn(seen, whole, had), Bytes: p[:n], To: 0, Arrival: d.at})
		switch {
		case whole > 0:
			d.part, d.inHead = d.part[:0], false
		case had == 0 && d.aligned:
			d.part = append(d.part, p...)
		}
		p = p[n:]
	}
}

func (d *flightChart) describeIn(seen []byte, whole, had int) string {
	switch {
	case !d.aligned:
		return "bytes " + brief(seen)
	case whole > 0:
		return describeFrom(d.peer, seen[:whole])
	case had == 0:
		return describeFrom(d.peer, seen)
	}
	return fmt.Sprintf("bytes %s, which go on", brief(seen[had:]))
}

// wholeLen returns how long the frame, or the head, at the beginning of p is; 0
// when there is more to come of it.
func (d *flightChart) wholeLen(p []byte) int {
	switch {
	case !d.aligned:
		return 0
	case d.inHead:
		if i := bytes.Index(p, []byte("\r\n\r\n")); i >= 0 {
			return i + 4
		}
		return 0
	}
	h, n, err := frame.ParseHeader(p)
	switch {
	case err != nil:
		return len(p)
	case n == 0 || h.Length > int64(len(p)-n):
		return 0
	}
	return n + int(h.Length)
}

// align notes where frames begin: it is lost with calls that were not kept, and
// found where a message, or a control frame, ends.
func (d *flightChart) align(s *flight.Step) {
	switch {
	case s.Call.Op == flight.Gap, s.State.Err != 0:
		d.part, d.aligned, d.inHead = nil, false, false
	case s.Call.Op == flight.Recv && s.Answer.Event.Last:
		d.part, d.aligned = nil, true
	}
}

func (d *flightChart) step(s chart.Step) {
	const most = 256
	s.At = d.at
	s.Bytes = bytes.Clone(s.Bytes[:min(len(s.Bytes), most)])
	d.Steps = append(d.Steps, s)
}

// describeCore puts an event of a machine into words.
func describeCore(ev core.Event, err core.Error) string {
	switch ev.Kind {
	case core.EventFailed:
		return fmt.Sprintf("failed: %v", err)
	case core.EventClose:
		return fmt.Sprintf("close %d %q", uint16(ev.Code), ev.Data)
	case core.EventMessage:
		return fmt.Sprintf("message: %v %s", ev.Op, brief(ev.Data))
	}
	if len(ev.Data) > 0 {
		return fmt.Sprintf("%v %s", ev.Kind, brief(ev.Data))
	}
	return ev.Kind.String()
}

func kindOf(op flight.Op) chart.Kind {
	switch op {
	case flight.Recv, flight.Discarded, flight.RecvEOF, flight.Lost:
		return chart.Receive
	case flight.Tick:
		return chart.Expiry
	case flight.Wrote, flight.AppendOutput, flight.Checkpoint, flight.Gap:
		return chart.Note
	}
	return chart.Call
}

func stateName(s flight.State) string {
	switch {
	case s.Err != 0:
		return "failed"
	case s.Open:
		return "open"
	case s.Transport == core.TransportOpen:
		return "not open"
	}
	return s.Transport.String()
}
