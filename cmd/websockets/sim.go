package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/chart"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

// simCommand is websockets sim.
type simCommand struct {
	World   []string `placeholder:"NAME" help:"Worlds to run, with --ways small ones; all of them by default. --list shows them."`
	Runs    int      `placeholder:"N" default:"10000" help:"How many runs, over all worlds. Default ${default}."`
	Seed    uint64   `placeholder:"N" default:"1" help:"The first seed of each world; the others follow it. Default ${default}."`
	Workers int      `placeholder:"N" default:"${cpus}" help:"How many runs at once; it changes nothing but the time. Default ${default}, the processors here."`
	JSON    bool     `name:"json" help:"Print one JSON object a run on standard output, and all else on standard error."`
	HTML    string   `name:"html" placeholder:"FILE" help:"Write the chart of the run that failed, or of the last one, as a page."`
	Out     string   `placeholder:"PATH" help:"Where to write the scenario of a failure: a file, or a directory that exists. Default WORLD-SEED.scenario here."`
	Ways    bool     `help:"Run small worlds in every way there is, in place of seeds; --runs bounds each. --list shows them."`
	List    bool     `help:"List the worlds and exit."`
	coreKind

	machine sim.MachineFunc // of --core
}

func (simCommand) Help() string {
	return `Each run is a small network in which connections, machines and clocks fail as its seed says. What must always hold is checked after every step, and every call of the protocol core against a second account of the protocol. The same seed gives the same run, everywhere and at any time.

Where no world is named, small ones are first run in every way there is: each order of what happens at one instant, each cut of the input, each fault at each step. The states that were reached are counted. --ways does that alone; seeds and workers are nothing to it, and only a failure is drawn.

The first run that fails ends the search: it is repeated to see that it replays, shrunk to the decisions that matter, and drawn as a sequence chart. Its scenario is written to a file for "websockets replay" and for your repository.

A world also marks what must happen in some run. What never did counts as a failure from 1,000 runs of that world on. An interrupt ends the search, tells after how many runs, and shows what was found so far.

With --json each run is one line: world, seed, hash (16 hexadecimal digits), steps, simulated_ns, and verdict: "passed" or the property that was violated. The lines come in the order of the runs, whatever the workers. The summary has one hash of all of them: equal runs, on whatever core and machine, have equal ones.

Exit status: 0 when all passed, 1 when something failed or a file cannot be written, 2 for a flag that makes no sense, 130 when an interrupt came before the end.

Examples:

  websockets sim
  websockets sim --world reconnect --runs 100000 --seed 1000000
  websockets sim --world echo --seed 7 --runs 1 --html run.html
  websockets sim --ways
  websockets sim --core wasm --runs 1000
  websockets sim --json --runs 900 | jq -r .hash | sha256sum`
}

// Run searches, or lists the worlds.
func (c *simCommand) Run(ctx context.Context, std *console) error {
	if c.List {
		list(std.stdout, "Worlds, run from seeds:", worlds.All())
		fmt.Fprintln(std.stdout)
		list(std.stdout, "Small worlds, run in every way with --ways:", worlds.Small())
		return nil
	}
	chosen, err := c.worlds()
	if err != nil {
		return usageError{err}
	}
	if err := c.checkFiles(); err != nil {
		return err
	}
	sandbox, err := c.sandbox(ctx)
	if err != nil {
		return err
	}
	if sandbox != nil {
		defer sandbox.Close(ctx)
		c.machine = machines(sandbox)
	}
	if c.Ways {
		return c.everyWay(ctx, std, chosen, c.Runs)
	}
	if last := uint64((c.Runs - 1) / len(chosen)); c.Seed > math.MaxUint64-last {
		return usageError{fmt.Errorf("--seed %d: %s of each world go beyond the greatest seed, %d", c.Seed, countOf(int(last)+1, "run"), uint64(math.MaxUint64))}
	}
	if len(c.World) == 0 && !c.JSON {
		if err := c.everyWay(ctx, std, worlds.Small(), 0); err != nil {
			return err
		}
		fmt.Fprintln(std.stdout)
	}
	return c.search(ctx, std, chosen)
}

func list(out io.Writer, title string, list []worlds.World) {
	fmt.Fprintln(out, title)
	for _, w := range list {
		fmt.Fprintf(out, "  %-16s %s\n", w.Name, w.About)
	}
}

