package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport"
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
	err = r.ReplayOn(c.births(), func(s *flight.Step) error {
		if ctx.Err() != nil {
			return errUnfinished
		}
		text := fmt.Sprintf("%6d  %v", s.Index, s)
		if s.Diverges {
			text += "  <- not what was recorded"
		}
		text += dumpOf("in", s.Call.Op == flight.Recv, s.Call.Data) + dumpOf("out", true, s.Answer.Out)
		if steps++; c.All || steps <= firstSteps {
			note(std.stdout, "%s", text)
		} else if last = append(last, text); len(last) > 2*lastSteps {
			last = append(last[:0], last[lastSteps:]...)
		}
		return nil
	})
	if errors.Is(err, errUnfinished) {
		note(std.stdout, "interrupted after %s", countOf(steps, "step"))
		return err
	}
	last = last[max(len(last)-lastSteps, 0):]
	if left := steps - firstSteps - len(last); left > 0 && !c.All {
		note(std.stdout, "        ... %d more steps; --all shows them ...", left)
	}
	for _, text := range last {
		note(std.stdout, "%s", text)
	}
	if c.HTML != "" {
		drawing, _ := sim.FlightChart(r) // err has the divergence
		if err := writePage(c.HTML, drawing); err != nil {
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
	note(std.stdout, "%s, each as recorded, bit for bit", countOf(steps, "step"))
	return nil
}

// births makes the machines of recordings on the core that was chosen; nil means the
// native one.
func (c *replayCommand) births() func(flight.Birth) (transport.Machine, error) {
	if c.host == nil {
		return nil
	}
	return c.host.Machine
}

// mostDumped is how many bytes of a step are shown.
const mostDumped = 32

// dumpOf returns a line of its own for bytes that came in, or go out: in hex, and
// as text as far as they are ASCII.
func dumpOf(name string, wire bool, p []byte) string {
	if !wire || len(p) == 0 {
		return ""
	}
	head := p[:min(len(p), mostDumped)]
	text := bytes.Clone(head)
	for i, b := range text {
		if b < ' ' || b > '~' {
			text[i] = '.'
		}
	}
	line := fmt.Sprintf("\n      %-3s  % x  %s", name, head, text)
	if more := len(p) - len(head); more > 0 {
		line += fmt.Sprintf("  and %s more", countOf(more, "byte"))
	}
	return line
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
