package sim

import (
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// RunOptions say how [Run] runs a world. The zero value is what one wants
// unless one is looking closely.
type RunOptions struct {
	// Trace keeps what happens, for [Result.Chart]. It makes a run several
	// times slower.
	Trace bool

	// Steps bounds the run: a world that takes more fails. Default
	// 200,000.
	Steps int

	// Machine makes the machines of connections. Default: the native core.
	Machine MachineFunc

	// Unwatched leaves out the witness that checks each call of a machine
	// against a model of its own.
	Unwatched bool

	explorer *explorer // of the runs of Explore
}

// A Result is what came of one run.
type Result struct {
	Failure   *Failure      // nil: all that was stated held
	Hash      uint64        // of everything that happened
	Steps     int           // things that happened, one after another
	Simulated time.Duration // time that passed in the world
	Faults    Faults        // that the run had, if they were allowed
	Choices   []Choice      // that the tape made

	// Marks tells of each [World.Sometimes], in the order in which they were
	// stated, whether this run reached it.
	Marks []Mark

	world *World
}

// A Mark is a [World.Sometimes] and whether it was reached.
type Mark struct {
	Name    string
	Reached bool
}

// mergeMarks notes in all what some runs reached.
func mergeMarks(all, some []Mark) []Mark {
	for _, m := range some {
		i := slices.IndexFunc(all, func(old Mark) bool { return old.Name == m.Name })
		if i < 0 {
			all = append(all, m)
			continue
		}
		all[i].Reached = all[i].Reached || m.Reached
	}
	return all
}

// Chart returns the run as a sequence chart, nil if it was not traced.
func (r *Result) Chart() *chart.Chart {
	if r.world.trace == nil {
		return nil
	}
	return r.world.chart()
}

// Run runs the world that build builds, once, with what t decides.
func Run(t *Tape, build func(*World), o RunOptions) *Result {
	if o.Machine == nil {
		o.Machine = nativeMachine
	}
	w := newWorld(t, o.Machine)
	defer w.endLeases()
	w.unwatched = o.Unwatched
	w.explorer = o.explorer
	if o.Steps > 0 {
		w.limit = o.Steps
	}
	t.Trace(o.Trace)
	if o.Trace {
		w.trace = newTrace()
	}
	w.build(build)
	r := &Result{
		Failure: w.failure, Hash: w.hash, Steps: w.steps, Simulated: time.Duration(w.now),
		Faults: w.had, Choices: t.Choices(), world: w,
	}
	for _, p := range w.sometimes {
		r.Marks = append(r.Marks, Mark{p.name, p.done})
	}
	return r
}

// build runs the function that makes the world, and what that left undone. A
// panic of it is a failure of the run.
func (w *World) build(f func(*World)) {
	defer w.recovered()
	f(w)
	w.finish()
}
