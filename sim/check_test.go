package sim

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fakeTB notes what is said to it.
type fakeTB struct {
	testing.TB
	name   string
	errors []string
	logs   []string
	failed bool
}

func (f *fakeTB) Helper()      {}
func (f *fakeTB) Name() string { return f.name }
func (f *fakeTB) Fail()        { f.failed = true }
func (f *fakeTB) Failed() bool { return f.failed || len(f.errors) > 0 }
func (f *fakeTB) Log(args ...any) {
	f.logs = append(f.logs, fmt.Sprint(args...))
}
func (f *fakeTB) Logf(format string, args ...any) {
	f.logs = append(f.logs, fmt.Sprintf(format, args...))
}
func (f *fakeTB) Error(args ...any) {
	f.errors = append(f.errors, fmt.Sprint(args...))
}
func (f *fakeTB) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

// forgetful is a room that never strikes off a member; healthy does.
func crowd(healthy bool) func(w *World) {
	return func(w *World) {
		w.Faults(Resets | Cuts | Crashes)
		members := map[*Conn]bool{} // of this run; only its length is looked at
		room := w.Server("room", func() App {
			return AppFunc(func(n *Node, ev Event) {
				switch {
				case ev.Kind == Started:
					clear(members)
				case ev.Kind == Opened:
					members[ev.Conn] = true
				case ev.Kind == Closed && healthy:
					delete(members, ev.Conn)
				}
			})
		})
		w.Client("ann", room, func() App { return AppFunc(func(*Node, Event) {}) })
		w.Always("nobody is left behind", func() error {
			if room.Up() && len(members) > len(room.Conns()) {
				return fmt.Errorf("%d members, %d connections", len(members), len(room.Conns()))
			}
			return nil
		})
	}
}

func TestCheckFindsShrinksAndSaves(t *testing.T) {
	t.Chdir(t.TempDir())
	tb := &fakeTB{name: "TestRoom/crowd"}
	Check(tb, crowd(false), Runs(500))
	if len(tb.errors) != 1 {
		t.Fatalf("errors %q, want one", tb.errors)
	}
	for _, want := range []string{"nobody is left behind", "1 members, 0 connections", " left after ", "-sim.replay=testdata/sim/TestRoom/crowd/seed-", "-run '^TestRoom$/^crowd$'"} {
		if !strings.Contains(tb.errors[0], want) {
			t.Errorf("the error lacks %q:\n%s", want, tb.errors[0])
		}
	}
	if !strings.Contains(strings.Join(tb.logs, ""), "room") {
		t.Error("no chart was printed")
	}
	files, _ := filepath.Glob("testdata/sim/TestRoom/crowd/*.scenario")
	if len(files) != 1 {
		t.Fatalf("saved %q, want one file", files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseScenario(text)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Choices()); n == 0 || n > 6 {
		t.Errorf("%d choices are left, want a few:\n%s", n, text)
	}
	got, err := s.Run(map[string]func(*World){s.World(): crowd(false)}, RunOptions{})
	if err != nil || !slices.Equal(got, s.Outcomes) {
		t.Errorf("run as a scenario, %v:\n%s\nsaved:\n%s", err, got, s.Outcomes)
	}

	again := &fakeTB{name: tb.name}
	Check(again, crowd(false), Runs(1))
	if len(again.errors) != 1 || !strings.Contains(again.errors[0], files[0]) {
		t.Errorf("errors %q, want that of the saved run alone", again.errors)
	}
	mended := &fakeTB{name: tb.name}
	Check(mended, crowd(true), Runs(1))
	if len(mended.errors) != 0 {
		t.Errorf("errors %q after the mending", mended.errors)
	}
}

func TestCheckReportsWhatNeverHappens(t *testing.T) {
	tb := &fakeTB{name: "TestMarks"}
	Check(tb, func(w *World) {
		w.Sometimes("the sky falls", func() bool { return false })
		w.Sometimes("time passes", func() bool { return w.Now() >= time.Second })
		w.At(time.Second, func() {})
		w.Run(time.Minute)
	}, Runs(3))
	if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], `"the sky falls"`) {
		t.Errorf("errors %q, want one for the mark that was never reached", tb.errors)
	}
}

