package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// An Option says how [Check], [Fuzz], [Exhaust] and [Scenarios] run worlds.
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
//	-sim.runs=N      so many runs, whatever the test says; at most so many of [Exhaust]
//	-sim.replay=FILE run only what is saved in FILE, and print its chart
//	-sim.trace       print the chart of the last run, though it passed
//	-sim.html=FILE   write the chart that is printed as a page as well
//	-sim.rewrite     write what comes out into scenario files, as what is expected
//
// What a test that passes prints is shown by "go test" without the name of a
// package, and with one only when -v is given.
func Check(t testing.TB, build func(*World), options ...Option) {
	t.Helper()
	k := newChecker(t, build, options)
	asked := k.runs
	if asked <= 0 {
		asked = 1000
	}
	runs, ok := k.begin(asked)
	if !ok {
		return
	}
	if flags.isSet("sim.seed") {
		k.seed, runs = *flags.seed, 1
	} else if !k.saved() {
		return
	}
	marks, ok := k.seeds(runs)
	if ok && runs >= asked && !flags.isSet("sim.seed") {
		k.reached(marks, runs)
	}
}

// begin heeds the flags. runs is how many there are to be where the test asks
// for that many; with ok false there are none.
func (k *checker) begin(asked int) (runs int, ok bool) {
	k.t.Helper()
	if *flags.replay != "" {
		k.replayFile(*flags.replay)
		return 0, false
	}
	if !flags.isSet("sim.runs") {
		return asked, true
	}
	if *flags.runs <= 0 {
		k.t.Errorf("-sim.runs=%d: there must be at least 1 run", *flags.runs)
		return 0, false
	}
	return *flags.runs, true
}

// seeds runs from the seeds and returns which marks were reached. ok is false when
// a run failed.
func (k *checker) seeds(runs int) (marks []Mark, ok bool) {
	k.t.Helper()
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
			k.failed(last, fmt.Sprintf("seed %d", seed), k.saveAs(fmt.Sprintf("seed-%d", seed)))
			return nil, false
		}
	}
	if *flags.trace {
		k.print(last.Chart())
	}
	took := time.Since(began)
	k.t.Logf("%s, %.1f simulated hours, %.0f times as fast as real time", count(runs, "run"), simulated.Hours(), simulated.Seconds()/took.Seconds())
	return marks, true
}

// reached fails the test for what no run reached.
func (k *checker) reached(marks []Mark, runs int) {
	k.t.Helper()
	for _, m := range marks {
		if !m.Reached {
			k.t.Errorf("sometimes %q: %s did not reach it", m.Name, count(runs, "run"))
		}
	}
}

// failed looks into a run that failed and fails the test with what it finds.
// where tells which run it was. save, if there is one, keeps what was found and
// tells where it is.
func (k *checker) failed(r *Result, where string, save func(*Finding) string) {
	k.t.Helper()
	f := Investigate(k.build, r, k.run, InvestigateOptions{})
	k.t.Fail()
	k.print(f.Chart)
	if f.Divergence != nil {
		k.t.Errorf("%s: %v\n%v", where, r.Failure, f.Divergence)
		return
	}
	saved := ""
	if f.Failure.Property != misused {
		saved = save(f)
	}
	k.t.Errorf("%s: %v\n%s%s", where, f.Failure, f.left(), saved)
}

// left tells how few choices make the failure.
func (f *Finding) left() string {
	if len(f.Choices) == 0 {
		return "It fails undisturbed: no choice is needed."
	}
	return fmt.Sprintf("%s of %d left after %s.", count(len(f.Choices), "choice"), f.First, count(f.Runs, "run"))
}

// count returns n things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// saveAs returns a function that writes the scenario of a failure into the file of
// that name and tells where it is.
func (k *checker) saveAs(file string) func(*Finding) string {
	return func(f *Finding) string {
		path := filepath.Join(k.dir(), file+".scenario")
		err := os.MkdirAll(k.dir(), 0o777)
		if err == nil {
			err = os.WriteFile(path, NewScenario(k.t.Name(), f).Format(), 0o666)
		}
		if err != nil {
			return fmt.Sprintf("\nIt could not be saved: %v", err)
		}
		return fmt.Sprintf("\nIt is saved in %s. To run it again:\n\tgo test -run '%s' -sim.replay=%s", path, runPattern(k.t.Name()), path)
	}
}

