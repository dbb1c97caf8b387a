package sim

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Scenarios runs the scenarios in the files that match pattern, as in
// [filepath.Glob], each in a subtest of its own, and with roles each role in one.
// A test fails when something else comes of it than the file expects, and shows
// the lines that differ.
//
// worlds has the worlds by name; nil is enough for scripts. Of the options
// [Machine] and [Steps] matter: the same is expected of every machine. With the flag
// -sim.rewrite, or a flag -rewrite of the test's own, the files are written anew
// with what came of them, in the canonical form; read them before they are
// committed.
func Scenarios(t *testing.T, pattern string, worlds map[string]func(*World), options ...Option) {
	t.Helper()
	o := newChecker(t, nil, options).run
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no file matches %s", pattern)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			t.Helper()
			checkScenario(t, file, worlds, o)
		})
	}
}

func checkScenario(t *testing.T, file string, worlds map[string]func(*World), o RunOptions) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseScenario(text)
	if err != nil {
		t.Fatal(inFile(file, err))
	}
	got, err := s.Run(worlds, o)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if rewriteScenarios() {
		rewriteScenario(t, file, s, got)
		return
	}
	if len(s.Outcomes) == 0 {
		t.Fatalf("%s expects nothing yet: run it with -sim.rewrite and read what comes of it", file)
	}
	for i := range got {
		if got[i].Role == "" {
			compareOutcome(t, file, got[i], s.Outcomes[i])
			continue
		}
		t.Run(got[i].Role, func(t *testing.T) {
			t.Helper()
			compareOutcome(t, file, got[i], s.Outcomes[i])
		})
	}
}

// inFile says where in which file an error is.
func inFile(file string, err error) error {
	var at *ScenarioError
	if errors.As(err, &at) {
		return fmt.Errorf("%s:%d: %w", file, at.Line, at.Err)
	}
	return fmt.Errorf("%s: %w", file, err)
}

func compareOutcome(t *testing.T, file string, got, want Outcome) {
	t.Helper()
	if !got.meets(want) {
		t.Errorf("%s: something else came of it (run with -sim.rewrite to accept it):\n%s",
			file, difference(want.Text, got.Text))
	}
}

func rewriteScenario(t *testing.T, file string, s *Scenario, got []Outcome) {
	t.Helper()
	for i, want := range s.Outcomes {
		if want.Text == want.Verdict() && want.Text != "" {
			got[i].Text = got[i].Verdict()
		}
	}
	s.Outcomes = got
	old, err := os.ReadFile(file)
	if text := s.Format(); err == nil && !bytes.Equal(text, old) {
		err = os.WriteFile(file, text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rewriteScenarios reports whether a flag says that scenarios are to be written
// anew.
func rewriteScenarios() bool {
	for _, name := range []string{"sim.rewrite", "rewrite"} {
		f := flag.Lookup(name)
		if f == nil {
			continue
		}
		if g, ok := f.Value.(flag.Getter); ok && g.Get() == true {
			return true
		}
	}
	return false
}

// difference shows the lines in which two texts differ, with two lines around
// them.
func difference(want, got string) string {
	const around = 2
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	start := 0
	for start < min(len(w), len(g)) && w[start] == g[start] {
		start++
	}
	end := 0
	for end < min(len(w), len(g))-start && w[len(w)-1-end] == g[len(g)-1-end] {
		end++
	}
	var b strings.Builder
	lines := func(mark string, list []string) {
		for _, line := range list {
			fmt.Fprintf(&b, "%s %s\n", mark, line)
		}
	}
	lines(" ", w[max(0, start-around):start])
	lines("-", w[start:len(w)-end])
	lines("+", g[start:len(g)-end])
	lines(" ", w[len(w)-end:min(len(w), len(w)-end+around)])
	return b.String()
}
