package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

// everyWay runs small worlds in every way there is: each order of what happens at
// one instant, each cut of the input, each answer of the tape. runs bounds each
// world; 0 is no bound.
func (c *simCommand) everyWay(ctx context.Context, std *console, list []worlds.World, runs int) error {
	shown := newProgress(std.stderr)
	out := std.stdout
	fmt.Fprintf(out, "%-16s %8s %8s %10s %8s\n", "world", "runs", "states", "steps", "seconds")
	var incomplete []string
	for _, w := range list {
		began := time.Now()
		x := sim.Explore(w.Build, sim.RunOptions{Machine: c.machine}, sim.ExhaustOptions{Runs: runs, Progress: func(x *sim.Exploration) bool {
			shown.show(fmt.Sprintf("%s: %s, %.0f a second; %d states", w.Name, countOf(x.Runs, "run"), float64(x.Runs)/time.Since(began).Seconds(), x.States))
			return ctx.Err() == nil
		}})
		shown.clear()
		fmt.Fprintf(out, "%-16s %8d %8d %10d %8.2f\n", w.Name, x.Runs, x.States, x.Steps, time.Since(began).Seconds())
		switch {
		case x.Failed != nil:
			return c.explain(out, shown, failure{
				world: w, result: x.Failed, which: fmt.Sprintf("way %d", x.Runs),
				file:  fmt.Sprintf("%s-%d.scenario", w.Name, x.Runs),
				again: "websockets sim --ways --world " + w.Name,
			})
		case x.Err != nil:
			return x.Err
		case ctx.Err() != nil && !x.Complete:
			note(out, "interrupted after %s of %s", countOf(x.Runs, "run"), w.Name)
			return errUnfinished
		case slices.ContainsFunc(x.Marks, func(m sim.Mark) bool { return !m.Reached }):
			return fmt.Errorf("never reached in any way of %s: %v", w.Name, x.Marks)
		case !x.Complete:
			incomplete = append(incomplete, w.Name)
		}
	}
	if len(incomplete) > 0 {
		return fmt.Errorf("after %s not every way of %s was tried: raise --runs", countOf(runs, "run"), strings.Join(incomplete, ", "))
	}
	return nil
}