func TestCheckNoticesWhatDoesNotReplay(t *testing.T) {
	t.Chdir(t.TempDir())
	calls := 0
	tb := &fakeTB{name: "TestLoose"}
	Check(tb, func(w *World) {
		calls++
		w.At(time.Duration(calls)*time.Second, func() {})
		w.Always("is not so", func() error { return errors.New("it is") })
	}, Runs(3))
	if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "does not replay") {
		t.Errorf("errors %q, want one that tells of the divergence", tb.errors)
	}
}

func TestExhaustTriesAllWays(t *testing.T) {
	tb := &fakeTB{name: "TestWays"}
	x := Exhaust(tb, func(w *World) {
		a, b := w.Choose("a", 3), w.Choose("b", 4)
		w.Sometimes("both are last", func() bool { return a == 2 && b == 3 })
		w.At(time.Second, func() {})
		w.Run(time.Minute)
	})
	if len(tb.errors) != 0 {
		t.Error(tb.errors)
	}
	if x.Runs != 12 || !x.Complete {
		t.Errorf("%v, want 12 runs and all ways", x)
	}
	few := &fakeTB{name: "TestWays"}
	Exhaust(few, func(w *World) { w.Choose("a", 10) }, Runs(5))
	if len(few.errors) != 1 {
		t.Errorf("errors %q, want one: 5 runs are too few for 10 ways", few.errors)
	}
}

// output returns what f writes to standard output.
func output(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = stdout }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// setFlag sets one flag of this package, and no other, for the test.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	old := flags
	t.Cleanup(func() { flags = old })
	flags = newFlags(flag.NewFlagSet("test", flag.ContinueOnError))
	if err := flags.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// write writes a file of the test, which runs in a directory of its own.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
		t.Fatal(err)
	}
}

// What a test that passes has to show can be seen without -v.
func TestCheckShowsThoughItPasses(t *testing.T) {
	t.Chdir(t.TempDir())
	const saved = "world TestRoom\nchoice gone 0 1/2\n"
	for _, test := range []struct {
		flag, value string
		want        []string
	}{
		{"sim.trace", "true", []string{"TestRoom", "Opened"}},
		{"sim.replay", "a.scenario", []string{"TestRoom", "Opened", "1 choice of 1", "gone 0 1/2: not asked"}},
		{"", "", []string{"testdata/sim/TestRoom/a.scenario: 1 choice of 1", "gone 0 1/2: not asked"}},
	} {
		t.Run(test.flag, func(t *testing.T) {
			write(t, "a.scenario", saved)
			if test.flag != "" {
				setFlag(t, test.flag, test.value)
			} else {
				write(t, "testdata/sim/TestRoom/a.scenario", saved)
			}
			tb := &fakeTB{name: "TestRoom"}
			shown := output(t, func() { Check(tb, crowd(true), Runs(1)) })
			if len(tb.errors) > 0 {
				t.Error(tb.errors)
			}
			for _, want := range test.want {
				if !strings.Contains(shown, want) {
					t.Errorf("%q is missing in what was printed:\n%s", want, shown)
				}
			}
		})
	}
}

func TestCheckRefusesFilesOfOthers(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, test := range []struct{ text, want string }{
		{"world TestOther\n", `the world "TestOther", and this test is "TestRoom"`},
		{"run 1s\n", "is a script"},
		{"", "a.scenario:1: the scenario is empty"},
	} {
		write(t, "a.scenario", test.text)
		setFlag(t, "sim.replay", "a.scenario")
		for name, call := range map[string]func(tb testing.TB){
			"Check":   func(tb testing.TB) { Check(tb, crowd(true), Runs(1)) },
			"Exhaust": func(tb testing.TB) { Exhaust(tb, crowd(true)) },
		} {
			tb := &fakeTB{name: "TestRoom"}
			call(tb)
			if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], test.want) {
				t.Errorf("%s, %q: errors %q, want %s", name, test.text, tb.errors, test.want)
			}
		}
		setFlag(t, "sim.replay", "")
		write(t, "testdata/sim/TestRoom/a.scenario", test.text)
		tb := &fakeTB{name: "TestRoom"}
		if Check(tb, crowd(true), Runs(1)); len(tb.errors) != 1 || !strings.Contains(tb.errors[0], test.want) {
			t.Errorf("saved, %q: errors %q, want %s", test.text, tb.errors, test.want)
		}
	}
}

