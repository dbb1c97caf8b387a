package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/sim/chart"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// recordingStart is how the file of a flight recording begins.
const recordingStart = "\x89WSF"

// Of a recording these many steps are shown without --all.
const (
	firstSteps = 40
	lastSteps  = 160
)

// replayRecording repeats a recording, tells each step, and how it went.
func (c *replayCommand) replayRecording(ctx context.Context, std *console, path string, data []byte) error {
	r, err := flight.Read(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, line := range aboutRecording(path, r) {
		note(std.stdout, "%s", line)
	}
	fmt.Fprintln(std.stdout)
	steps, last := 0, []string{}
	drawing := newRecordingChart(path, r)
	err = r.Replay(func(s *flight.Step) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		text := fmt.Sprintf("%6d  %v", s.Index, s)
		if s.Diverges {
			text += "  <- not what was recorded"
		}
		if steps++; c.All || steps <= firstSteps {
			note(std.stdout, "%s", text)
		} else if last = append(last, text); len(last) > 2*lastSteps {
			last = append(last[:0], last[lastSteps:]...)
		}
		if c.HTML != "" {
			drawing.add(s)
		}
		return nil
	})
	last = last[max(len(last)-lastSteps, 0):]
	if left := steps - firstSteps - len(last); left > 0 && !c.All {
		note(std.stdout, "        ... %d more steps; --all shows them ...", left)
	}
	for _, text := range last {
		note(std.stdout, "%s", text)
	}
	if c.HTML != "" {
		drawing.violated(err)
		if err := writePage(c.HTML, &drawing.Chart); err != nil {
			return err
		}
	}
	if d, ok := errors.AsType[*flight.Divergence](err); ok {
		fmt.Fprintln(std.stdout)
		note(std.stdout, "step %d diverges: %s", d.Step.Index, d.Step.Call)
		note(std.stdout, "recorded: %s", d.Recorded)
		note(std.stdout, "replayed: %s", d.Replayed)
		return errTold
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintln(std.stdout)
	note(std.stdout, "%d steps, each as recorded, bit for bit", steps)
	return nil
}

// aboutRecording tells what is known of a recording.
func aboutRecording(path string, r *flight.Recording) []string {
	text := []string{fmt.Sprintf("%s: the %s of a connection, from %s", path, r.Birth.Role, r.Start.UTC().Format(time.RFC3339Nano))}
	for _, fact := range []struct{ name, value string }{
		{"label", r.Label}, {"software", r.Software}, {"cause", r.Cause}, {"stopped", r.Stopped},
	} {
		if fact.value != "" {
			text = append(text, fact.name+": "+fact.value)
		}
	}
	if r.Redacted {
		text = append(text, "what may be private was replaced")
	}
	if r.Dropped {
		text = append(text, "the beginning is missing: it begins with a checkpoint")
	}
	return text
}

// A recordingChart is a recording as a chart with two lanes: the end that was
// recorded, and its peer.
type recordingChart struct {
	chart.Chart
	born time.Duration
	at   time.Duration
}

// shownBytes is how many bytes of a call the page has.
const shownBytes = 256

func newRecordingChart(path string, r *flight.Recording) *recordingChart {
	c := &recordingChart{born: time.Duration(r.Birth.Now)}
	c.Title = path
	c.Lanes = []chart.Lane{{Name: "this end", About: r.Birth.Role.String()}, {Name: "peer"}}
	c.Facts = []chart.Fact{{Name: "from", Value: r.Start.UTC().Format(time.RFC3339Nano)}}
	if r.Cause != "" {
		c.Facts = append(c.Facts, chart.Fact{Name: "cause", Value: r.Cause})
	}
	return c
}

// add draws a step: the call, the event that it brought about, what is to be
// sent, and the state that it left.
func (c *recordingChart) add(s *flight.Step) {
	c.at = max(c.at, s.At)
	c.step(kindOf(s.Call.Op), s.Call.String(), s.Call.Data)
	if s.Answer.Event.Kind != core.EventNone {
		c.step(chart.Event, s.Answer.Event.Kind.String(), s.Answer.Event.Data)
	}
	if len(s.Answer.Out) > 0 {
		c.step(chart.Send, fmt.Sprintf("%d bytes", len(s.Answer.Out)), s.Answer.Out)
		last := &c.Steps[len(c.Steps)-1]
		last.To, last.Arrival = 1, c.at
	}
	last := &c.Steps[len(c.Steps)-1]
	last.State = stateName(s.State)
	last.Timers = []chart.Timer{}
	if s.State.Timer != core.TimerNone {
		last.Timers = append(last.Timers, chart.Timer{Name: s.State.Timer.String(), At: time.Duration(s.State.Deadline) - c.born})
	}
}

func (c *recordingChart) step(kind chart.Kind, text string, data []byte) {
	data = bytes.Clone(data[:min(len(data), shownBytes)])
	c.Steps = append(c.Steps, chart.Step{At: c.at, Kind: kind, Text: text, Bytes: data})
}

func (c *recordingChart) violated(err error) {
	if err != nil {
		c.Violation = err.Error()
	}
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
