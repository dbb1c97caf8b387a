package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// An Option says how [Check], [Fuzz] and [Exhaust] run a world.
type Option func(*checker)

// Runs sets how many runs there are: seeds of [Check], by default 1,000, and
// ways that [Exhaust] tries, by default 1,000,000.
func Runs(n int) Option { return func(k *checker) { k.runs = n } }

// Seed sets the first seed, by default 1; the others follow it.
func Seed(seed uint64) Option { return func(k *checker) { k.seed = seed } }

// Machine has the machines of connections made by f in place of the native core.
func Machine(f MachineFunc) Option { return func(k *checker) { k.run.Machine = f } }

// Steps bounds each run: a world that takes more fails. Default 200,000.
func Steps(n int) Option { return func(k *checker) { k.run.Steps = n } }

// Deviations bounds how many answers of a run [Exhaust] lets differ from the
// plainest: with 1 it tries every single disturbance, with 2 every pair. By
// default there is no bound.
func Deviations(n int) Option { return func(k *checker) { k.deviations = n } }

// Partial lets [Exhaust] pass when its runs were not enough for all ways.
func Partial() Option { return func(k *checker) { k.partial = true } }

// A checker is a call of Check, Fuzz or Exhaust.
type checker struct {
	t          testing.TB
	build      func(*World)
	runs       int
	seed       uint64
	deviations int
	partial    bool
	run        RunOptions
}

func newChecker(t testing.TB, build func(*World), options []Option) *checker {
	k := &checker{t: t, build: build, seed: 1}
	for _, o := range options {
		o(k)
	}
	return k
}

// Check runs the world that build builds from many seeds. The test fails with
// the first run in which something that was stated of the world does not hold:
// that run is repeated to see that it replays, shrunk to the choices that
// matter, printed as a sequence chart, and saved as a scenario in
// testdata/sim/TestName, from where later calls of Check run it first. It also
// fails when none of the runs reached something that [World.Sometimes] states.
//
// build is called once for each run. What it builds must depend on nothing but
// the World: a variable that outlives a run makes runs that do not replay.
//
// Flags of the test binary:
//
//	-sim.seed=N      run from seed N only, and not what was saved
//	-sim.runs=N      so many runs, whatever the test says
//	-sim.replay=FILE run only the tape or scenario in FILE, and print its chart
//	-sim.trace       print the chart of the last run, though it passed
//	-sim.html=FILE   write the chart that is printed as a page as well
//	-sim.rewrite     write what comes out into scenario files, as what is expected
func Check(t testing.TB, build func(*World), options ...Option) {
	t.Helper()
	k := newChecker(t, build, options)
	if *flags.replay != "" {
		k.replayFile(*flags.replay)
		return
	}
	if !flags.isSet("sim.seed") && !k.saved() {
		return
	}
	runs := k.runs
	if runs <= 0 {
		runs = 1000
	}
	whole := true // all runs that the test asks for
	if flags.isSet("sim.seed") {
		k.seed, runs, whole = *flags.seed, 1, false
	}
	if flags.isSet("sim.runs") {
		whole = whole && *flags.runs >= runs
		runs = max(*flags.runs, 1)
	}
	marks := k.seeds(runs)
	if whole {
		k.reached(marks, runs)
	}
}

// seeds runs from the seeds and returns which marks were reached, nil when a
// run failed.
func (k *checker) seeds(runs int) []Mark {
	k.t.Helper()
	var marks []Mark
	tape := new(Tape)
	began, simulated := time.Now(), time.Duration(0)
	var last *Result
	for i := range runs {
		seed := k.seed + uint64(i)
		tape.Reset(seed)
		ro := k.run
		ro.Trace = *flags.trace && i == runs-1
		last = Run(tape, k.build, ro)
		simulated += last.Simulated
		marks = mergeMarks(marks, last.Marks)
		if last.Failure != nil {
			k.failed(last, fmt.Sprintf("seed %d", seed), fmt.Sprintf("seed-%d", seed))
			return nil
		}
	}
	if *flags.trace {
		k.print(last.Chart())
	}
	took := time.Since(began)
	k.t.Logf("%d runs, %.1f simulated hours, %.0f times as fast as real time", runs, simulated.Hours(), simulated.Seconds()/took.Seconds())
	return marks
}

// reached fails the test for what no run reached.
func (k *checker) reached(marks []Mark, runs int) {
	k.t.Helper()
	for _, m := range marks {
		if !m.Reached {
			k.t.Errorf("sometimes %q: none of %d runs reached it", m.Name, runs)
		}
	}
}

// failed looks into a run that failed and fails the test with what it finds.
// where tells which run it was; file is the name under which it is saved, "" if
// it is not.
func (k *checker) failed(r *Result, where, file string) {
	k.t.Helper()
	f := Investigate(k.build, r, k.run, InvestigateOptions{})
	k.print(f.Chart)
	if f.Divergence != nil {
		k.t.Errorf("%s: %v\n%v", where, r.Failure, f.Divergence)
		return
	}
	saved := ""
	if file != "" {
		saved = k.save(file, f)
	}
	k.t.Errorf("%s: %v\n%d choices of %d are left after %d runs%s", where, f.Failure, len(f.Choices), f.First, f.Runs, saved)
}

