package main

import (
	"context"
	"fmt"
	"io"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

// A search runs worlds from seeds, in turn: run i is one of world i modulo their
// number.
type search struct {
	worlds  []worlds.World
	runs    int
	seed    uint64
	workers int
	machine sim.MachineFunc
	tally   *tally
}

// number returns what run i is.
func (s *search) number(i int) (worlds.World, uint64) {
	return s.worlds[i%len(s.worlds)], s.seed + uint64(i/len(s.worlds))
}

// simulated is a run that is over.
type simulated struct {
	index  int
	world  worlds.World
	seed   uint64
	result *sim.Result
	took   time.Duration
}

// simLine is a run as --json prints it.
type simLine struct {
	World     string `json:"world"`
	Seed      uint64 `json:"seed"`
	Hash      string `json:"hash"`
	Steps     int    `json:"steps"`
	Simulated int64  `json:"simulated_ns"`
	Verdict   string `json:"verdict"`
}

func (r *simulated) line() simLine {
	verdict := "passed"
	if f := r.result.Failure; f != nil {
		verdict = f.Property
	}
	return simLine{r.world.Name, r.seed, fmt.Sprintf("%016x", r.result.Hash), r.result.Steps, int64(r.result.Simulated), verdict}
}

// ahead is how many runs may be done before one that is not.
const aheadOfOrder = 64

// run calls each with every run, in order, until it returns false or ctx ends;
// and tick whenever ticks does.
func (s *search) run(ctx context.Context, ticks <-chan time.Time, each func(*simulated) bool, tick func()) {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	done := make(chan *simulated)
	room := make(chan struct{}, aheadOfOrder*s.workers)
	var next atomic.Int64
	for range min(s.workers, s.runs) {
		workers.Go(func() { s.work(ctx, &next, room, done) })
	}
	waiting := make(map[int]*simulated)
	for turn := 0; turn < s.runs; {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			tick()
			continue
		case r := <-done:
			waiting[r.index] = r
		}
		for r := waiting[turn]; r != nil; r = waiting[turn] {
			delete(waiting, turn)
			<-room
			turn++
			s.tally.add(r)
			if !each(r) {
				return
			}
		}
	}
}

// work runs what comes next, as long as there is room.
func (s *search) work(ctx context.Context, next *atomic.Int64, room chan<- struct{}, done chan<- *simulated) {
	var tape sim.Tape
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		i := int(next.Add(1) - 1)
		if i >= s.runs {
			return
		}
		world, seed := s.number(i)
		tape.Reset(seed)
		began := time.Now()
		r := &simulated{i, world, seed, sim.Run(&tape, world.Build, sim.RunOptions{Machine: s.machine}), time.Since(began)}
		select {
		case done <- r:
		case <-ctx.Done():
			return
		}
	}
}

// A tally is what came of the runs so far.
type tally struct {
	began     time.Time
	runs      int
	failures  int
	steps     int
	simulated time.Duration
	hash      uint64        // of the hashes of all runs, in order
	worlds    []*worldTally // in the order in which they are run
	named     map[string]*worldTally
}

type worldTally struct {
	name                  string
	runs, steps, failures int
	simulated, took       time.Duration
	marks                 []sim.Mark
}

func newTally(list []worlds.World) *tally {
	t := &tally{began: time.Now(), named: make(map[string]*worldTally)}
	for _, w := range list {
		if t.named[w.Name] == nil {
			t.named[w.Name] = &worldTally{name: w.Name}
			t.worlds = append(t.worlds, t.named[w.Name])
		}
	}
	return t
}

func (t *tally) add(r *simulated) {
	w := t.named[r.world.Name]
	if r.result.Failure != nil {
		t.failures++
		w.failures++
	}
	t.hash = mixed(t.hash, r.result.Hash)
	t.runs++
	w.runs++
	t.steps += r.result.Steps
	w.steps += r.result.Steps
	t.simulated += r.result.Simulated
	w.simulated += r.result.Simulated
	w.took += r.took
	w.mark(r.result.Marks)
}

// mark takes in which marks a run reached.
func (w *worldTally) mark(marks []sim.Mark) {
	for i, m := range marks {
		if i == len(w.marks) {
			w.marks = append(w.marks, m)
		}
		w.marks[i].Reached = w.marks[i].Reached || m.Reached
	}
}

// mixed takes the hash of a run into that of all before it.
func mixed(all, run uint64) uint64 {
	const prime = 0x9E3779B97F4A7C15 // odd, with as many ones as zeros
	return (bits.RotateLeft64(all, 29) ^ run) * prime
}

func (w *worldTally) reached() int {
	n := 0
	for _, m := range w.marks {
		if m.Reached {
			n++
		}
	}
	return n
}

// reached returns how many marks there are and how many of them were reached.
func (t *tally) reached() (reached, all int) {
	for _, w := range t.worlds {
		reached += w.reached()
		all += len(w.marks)
	}
	return reached, all
}

// enoughRuns is from how many runs of a world on each of its marks must have been
// reached.
const enoughRuns = 1000

// missed are the marks that should have been reached.
func (t *tally) missed() []string {
	var list []string
	for _, w := range t.worlds {
		for _, m := range w.marks {
			if !m.Reached && w.runs >= enoughRuns {
				list = append(list, fmt.Sprintf("%s: %q in %d runs", w.name, m.Name, w.runs))
			}
		}
	}
	return list
}

// line tells in a line how far it is.
func (t *tally) line(runs int) string {
	reached, all := t.reached()
	took := time.Since(t.began)
	return fmt.Sprintf("%d of %s, %.0f a second; %d steps, %.1f simulated hours; %d of %d marks",
		t.runs, countOf(runs, "run"), float64(t.runs)/took.Seconds(), t.steps, t.simulated.Hours(), reached, all)
}

// summarise prints what came of each world and of all.
func (t *tally) summarise(out io.Writer) {
	took := time.Since(t.began)
	fmt.Fprintf(out, "%-11s %8s %9s %10s %10s %13s %7s\n", "world", "runs", "failures", "steps/run", "ms/run", "simulated/run", "marks")
	for _, w := range t.worlds {
		n := w.runs
		if n == 0 {
			continue
		}
		fmt.Fprintf(out, "%-11s %8d %9d %10d %10.2f %13s %7s\n", w.name, w.runs, w.failures, w.steps/n,
			float64(w.took.Microseconds())/1000/float64(n), (w.simulated / time.Duration(n)).Round(100*time.Millisecond), fmt.Sprintf("%d/%d", w.reached(), len(w.marks)))
	}
	fmt.Fprintf(out, "%s in %v: %.0f a second; %.1f simulated hours, %.0f times as fast as real time; %s\n", countOf(t.runs, "run"), took.Round(time.Millisecond),
		float64(t.runs)/took.Seconds(), t.simulated.Hours(), t.simulated.Seconds()/took.Seconds(), failures(t.failures))
	fmt.Fprintf(out, "hash of all runs: %016x\n", t.hash)
	for _, w := range t.worlds {
		for _, m := range w.marks {
			if !m.Reached && t.failures == 0 {
				fmt.Fprintf(out, "not reached in %s of %s: %s\n", countOf(w.runs, "run"), w.name, m.Name)
			}
		}
	}
}

func failures(n int) string {
	if n == 0 {
		return "no failure"
	}
	return countOf(n, "failure")
}

// countOf tells how many things there are.
func countOf(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