func TestRunsFlag(t *testing.T) {
	ten := func(w *World) {
		w.Choose("a", 10)
		w.Sometimes("never", func() bool { return false })
		w.Run(time.Second)
	}
	setFlag(t, "sim.runs", "5")
	tb := &fakeTB{name: "TestRuns"}
	if x := Exhaust(tb, ten); x == nil || x.Runs != 5 || len(tb.errors) != 0 {
		t.Errorf("%v, errors %q, want 5 runs", x, tb.errors)
	}
	for _, value := range []string{"0", "-3"} {
		setFlag(t, "sim.runs", value)
		tb := &fakeTB{name: "TestRuns"}
		Check(tb, ten)
		Exhaust(tb, ten)
		if len(tb.errors) != 2 || !strings.Contains(tb.errors[0], "-sim.runs="+value) || tb.errors[0] != tb.errors[1] {
			t.Errorf("errors %q, want that there must be a run", tb.errors)
		}
	}
}

func TestExhaustTellsWhatItCannotRecognize(t *testing.T) {
	tb := &fakeTB{name: "TestWays"}
	Exhaust(tb, func(w *World) {
		w.Server("room", func() App { return AppFunc(func(n *Node, _ Event) { n.Choose(9) }) })
		w.Run(time.Second)
	}, Runs(5))
	const want = `the App of node "room" is a sim.AppFunc, which is no Stater`
	if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], want) || len(tb.logs) != 0 {
		t.Errorf("errors %q, logs %q, want one that tells %s", tb.errors, tb.logs, want)
	}
}

func TestCheckTellsThatNoChoiceIsNeeded(t *testing.T) {
	t.Chdir(t.TempDir())
	tb := &fakeTB{name: "TestAlways"}
	Check(tb, func(w *World) { w.Always("is not so", func() error { return errors.New("it is") }); w.At(0, func() {}) })
	if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "fails undisturbed") {
		t.Errorf("errors %q", tb.errors)
	}
}

// A failure of fuzzing tells how to run it again, with go test's own means.
func TestFuzzTellsHowToRunAgain(t *testing.T) {
	for name, want := range map[string]string{
		"FuzzRoom":        "or are the seed, that go test names",
		"FuzzRoom/seed#3": "go test -run '^FuzzRoom$/^seed#3$'",
	} {
		tb := &fakeTB{name: name}
		k := newChecker(tb, crowd(false), nil)
		for seed := uint64(1); len(tb.errors) == 0; seed++ {
			if r := Run(FromSeed(seed), k.build, k.run); r.Failure != nil {
				k.failed(r, "here", k.ofBytes)
			}
		}
		for _, want := range []string{want, "here: nobody is left behind", "\n\tswarm."} {
			if !strings.Contains(tb.errors[0], want) {
				t.Errorf("%q is missing in %s", want, tb.errors[0])
			}
		}
	}
}

// The head of a saved file is true before the mending and after it.
func TestRewritten(t *testing.T) {
	t.Chdir(t.TempDir())
	tb := &fakeTB{name: "TestRoom"}
	Check(tb, crowd(false), Runs(500))
	files, _ := filepath.Glob("testdata/sim/TestRoom/*.scenario")
	if len(files) != 1 {
		t.Fatal(tb.errors)
	}
	setFlag(t, "sim.rewrite", "true")
	mended := &fakeTB{name: "TestRoom"}
	output(t, func() { Check(mended, crowd(true), Runs(1)) })
	text, err := os.ReadFile(files[0])
	if err != nil || len(mended.errors) > 0 || !strings.Contains(string(text), "\npassed\n") || strings.Contains(string(text), "is mended") {
		t.Errorf("%v %q:\n%s", err, mended.errors, text)
	}
	if !strings.Contains(string(text), "sim.Check does not compare that") {
		t.Errorf("the head is missing:\n%s", text)
	}
}

// A mistake in the use of the simulator is not kept.
func TestCheckDoesNotSaveMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	tb := &fakeTB{name: "TestMistake"}
	Check(tb, func(w *World) { w.Choose("x", 0) })
	if _, err := os.Stat("testdata"); len(tb.errors) != 1 || err == nil {
		t.Errorf("errors %q, testdata: %v", tb.errors, err)
	}
}

func FuzzCrowd(f *testing.F) { Fuzz(f, crowd(true)) }
