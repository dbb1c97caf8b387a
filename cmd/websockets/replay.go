package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/chart"
	"github.com/fb1e3c20/websockets/sim/worlds"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm"
)

// replayCommand is websockets replay.
type replayCommand struct {
	Files []string `arg:"" name:"file" help:"Scenarios and flight recordings."`
	HTML  string   `name:"html" placeholder:"FILE" help:"Write the chart as a page as well; of one file only."`
	Width int      `placeholder:"N" help:"Columns of the chart. Default: those of the terminal, else 120."`
	All   bool     `help:"Show all steps, however many."`
	coreKind

	host *wasm.Host // of --core; nil for the native one
}

func (replayCommand) Help() string {
	return `A file is one of these; its contents tell which:

  a scenario, as "websockets sim" and the Go package sim write them: the run is made again and drawn as a sequence chart. It may be a script of its own, or the decisions of a run of one of the worlds of "websockets sim". If the file tells what is expected of it, that is compared, line by line.

  a flight recording of a real connection: its core is run again on what came in, and each step is told in words, with the bytes that came in and those to be sent, up to the first one that is not what was recorded.

Exit status: 0 when each scenario passes, just as it expects if that is what it expects, and each recording is repeated bit for bit; 1 if not, even where a scenario expects its failure, or if a file cannot be read or written; 2 for a flag that makes no sense; 130 when an interrupt came before the end.

Examples:

  websockets replay reconnect-17.scenario
  websockets replay --html incident.html incident.wsf`
}

// Run replays the files in turn.
func (c *replayCommand) Run(ctx context.Context, std *console) error {
	if c.HTML != "" && len(c.Files) > 1 {
		return usageError{errors.New("--html is for one file")}
	}
	if c.Width < 0 {
		return usageError{fmt.Errorf("--width %d is negative", c.Width)}
	}
	if err := canWrite("--html", c.HTML); err != nil {
		return err
	}
	host, err := c.sandbox(ctx)
	if err != nil {
		return err
	}
	if host != nil {
		defer host.Close(ctx)
		c.host = host
	}
	var all error
	for i, path := range c.Files {
		if ctx.Err() != nil {
			return errUnfinished
		}
		if len(c.Files) > 1 {
			fmt.Fprint(std.stdout, strings.Repeat("\n", min(i, 1)))
			note(std.stdout, "==> %s <==", path)
		}
		err := c.replay(ctx, std, path)
		if errors.Is(err, errUnfinished) {
			return err
		}
		if err != nil && !errors.Is(err, errTold) {
			note(std.stderr, "websockets: %v", err)
		}
		if err != nil {
			all = errTold
		}
	}
	return all
}

func (c *replayCommand) replay(ctx context.Context, std *console, path string) error {
	data, err := readFile(path)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(data, []byte(recordingStart)) {
		return c.replayRecording(ctx, std, path, data)
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return fmt.Errorf("%s is neither a scenario, which is text, nor a flight recording", path)
	}
	s, err := sim.ParseScenario(data)
	if err != nil {
		return fmt.Errorf("%s is not a scenario: %w", path, err)
	}
	return c.replayScenario(std, path, s)
}

// readFile reads a file of at most the size of a recording.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, flight.MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > flight.MaxFileSize {
		return nil, fmt.Errorf("%s is larger than 1 GiB", path)
	}
	return data, nil
}

// builds are the worlds by name.
func builds() map[string]func(*sim.World) {
	m := make(map[string]func(*sim.World))
	for _, w := range slices.Concat(worlds.All(), worlds.Small()) {
		m[w.Name] = w.Build
	}
	return m
}

func (c *replayCommand) replayScenario(std *console, path string, s *sim.Scenario) error {
	if name := s.World(); name != "" {
		if _, ok := worlds.Named(name); !ok {
			return fmt.Errorf("%s is a run of the world %q, which is not one of this command's (%s): a test of the package that has it can run it, with -sim.replay",
				path, name, strings.Join(names(worlds.All()), ", "))
		}
	}
	options := sim.RunOptions{Machine: machines(c.host)}
	results, err := s.Results(builds(), options)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	outcomes, err := s.Run(builds(), options) // the same runs again, as a file has them
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var failed error
	for i, r := range results {
		ch := r.Chart()
		ch.Title = path
		if len(results) > 1 {
			ch.Title += [...]string{", \"this\" is the server", ", \"this\" is the client"}[i]
		}
		if i > 0 {
			fmt.Fprintln(std.stdout)
		}
		if err := ch.WriteText(std.stdout, c.textOptions(std)); err != nil {
			return err
		}
		if !c.verdict(std, path, s, i, r, outcomes[i]) {
			failed = errTold
		}
		if c.HTML != "" {
			if err := writePage(pageOf(c.HTML, i), ch); err != nil {
				return err
			}
		}
	}
	return failed
}

// pageOf is where the page of chart i goes: a scenario with roles has two.
func pageOf(path string, i int) string {
	if i == 0 {
		return path
	}
	if base, ok := strings.CutSuffix(path, ".html"); ok {
		return base + "-client.html"
	}
	return path + "-client"
}

func (c *replayCommand) textOptions(std *console) chart.TextOptions {
	o := chart.TextOptions{Width: c.Width}
	if o.Width == 0 {
		o.Width = columnsOf(std.stdout)
	}
	if c.All {
		o.MaxSteps = -1
	}
	return o
}

// verdict tells what came of a run, next to what the file expects, and reports
// whether it passed, and as expected where it was to pass.
func (c *replayCommand) verdict(std *console, path string, s *sim.Scenario, i int, r *sim.Result, came sim.Outcome) bool {
	got := came.Verdict()
	fmt.Fprintln(std.stdout)
	if i >= len(s.Outcomes) {
		note(std.stdout, "%s", got)
		return r.Failure == nil
	}
	want := s.Outcomes[i]
	line, wanted, shown := firstDifference(want.Text, came.Text)
	switch {
	case want.Verdict() != got:
		note(std.stdout, "%s; %s expects: %s", got, path, want.Verdict())
	case want.Text == got || line == 0:
		note(std.stdout, "%s, as %s expects", got, path)
	default:
		note(std.stdout, "%s, and what happened differs from what %s expects, in line %d of it", got, path, line)
		note(std.stdout, "expected: %s", wanted)
		note(std.stdout, "happened: %s", shown)
		return false
	}
	return r.Failure == nil
}

// firstDifference returns the number of the first line in which two texts
// differ, from 1, and the lines; 0 when none does.
func firstDifference(want, got string) (number int, wanted, shown string) {
	for number = 1; want != got; number++ {
		wanted, want, _ = strings.Cut(want, "\n")
		shown, got, _ = strings.Cut(got, "\n")
		if wanted != shown {
			return number, wanted, shown
		}
	}
	return 0, "", ""
}
