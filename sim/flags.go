package sim

import (
	"flag"
	"testing"
)

// flags are those of test binaries; other programs do not have them.
var flags = newFlags()

type flagSet struct {
	seed         *uint64
	runs         *int
	replay, html *string
	trace        *bool
	rewrite      *bool
}

func newFlags() flagSet {
	set := flag.NewFlagSet("sim", flag.ContinueOnError)
	if testing.Testing() {
		set = flag.CommandLine
	}
	return flagSet{
		seed:    set.Uint64("sim.seed", 0, "run simulations from this `seed` only"),
		runs:    set.Int("sim.runs", 0, "run each simulation so many `times`"),
		replay:  set.String("sim.replay", "", "run only the tape or scenario in `file`"),
		html:    set.String("sim.html", "", "write charts of simulations to `file` as a page as well"),
		trace:   set.Bool("sim.trace", false, "print the chart of the last run of each simulation"),
		rewrite: set.Bool("sim.rewrite", false, "write what comes of scenario files into them"),
	}
}

// isSet reports whether the flag was given.
func (flagSet) isSet(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
