package sim

import (
	"flag"
	"testing"
)

// flags are those of test binaries; other programs do not have them.
var flags = func() flagSet {
	if testing.Testing() {
		return newFlags(flag.CommandLine)
	}
	return newFlags(flag.NewFlagSet("sim", flag.ContinueOnError))
}()

type flagSet struct {
	*flag.FlagSet
	seed         *uint64
	runs         *int
	replay, html *string
	trace        *bool
	rewrite      *bool
}

func newFlags(set *flag.FlagSet) flagSet {
	return flagSet{
		FlagSet: set,
		seed:    set.Uint64("sim.seed", 0, "run simulations from this `seed` only"),
		runs:    set.Int("sim.runs", 0, "run each simulation so many `times`, and exhaustive ones at most"),
		replay:  set.String("sim.replay", "", "run only what is saved in `file`, and print its chart"),
		html:    set.String("sim.html", "", "write charts of simulations to `file` as a page as well"),
		trace:   set.Bool("sim.trace", false, "print the chart of the last run of each simulation"),
		rewrite: set.Bool("sim.rewrite", false, "write what comes of scenario files into them"),
	}
}

// isSet reports whether the flag was given.
func (f flagSet) isSet(name string) bool {
	found := false
	f.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