// worlds are those that the flags name.
func (c *simCommand) worlds() ([]worlds.World, error) {
	switch {
	case c.Runs < 1:
		return nil, fmt.Errorf("--runs %d: there must be at least one", c.Runs)
	case c.Workers < 1:
		return nil, fmt.Errorf("--workers %d: there must be at least one", c.Workers)
	case c.Ways && c.JSON:
		return nil, errors.New("--json has a line for each seed: it is not for --ways")
	}
	known, kind := worlds.All(), "world"
	if c.Ways {
		known, kind = worlds.Small(), "small world"
	}
	if len(c.World) == 0 {
		return known, nil
	}
	var list []worlds.World
	for _, name := range c.World {
		i := slices.IndexFunc(known, func(w worlds.World) bool { return w.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("--world: there is no %s %q; there are %s", kind, name, strings.Join(names(known), ", "))
		}
		list = append(list, known[i])
	}
	return list, nil
}

func names(list []worlds.World) []string {
	var names []string
	for _, w := range list {
		names = append(names, w.Name)
	}
	return names
}

// search runs the worlds until one fails, all is done, or ctx ends.
func (c *simCommand) search(ctx context.Context, std *console, list []worlds.World) error {
	out := std.stdout
	if c.JSON {
		out = std.stderr
	}
	s := &search{worlds: list, runs: c.Runs, seed: c.Seed, workers: c.Workers, machine: c.machine, tally: newTally(list)}
	shown := newProgress(std.stderr)
	lines := json.NewEncoder(std.stdout)
	var failed *simulated
	var broken error // standard output
	s.run(ctx, shown.ticks(), func(r *simulated) bool {
		if c.JSON {
			broken = lines.Encode(r.line())
		}
		if r.result.Failure != nil {
			failed = r
		}
		return failed == nil && broken == nil
	}, func() { shown.show(s.tally.line(c.Runs)) })
	shown.clear()
	if broken != nil {
		return broken
	}
	interrupted := failed == nil && s.tally.runs < c.Runs
	if interrupted {
		note(out, "interrupted after %d of %s", s.tally.runs, countOf(c.Runs, "run"))
	}
	s.tally.summarise(out)
	if failed != nil {
		return c.explain(out, shown, failure{
			world: failed.world, result: failed.result, which: fmt.Sprintf("seed %d", failed.seed),
			file:  fmt.Sprintf("%s-%d.scenario", failed.world.Name, failed.seed),
			again: fmt.Sprintf("websockets sim --world %s --seed %d --runs 1", failed.world.Name, failed.seed),
		})
	}
	if c.HTML != "" {
		if err := c.drawLast(s); err != nil {
			return err
		}
	}
	if interrupted {
		return errUnfinished
	}
	if missed := s.tally.missed(); len(missed) > 0 {
		return fmt.Errorf("never reached: %s", strings.Join(missed, "; "))
	}
	return nil
}

// drawLast writes the page of the last run.
func (c *simCommand) drawLast(s *search) error {
	if s.tally.runs == 0 {
		return nil
	}
	world, seed := s.number(s.tally.runs - 1)
	r := sim.Run(sim.FromSeed(seed), world.Build, sim.RunOptions{Trace: true, Machine: c.machine})
	return writePage(c.HTML, titled(r.Chart(), world.Name, fmt.Sprintf("seed %d", seed)))
}

// A failure is a run that failed.
type failure struct {
	world  worlds.World
	result *sim.Result
	which  string // of the world's runs
	file   string // for the scenario, where the flags name none
	again  string // the command that makes the run again
}

// explain looks into a run that failed, and tells all about it.
func (c *simCommand) explain(out io.Writer, shown *progress, failed failure) error {
	world := failed.world
	fmt.Fprintln(out)
	note(out, "%s of world %s: %v", failed.which, world.Name, failed.result.Failure)
	began := time.Now()
	f := sim.Investigate(world.Build, failed.result, sim.RunOptions{Machine: c.machine}, sim.InvestigateOptions{
		Progress: func(runs int, best []sim.Choice) {
			shown.show(fmt.Sprintf("shrinking: %d choices of %d after %d runs", len(best), len(failed.result.Choices), runs))
		},
	})
	shown.clear()
	if f.Divergence != nil {
		note(out, "%v", f.Divergence)
	} else {
		note(out, "shrunk from %s to %d in %s, %v", countOf(f.First, "choice"), len(f.Choices), countOf(f.Runs, "run"), time.Since(began).Round(time.Millisecond))
	}
	scenario := sim.NewScenario(world.Name, f).Format()
	fmt.Fprintln(out)
	drawing := titled(f.Chart, world.Name, failed.which)
	if err := drawing.WriteText(out, chart.TextOptions{Width: columnsOf(out)}); err != nil {
		return err
	}
	path := c.scenarioPath(failed.file)
	if err := os.WriteFile(path, scenario, 0o666); err != nil {
		return err
	}
	fmt.Fprintln(out)
	note(out, "The scenario is in %s. To run it again:", path)
	note(out, "  websockets replay%s %s", c.coreFlag(), path)
	note(out, "  %s%s", failed.again, c.coreFlag())
	if c.HTML != "" {
		if err := writePage(c.HTML, drawing); err != nil {
			return err
		}
	}
	return errTold
}

// scenarioPath is where the scenario of a failure is written.
func (c *simCommand) scenarioPath(name string) string {
	if c.Out == "" {
		return name
	}
	if info, err := os.Stat(c.Out); err == nil && info.IsDir() {
		return filepath.Join(c.Out, name)
	}
	return c.Out
}

// titled tells in a chart which run it is of.
func titled(ch *chart.Chart, world, which string) *chart.Chart {
	ch.Title = fmt.Sprintf("world %s, %s", world, which)
	return ch
}

// checkFiles returns an error for a file that the flags name and that cannot be
// written, before there is something to write.
func (c *simCommand) checkFiles() error {
	if err := canWrite("--html", c.HTML); err != nil {
		return err
	}
	if info, err := os.Stat(c.Out); err == nil && info.IsDir() {
		return nil
	}
	return canWrite("--out", c.Out)
}

// canWrite returns an error that names the flag if the file at path can neither
// be written nor created. It leaves the file as it is.
func canWrite(flag, path string) error {
	if path == "" {
		return nil
	}
	_, missing := os.Lstat(path)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if err := file.Close(); err != nil || missing == nil {
		return err
	}
	return os.Remove(path)
}

// writePage writes the chart as a page.
func writePage(path string, ch *chart.Chart) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(ch.WriteHTML(file), file.Close())
}

// cpus is the default of --workers.
func cpus() string { return fmt.Sprint(runtime.GOMAXPROCS(0)) }
