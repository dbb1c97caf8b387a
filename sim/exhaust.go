package sim

import (
	"cmp"
	"fmt"
	"time"
)

// A single is a nemesis for exhaustive runs: at every step the tape may have
// it strike, until it has struck often enough.
type single struct {
	faults []Faults
	most   int
	stream *Stream
}

// Strike has the tape decide at every step of the world whether one of the
// faults in f happens, until most of them have. It is for [Exhaust], which then
// tries every fault at every step. Faults that last do so longer than the
// timeouts of the default Config: Clogs 30 s, others 70 s.
//
// It is called before the world runs. What is there all through a run, rather
// than happen in it, never strikes: Chunks, Delays, SlowLines, SmallBuffers,
// SlowApps, LateTicks, ClockGlitches and Drift are for [World.Force].
func (w *World) Strike(f Faults, most int) {
	if !w.mayAllow("Strike") {
		return
	}
	if f&mayStrike == 0 {
		w.misuse("Strike(%v): none of them happens at an instant; World.Force is for those that last all through a run", f)
	}
	w.single = single{most: most, stream: w.tape.Stream("strike")}
	for _, kind := range happenings {
		if f&kind != 0 {
			w.single.faults = append(w.single.faults, kind)
		}
	}
	w.forced |= f & mayStrike
	w.nemesis.off = true
}

// strike asks the tape for a fault: one for each kind and node or connection.
func (w *World) strike() {
	s := &w.single
	if w.struck >= s.most || w.healed {
		return
	}
	targets := max(len(w.nodes), len(w.conns))
	k := s.stream.Int(1 + len(s.faults)*targets)
	if k == 0 {
		return
	}
	w.struck++
	k--
	f := s.faults[k%len(s.faults)]
	how := strike{target: k / len(s.faults), both: true, d: 70 * time.Second}
	if f == Clogs {
		how.d = 30 * time.Second
	}
	w.disturb(f, how)
}

// ExhaustOptions bound what [Explore] does.
type ExhaustOptions struct {
	Runs       int                       // most runs; 0: no bound
	Deviations int                       // most answers of a run that are not the plainest; 0: no bound
	Progress   func(x *Exploration) bool // called after each run; with false the exploration ends there
}

// An Exploration is what came of running a world in every way.
type Exploration struct {
	Runs     int
	States   int  // distinct states of the world that were reached
	Steps    int  // in all
	Complete bool // every way was tried: no bound was reached
	Marks    []Mark
	Failed   *Result
	Err      error // a *[DivergenceError]: the world depends on something besides the tape

	opaque string // why states were not recognized, if they were not
}

// Explore runs the world that build builds in every way, until one fails. A
// state that was seen before is not explored again, if all Apps of the world
// are Staters.
func Explore(build func(*World), ro RunOptions, o ExhaustOptions) *Exploration {
	x := &Exploration{}
	e := NewEnumerator(EnumeratorOptions{Runs: o.Runs, Deviations: o.Deviations, Answers: mostStrikes})
	ex := &explorer{enumerator: e, seen: make(map[uint64]struct{}), counts: o.Deviations > 0}
	ro.explorer = ex
	for t := e.Next(); t != nil; t = e.Next() {
		r := Run(t, build, ro)
		x.Runs, x.States, x.Steps, x.opaque = e.Runs(), len(ex.seen), x.Steps+r.Steps, ex.opaque
		x.Marks = mergeMarks(x.Marks, r.Marks)
		if r.Failure != nil {
			x.Failed = r
			return x
		}
		if o.Progress != nil && !o.Progress(x) {
			return x
		}
	}
	x.Complete, x.Err = e.Complete(), e.Err()
	return x
}

// mostStrikes is up to how many answers are all tried: [World.Strike] asks for a
// kind of fault and a target in one question.
const mostStrikes = 1024

// An explorer knows the states that were seen.
type explorer struct {
	enumerator *Enumerator
	seen       map[uint64]struct{} // their hashes
	counts     bool                // states differ by how many choices led there
	opaque     string              // what cannot be written down, first
}

// knows looks whether the state that w is in was seen before: what follows is
// then known.
func (e *explorer) knows(w *World) bool {
	if !e.enumerator.Fresh() {
		return false
	}
	hash, opaque := w.stateOf()
	e.opaque = cmp.Or(e.opaque, opaque)
	if e.counts {
		hash ^= mix(uint64(w.tape.Made()))
	}
	if _, known := e.seen[hash]; known && opaque == "" {
		return e.enumerator.Cut()
	}
	e.seen[hash] = struct{}{}
	return false
}

func (x *Exploration) String() string {
	how := "all"
	if !x.Complete {
		how = "a part of all"
	}
	return fmt.Sprintf("%s, %s, %s, %s ways", count(x.Runs, "run"), count(x.States, "state"), count(x.Steps, "step"), how)
}

// hint tells why there may be more ways than there need to be.
func (x *Exploration) hint() string {
	if x.opaque == "" {
		return ""
	}
	return ", or have it recognize the states that it has seen: " + x.opaque
}
