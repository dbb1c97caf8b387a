package sim

import (
	"errors"
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
}

func (f *fakeTB) Helper()      {}
func (f *fakeTB) Name() string { return f.name }
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
	for _, want := range []string{"nobody is left behind", "1 members, 0 connections", "choices of", "-sim.replay=testdata/sim/TestRoom/crowd/seed-", "-run '^TestRoom$/^crowd$'"} {
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

func FuzzCrowd(f *testing.F) { Fuzz(f, crowd(true)) }
