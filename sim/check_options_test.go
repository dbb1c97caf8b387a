package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

func TestOptions(t *testing.T) {
	t.Chdir(t.TempDir())
	never := func(w *World) { w.Always("never", func() error { return errors.New("it is") }); w.At(0, func() {}) }
	pair := func(w *World) { w.Client("ann", w.Server("room", Echo), Echo) }
	choices := func(w *World) {
		for i := range 3 {
			w.Choose(fmt.Sprint("question ", i), 4)
		}
	}
	check := func(build func(*World), o ...Option) string {
		tb := &fakeTB{name: "TestOptions"}
		Check(tb, build, append(o, Runs(2))...)
		return strings.Join(tb.errors, "\n")
	}
	exhaust := func(o ...Option) (*Exploration, string) {
		tb := &fakeTB{name: "TestOptions"}
		x := Exhaust(tb, choices, o...)
		return x, strings.Join(tb.errors, "\n")
	}

	if got := check(never, Seed(77)); !strings.Contains(got, "seed 77:") {
		t.Errorf("Seed: %q, want the failure of seed 77", got)
	}
	t.Chdir(t.TempDir()) // without what was saved
	if got := check(pair, Steps(3)); !strings.Contains(got, "3 steps were not enough") {
		t.Errorf("Steps: %q, want that 3 were not enough", got)
	}
	t.Chdir(t.TempDir())
	made := 0
	got := check(pair, Machine(func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		made++
		return nativeMachine(role, cfg, now, bare)
	}))
	if got != "" || made != 4 {
		t.Errorf("Machine: it made %d, want 4 in two runs; %q", made, got)
	}
	if x, got := exhaust(); x.Runs != 64 || !x.Complete || got != "" {
		t.Errorf("without options: %v, %q, want 4*4*4 runs", x, got)
	}
	if x, got := exhaust(Deviations(1)); x.Runs != 1+3*3 || got != "" {
		t.Errorf("Deviations(1): %v, %q, want the plainest run and 3 others of each of 3 questions", x, got)
	}
	if x, got := exhaust(Runs(5), Partial()); x.Runs != 5 || x.Complete || got != "" {
		t.Errorf("Partial: %v, %q, want 5 runs and no error", x, got)
	}
}
