package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// A Finding is a failure that has been looked into: run again to see that it
// replays, and shrunk.
type Finding struct {
	Failure *Failure     // of the smallest run that was found
	Choices []Choice     // of its tape; FromChoices makes one that repeats the run
	First   int          // how many choices the run that was found first had made
	Runs    int          // that shrinking took
	Hash    uint64       // of the smallest run
	Chart   *chart.Chart // of the smallest run

	// Divergence is not nil when the run could not be repeated: the program
	// under test depends on something besides the tape. Nothing was shrunk
	// then.
	Divergence *ReplayError
}

// A ReplayError tells where a run that was repeated became another.
type ReplayError struct {
	Difference
}

func (d *ReplayError) Error() string {
	what := fmt.Sprintf("step %d was %s, and when run again %s", d.Step, d.First, d.Second)
	if d.First == d.Second {
		what = fmt.Sprintf("step %d was %s in both runs, yet they differ in it: in something that an App did, sent or chose", d.Step, d.First)
	}
	return fmt.Sprintf("the run does not replay: %s. %s"+
		"Look for a map that is ranged over, a clock, a random number, a goroutine or a variable that outlives a run",
		what, d.seen)
}

// InvestigateOptions bound how hard [Investigate] tries.
type InvestigateOptions struct {
	Runs     int                           // most runs for shrinking; default 3,000, less than 0: no bound
	Progress func(runs int, best []Choice) // called for each smaller list; see ShrinkOptions
}

// investigationSteps bounds shrinking by what its runs do in all: those of a
// world that never ends are long.
const investigationSteps = 20_000_000

// Investigate looks into a run of build that failed with the given result: it
// repeats it, shrinks the choices of its tape to those that matter for the
// property that was violated, and draws what is left. ro are the options with
// which it ran. failed must have a Failure; build is called some hundred times.
func Investigate(build func(*World), failed *Result, ro RunOptions, o InvestigateOptions) *Finding {
	f := &Finding{Failure: failed.Failure, Choices: failed.Choices, First: len(failed.Choices), Hash: failed.Hash}
	ro.Trace = true
	again := Run(replay(failed.Choices), build, ro)
	if again.Hash != failed.Hash || !again.Failure.same(failed.Failure) {
		f.Divergence, f.Chart = diverge(build, failed, again, ro)
		return f
	}
	quick := ro
	quick.Trace = false
	property := failed.Failure.Property
	steps := 0
	f.Choices = Shrink(failed.Choices, func(list []Choice) bool {
		if steps > investigationSteps {
			return false
		}
		f.Runs++
		r := Run(replay(list), build, quick)
		steps += r.Steps
		return r.Failure != nil && r.Failure.Property == property
	}, ShrinkOptions(o))
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

// same reports whether two runs of one tape failed alike. The texts may differ:
// that of a panic has addresses in it.
func (f *Failure) same(other *Failure) bool {
	return f != nil && f.Property == other.Property && f.Step == other.Step
}

// diverge finds the first step in which two runs of one tape differ: a run that
// failed and left no trace, one that did not repeat it, and some more. It draws
// one that failed alike, if there is one.
func diverge(build func(*World), failed, again *Result, ro RunOptions) (d *ReplayError, c *chart.Chart) {
	drawn := again
	for range 3 {
		other := Run(replay(failed.Choices), build, ro)
		if found := again.world.compare(other.world); d == nil && found != nil {
			d = &ReplayError{*found}
		}
		if !failed.Failure.alike(drawn.Failure) {
			drawn = other
		}
	}
	if d == nil {
		d = &ReplayError{Difference{Step: failed.Failure.Step, First: "where it failed with " + strconv.Quote(failed.Failure.summary()), Second: "it passed"}}
		if again.Failure != nil {
			d.Second = fmt.Sprintf("it failed in step %d with %q", again.Failure.Step, again.Failure.summary())
		}
	}
	c = drawn.Chart()
	which := "a repetition, which failed as the first run did"
	if !failed.Failure.alike(drawn.Failure) {
		which = "a repetition, which did not fail as the first run did"
	}
	c.Facts = append(c.Facts, chart.Fact{Name: "drawn:", Value: which})
	return d, c
}

// alike reports whether two runs violated one property.
func (f *Failure) alike(other *Failure) bool { return other != nil && f.Property == other.Property }

// summary is the first line of the failure.
func (f *Failure) summary() string {
	line, _, _ := strings.Cut(f.Property+": "+f.Err.Error(), "\n")
	return line
}