// runPattern returns what go test -run takes for the test of that name.
func runPattern(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
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
		if *flags.rewrite {
			ok = k.rewrite(path, s) && ok
			continue
		}
		tape := replay(s.Choices())
		r := Run(tape, k.build, k.run)
		k.misfits(path, tape)
		if r.Failure != nil {
			k.t.Fail()
			k.print(Run(replay(s.Choices()), k.build, k.traced()).Chart())
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
	switch {
	case err != nil:
		k.t.Error(inFile(path, err))
		return nil
	case s.World() == "":
		k.t.Errorf("%s is a script, and no run of the world of %s: sim.Scenarios runs it, and websockets replay", path, k.t.Name())
		return nil
	case s.World() != k.t.Name():
		k.t.Errorf("%s is a run of the world %q, and this test is %q: run the test of that name, or change the line \"world\" of the file if the test has a new name",
			path, s.World(), k.t.Name())
		return nil
	}
	return s
}

// misfits tells which choices of a file the run did not ask for.
func (k *checker) misfits(path string, tape *Tape) {
	k.t.Helper()
	list := tape.Mismatches()
	if len(list) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %d met another question than when it was saved, so this may be another run:\n",
		path, count(len(list), "choice"), len(tape.script.list))
	for _, m := range list {
		fmt.Fprintf(&b, "\t%v\n", m)
	}
	k.show(b.String())
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

// replayFile is all that there is to do with -sim.replay.
func (k *checker) replayFile(path string) {
	k.t.Helper()
	s := k.load(path)
	if s == nil {
		return
	}
	tape := replay(s.Choices())
	r := Run(tape, k.build, k.traced())
	if r.Failure != nil {
		k.t.Fail()
	}
	k.misfits(path, tape)
	k.print(r.Chart())
	if r.Failure != nil {
		k.t.Errorf("%s: %v", path, r.Failure)
	}
}

// show prints text: in the log of the test, or where it can be seen though the
// test passes.
func (k *checker) show(text string) {
	k.t.Helper()
	if k.t.Failed() {
		k.t.Log(text)
		return
	}
	fmt.Fprintf(os.Stdout, "%s: %s\n", k.t.Name(), strings.TrimLeft(text, "\n"))
}

// print shows a chart, and writes it as a page if that is asked for.
func (k *checker) print(c *chart.Chart) {
	k.t.Helper()
	c.Title = k.t.Name()
	var b strings.Builder
	b.WriteByte('\n')
	if err := c.WriteText(&b, chart.TextOptions{}); err != nil {
		k.t.Error(err)
		return
	}
	k.show(b.String())
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
// choices of its tape. A failure is shrunk and reported as [Check] does it, but
// not saved as a scenario: go test keeps the bytes in testdata/fuzz and runs them
// first from then on.
func Fuzz(f *testing.F, build func(*World), options ...Option) {
	f.Helper()
	at := caller()
	for seed := range uint64(16) {
		f.Add(seedBytes(seed, 1<<(4+seed/2)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		t.Helper()
		k := newChecker(t, build, options)
		if r := Run(FromBytes(data), build, k.run); r.Failure != nil {
			k.failed(r, at+": fuzzing", k.ofBytes)
		}
	})
}

// caller tells where the function was called that calls it. A fuzz target has no
// such line in the log: reflection called it.
func caller() string {
	_, file, line, _ := runtime.Caller(2)
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}

// ofBytes tells what a failure of fuzzing was made of, and how to run it again.
func (k *checker) ofBytes(f *Finding) string {
	var b strings.Builder
	for _, c := range f.Choices {
		fmt.Fprintf(&b, "\n\t%s", c)
	}
	if strings.Contains(k.t.Name(), "/") {
		fmt.Fprintf(&b, "\nTo run it again:\n\tgo test -run '%s'", runPattern(k.t.Name()))
	} else {
		b.WriteString("\nThe bytes of this run are in the file, or are the seed, that go test names.")
	}
	return b.String()
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
// unless [Partial] or the flag -sim.runs is given. It returns nil when a run that
// was saved fails, and with -sim.replay.
func Exhaust(t testing.TB, build func(*World), options ...Option) *Exploration {
	t.Helper()
	k := newChecker(t, build, options)
	if k.runs <= 0 {
		k.runs = 1_000_000
	}
	runs, ok := k.begin(k.runs)
	if !ok || !k.saved() {
		return nil
	}
	few := runs < k.runs // as the flag has it
	x := Explore(build, k.run, ExhaustOptions{Runs: runs, Deviations: k.deviations})
	switch {
	case x.Failed != nil:
		k.failed(x.Failed, fmt.Sprintf("way %d", x.Runs), k.saveAs(fmt.Sprintf("way-%d", x.Runs)))
	case x.Err != nil:
		t.Error(x.Err)
	case !x.Complete && few:
	case !x.Complete && !k.partial && k.deviations == 0:
		t.Errorf("%v: raise Runs, or make the world smaller%s", x, x.hint())
		return x
	default:
		k.reached(x.Marks, x.Runs)
	}
	t.Log(x)
	return x
}