// save writes the scenario of a failure and tells where it is.
func (k *checker) save(file string, f *Finding) string {
	path := filepath.Join(k.dir(), file+".scenario")
	err := os.MkdirAll(k.dir(), 0o777)
	if err == nil {
		err = os.WriteFile(path, NewScenario(k.t.Name(), f).Format(), 0o666)
	}
	if err != nil {
		return fmt.Sprintf("; they could not be saved: %v", err)
	}
	run := "^" + strings.ReplaceAll(k.t.Name(), "/", "$/^") + "$"
	return fmt.Sprintf("; they are in %s\nTo run it again:\n\tgo test -run '%s' -sim.replay=%s", path, run, path)
}

// dir is where failures of the test are kept.
func (k *checker) dir() string {
	return filepath.Join("testdata", "sim", filepath.FromSlash(strings.ReplaceAll(k.t.Name(), ":", "_")))
}

// saved runs the failures that were saved, and reports whether all pass now.
func (k *checker) saved() bool {
	k.t.Helper()
	files, _ := filepath.Glob(filepath.Join(k.dir(), "*.scenario"))
	ok := true
	for _, path := range files {
		s := k.load(path)
		if s == nil {
			ok = false
			continue
		}
		r := k.replay(s, path, k.run)
		if *flags.rewrite {
			ok = k.rewrite(path, s) && ok
		} else if r.Failure != nil {
			k.print(k.replay(s, path, k.traced()).Chart())
			k.t.Errorf("%s: %v\nThis run failed before, which is why it was saved.", path, r.Failure)
			ok = false
		}
	}
	return ok
}

func (k *checker) load(path string) *Scenario {
	k.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		k.t.Error(err)
		return nil
	}
	s, err := ParseScenario(text)
	if err != nil {
		k.t.Errorf("%s: %v", path, err)
		return nil
	}
	return s
}

// replay runs the choices of a scenario.
func (k *checker) replay(s *Scenario, path string, ro RunOptions) *Result {
	k.t.Helper()
	tape := replay(s.Choices())
	r := Run(tape, k.build, ro)
	for _, m := range tape.Mismatches() {
		k.t.Logf("%s: %v", path, m)
	}
	return r
}

func (k *checker) traced() RunOptions {
	ro := k.run
	ro.Trace = true
	return ro
}

// rewrite writes what comes of a scenario now into its file.
func (k *checker) rewrite(path string, s *Scenario) bool {
	k.t.Helper()
	outcomes, err := s.Run(map[string]func(*World){s.World(): k.build}, k.run)
	if err == nil {
		s.Outcomes = outcomes
		err = os.WriteFile(path, s.Format(), 0o666)
	}
	if err != nil {
		k.t.Errorf("%s: %v", path, err)
	}
	return err == nil
}

// replayFile is all that Check does with -sim.replay.
func (k *checker) replayFile(path string) {
	k.t.Helper()
	s := k.load(path)
	if s == nil {
		return
	}
	r := k.replay(s, path, k.traced())
	k.print(r.Chart())
	if r.Failure != nil {
		k.t.Errorf("%s: %v", path, r.Failure)
	}
}

// print writes a chart to the test's log, and as a page if that is asked for.
func (k *checker) print(c *chart.Chart) {
	k.t.Helper()
	c.Title = k.t.Name()
	var b strings.Builder
	b.WriteByte('\n')
	if err := c.WriteText(&b, chart.TextOptions{}); err != nil {
		k.t.Error(err)
		return
	}
	k.t.Log(b.String())
	if *flags.html == "" {
		return
	}
	f, err := os.Create(*flags.html)
	if err == nil {
		err = c.WriteHTML(f)
	}
	if f != nil {
		err = firstOf(err, f.Close())
	}
	if err != nil {
		k.t.Error(err)
	}
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Fuzz fuzzes the world that build builds: the bytes of the fuzzer make the
// choices of its tape. A failure is reported as [Check] does it; go test keeps
// the bytes as well.
func Fuzz(f *testing.F, build func(*World), options ...Option) {
	for seed := range uint64(16) {
		f.Add(seedBytes(seed, 1<<(4+seed/2)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k := newChecker(t, build, options)
		if r := Run(FromBytes(data), build, k.run); r.Failure != nil {
			k.failed(r, "fuzzing", "")
		}
	})
}

// seedBytes returns n bytes that are any, and always the same.
func seedBytes(seed uint64, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(mix(seed<<32 + uint64(i)))
	}
	return p
}

// Exhaust runs the world that build builds in every way there is: with each
// answer to each question of its tape. It is for small worlds; see
// [World.Strike]. The number of distinct states that were reached is logged. The
// test fails as with [Check], and also when there are more ways than runs,
// unless [Partial] is given.
func Exhaust(t testing.TB, build func(*World), options ...Option) *Exploration {
	t.Helper()
	k := newChecker(t, build, options)
	if k.runs <= 0 {
		k.runs = 1_000_000
	}
	if !k.saved() {
		return nil
	}
	x := Explore(build, k.run, ExhaustOptions{Runs: k.runs, Deviations: k.deviations})
	switch {
	case x.Failed != nil:
		k.failed(x.Failed, fmt.Sprintf("way %d", x.Runs), fmt.Sprintf("way-%d", x.Runs))
	case x.Err != nil:
		t.Error(x.Err)
	case !x.Complete && !k.partial && k.deviations == 0:
		t.Errorf("%v: raise Runs, or make the world smaller", x)
	default:
		k.reached(x.Marks, x.Runs)
	}
	t.Log(x)
	return x
}
