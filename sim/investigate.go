package sim

import (
	"fmt"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// A Finding is a failure that has been looked into: run again to see that it
// replays, and shrunk.
type Finding struct {
	Failure *Failure // of the smallest run that was found
	Choices []Choice // of its tape
	First   int      // how many choices the run that was found first had made
	Runs    int      // that were needed to shrink it
	Hash    uint64
	Chart   *chart.Chart

	// Divergence is not nil when the run could not be repeated: the program
	// under test depends on something besides the tape. Nothing was shrunk
	// then.
	Divergence *Divergence
}

// A Divergence is where a run that was repeated became another.
type Divergence struct {
	Step          int    // the first step that differed
	First, Second string // what happened in it
}

func (d *Divergence) Error() string {
	return fmt.Sprintf("the run does not replay: step %d was %s, and when run again %s. "+
		"Look for a map that is ranged over, a clock, a random number, a goroutine or a variable that outlives a run",
		d.Step, d.First, d.Second)
}

// InvestigateOptions bound how hard [Investigate] tries.
type InvestigateOptions struct {
	Runs     int // most runs for shrinking; default 3,000
	Progress func(runs int, best []Choice)
}

// Investigate looks into a run of build that failed with the given result: it
// repeats it, shrinks the choices of its tape to those that matter for the
// property that was violated, and draws what is left.
func Investigate(build func(*World), failed *Result, ro RunOptions, o InvestigateOptions) *Finding {
	f := &Finding{Failure: failed.Failure, Choices: failed.Choices, First: len(failed.Choices), Hash: failed.Hash}
	ro.Trace = true
	again := Run(replay(failed.Choices), build, ro)
	if again.Hash != failed.Hash {
		f.Divergence = diverge(build, failed.Choices, ro)
		f.Chart = again.Chart()
		return f
	}
	quick := ro
	quick.Trace = false
	property := failed.Failure.Property
	f.Choices = Shrink(failed.Choices, func(list []Choice) bool {
		f.Runs++
		r := Run(replay(list), build, quick)
		return r.Failure != nil && r.Failure.Property == property
	}, ShrinkOptions{Runs: o.Runs, Progress: o.Progress})
	last := Run(replay(f.Choices), build, ro)
	f.Failure, f.Choices, f.Hash, f.Chart = last.Failure, last.Choices, last.Hash, last.Chart()
	return f
}

// replay returns a tape of choices that a tape made.
func replay(list []Choice) *Tape {
	t, err := FromChoices(list)
	if err != nil {
		panic(err) // a tape made them
	}
	return t
}

// diverge finds the first step in which two runs of one tape differ.
func diverge(build func(*World), list []Choice, ro RunOptions) *Divergence {
	a := Run(replay(list), build, ro).world
	b := Run(replay(list), build, ro).world
	for i := range min(len(a.trace.marks), len(b.trace.marks)) {
		if a.trace.marks[i].hash != b.trace.marks[i].hash {
			return &Divergence{i + 1, a.trace.at(i), b.trace.at(i)}
		}
	}
	return &Divergence{min(a.steps, b.steps) + 1, "the last one of a run", "not"}
}

// at tells what happened in step i.
func (t *trace) at(i int) string {
	from := 0
	if i > 0 {
		from = t.marks[i-1].steps
	}
	for _, s := range t.steps[from:t.marks[i].steps] {
		return fmt.Sprintf("%q", s.Text)
	}
	return "silent"
}
