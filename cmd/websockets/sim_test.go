package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

// brittle is a world that fails when a message is lost by a reset, and by
// nothing else.
var brittle = worlds.World{Name: "brittle", About: "it breaks", Build: func(w *sim.World) {
	w.Faults(sim.Resets | sim.Chunks)
	broken := false
	server := w.Server("server", sim.Echo)
	w.Client("ann", server, func() sim.App {
		return sim.AppFunc(func(_ *sim.Node, ev sim.Event) {
			switch ev.Kind {
			case sim.Opened:
				ev.Conn.Send(frame.Text, []byte("hello"))
			case sim.Closed:
				broken = ev.Err != nil
			}
		})
	})
	w.Sometimes("time passes", func() bool { return w.Now() > time.Second })
	w.Sometimes("a wonder happens", func() bool { return false })
	w.Always("the connection lasts", func() error {
		if broken {
			return errors.New("it did not")
		}
		return nil
	})
	w.Run(time.Minute)
}}

// searching runs a search of one world.
func searching(t *testing.T, c simCommand, w worlds.World) (result, error) {
	t.Helper()
	var stdout, stderr transcript
	err := c.search(t.Context(), &console{stdout: &stdout, stderr: &stderr}, []worlds.World{w})
	return result{stdout: stdout.String(), stderr: stderr.String()}, err
}

func TestSimPasses(t *testing.T) {
	r := command(t.Context(), "", "sim", "--runs", "18")
	if r.status != statusOK || r.stderr != "" {
		t.Errorf("status %d, standard error %q", r.status, r.stderr)
	}
	for _, word := range append(names(worlds.All()), "18 runs in ", "no failure") {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("standard output does not say %q:\n%s", word, r.stdout)
		}
	}
}

func TestSimLists(t *testing.T) {
	r := command(t.Context(), "", "sim", "--list")
	if r.status != statusOK || strings.Count(r.stdout, "\n  ") != len(worlds.All())+len(worlds.Small()) {
		t.Errorf("status %d, standard output:\n%s", r.status, r.stdout)
	}
}

// The same lines come in the same order from any number of workers.
func TestSimLines(t *testing.T) {
	lines := func(flags ...string) string {
		r := command(t.Context(), "", append([]string{"sim", "--json", "--world", "closing,timeouts", "--runs", "25", "--seed", "40"}, flags...)...)
		if r.status != statusOK || !strings.Contains(r.stderr, "25 runs in") {
			t.Errorf("status %d, standard error %q", r.status, r.stderr)
		}
		return r.stdout
	}
	one := lines("--workers", "1")
	if many := lines("--workers", "5"); one != many {
		t.Errorf("with 1 worker:\n%s\nwith 5:\n%s", one, many)
	}
	for i, text := range strings.Split(strings.TrimSpace(one), "\n") {
		var line simLine
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		world := []string{"closing", "timeouts"}[i%2]
		if line.World != world || line.Seed != uint64(40+i/2) || line.Verdict != "passed" || line.Steps == 0 || line.Simulated == 0 {
			t.Errorf("line %d: %s", i, text)
		}
		if strings.Trim(line.Hash, "0123456789abcdef") != "" || len(line.Hash) != 16 {
			t.Errorf("hash %q", line.Hash)
		}
	}
}

func TestSimFindsAFailure(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "run.html")
	for _, c := range []struct {
		name string
		json bool
		out  string
		file string
	}{
		{"into a directory", false, dir, ""},
		{"into a file", false, filepath.Join(dir, "found"), filepath.Join(dir, "found")},
		{"with lines", true, filepath.Join(dir, "lines"), filepath.Join(dir, "lines")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := searching(t, simCommand{Runs: 1000, Seed: 1, Workers: 3, JSON: c.json, Out: c.out, HTML: page}, brittle)
			if err != errTold {
				t.Fatalf("%v, standard output %q, standard error %q", err, r.stdout, r.stderr)
			}
			told := r.stdout
			if c.json {
				told = r.stderr
				lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
				if last := lines[len(lines)-1]; !strings.Contains(last, `"verdict":"the connection lasts"`) {
					t.Errorf("the last line is %s", last)
				}
			}
			var seed uint64
			_, after, _ := strings.Cut(told, "\nseed ")
			if _, err := fmt.Sscan(after, &seed); err != nil {
				t.Fatalf("no seed is told:\n%s", told)
			}
			if c.file == "" {
				c.file = filepath.Join(dir, fmt.Sprintf("brittle-%d.scenario", seed))
			}
			for _, word := range []string{"the connection lasts", "shrunk from", "reset by the network", "choices", "websockets replay " + c.file, "1 failure\n"} {
				if !strings.Contains(told, word) {
					t.Errorf("it does not say %q:\n%s", word, told)
				}
			}
			text, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sim.ParseScenario(text)
			if err != nil || s.World() != "brittle" || len(s.Choices()) == 0 || len(s.Choices()) > 6 {
				t.Errorf("%v:\n%s", err, text)
			}
			again, err := s.Results(map[string]func(*sim.World){"brittle": brittle.Build}, sim.RunOptions{})
			if err != nil || len(again) != 1 || again[0].Failure == nil {
				t.Errorf("the scenario does not fail again: %v", err)
			}
			outcomes, err := s.Run(map[string]func(*sim.World){"brittle": brittle.Build}, sim.RunOptions{})
			if err != nil || !slices.Equal(outcomes, s.Outcomes) {
				t.Errorf("the scenario expects %q, and %q comes, %v", s.Outcomes, outcomes, err)
			}
			if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "<html") {
				t.Errorf("the page: %v", err)
			}
		})
	}
}

// A mark that nothing reaches is a failure, once there were runs enough.
func TestSimMissesAMark(t *testing.T) {
	for _, c := range []struct {
		runs int
		err  bool
	}{{enoughRuns - 1, false}, {enoughRuns, true}} {
		calm := worlds.World{Name: "calm", Build: func(w *sim.World) {
			w.Sometimes("a wonder happens", func() bool { return false })
			w.Run(time.Second)
		}}
		r, err := searching(t, simCommand{Runs: c.runs, Workers: 2}, calm)
		if (err != nil) != c.err || c.err && !strings.Contains(err.Error(), "a wonder happens") {
			t.Errorf("%d runs: %v", c.runs, err)
		}
		if !strings.Contains(r.stdout, "of calm: a wonder happens") {
			t.Errorf("standard output %q", r.stdout)
		}
	}
}

// An interrupt ends the search, and it shows what came of it so far.
func TestSimIsInterrupted(t *testing.T) {
	for _, json := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		endless := worlds.World{Name: "endless", Build: func(w *sim.World) {
			if runs++; runs == 20 {
				cancel()
			}
			w.Run(time.Second)
		}}
		var stdout, stderr transcript
		c := simCommand{Runs: 1 << 40, Workers: 1, JSON: json}
		if err := c.search(ctx, &console{stdout: &stdout, stderr: &stderr}, []worlds.World{endless}); err != errUnfinished {
			t.Errorf("%v, want that it was not finished", err)
		}
		out := stdout.String()
		if json {
			out = stderr.String()
		}
		var done int
		if _, err := fmt.Sscanf(out, "interrupted after %d of 1099511627776 runs\n", &done); err != nil || !strings.Contains(out, "no failure") {
			t.Errorf("%v: it says %q", err, out)
		}
	}
}

func TestSimEveryWayIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := command(ctx, "", "sim", "--ways", "--world", "single-faults")
	if r.status != statusInterrupted || !strings.Contains(r.stdout, "\ninterrupted after ") || r.stderr != "" {
		t.Errorf("status %d, standard output %q, standard error %q", r.status, r.stdout, r.stderr)
	}
	if r := command(ctx, "", "sim", "--world", "echo"); r.status != statusInterrupted || !strings.Contains(r.stdout, "interrupted after 0 of 10000 runs\n") {
		t.Errorf("without --ways: status %d, standard output %q", r.status, r.stdout)
	}
}

// Files that cannot be written are reported before anything runs, and others
// are left as they are.
func TestSimChecksFilesFirst(t *testing.T) {
	dir := t.TempDir()
	kept := fileOf(t, "kept", "kept")
	for _, flag := range []string{"--html", "--out"} {
		for _, more := range [][]string{nil, {"--ways"}} {
			r := command(t.Context(), "", append([]string{"sim", flag, filepath.Join(dir, "none", "a")}, more...)...)
			if r.status != statusFailed || r.stdout != "" || !strings.Contains(r.stderr, "websockets: "+flag+": ") {
				t.Errorf("%s %v: status %d, standard output %q, standard error %q", flag, more, r.status, r.stdout, r.stderr)
			}
		}
		for _, path := range []string{kept, filepath.Join(dir, "new")} {
			if err := canWrite(flag, path); err != nil {
				t.Error(err)
			}
		}
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "kept" {
		t.Errorf("%q, %v", text, err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

func TestSimRefusesFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--runs", "0"}, "--runs 0"},
		{[]string{"--workers", "0"}, "--workers 0"},
		{[]string{"--world", "nowhere"}, `"nowhere"`},
		{[]string{"--seed", "18446744073709551615", "--world", "closing", "--runs", "3"}, "3 runs of each world go beyond the greatest seed"},
		{[]string{"--runs", "many"}, "many"},
	} {
		r := command(t.Context(), "", append([]string{"sim"}, c.args...)...)
		if r.status != statusUsage || !strings.Contains(r.stderr, c.says) || !strings.Contains(r.stderr, `Run "websockets sim --help"`) {
			t.Errorf("%v: status %d, standard error %q", c.args, r.status, r.stderr)
		}
	}
	r := command(t.Context(), "", "sim", "--seed", "18446744073709551615", "--world", "closing", "--runs", "1")
	if r.status != statusOK || !strings.Contains(r.stdout, "\n1 run in ") {
		t.Errorf("the greatest seed: status %d, %q%q", r.status, r.stdout, r.stderr)
	}
}

func TestSimDrawsTheLastRun(t *testing.T) {
	page := filepath.Join(t.TempDir(), "run.html")
	r := command(t.Context(), "", "sim", "--world", "closing", "--runs", "1", "--html", page)
	text, err := os.ReadFile(page)
	if r.status != statusOK || err != nil || !strings.Contains(string(text), "world closing, seed 1") {
		t.Errorf("status %d, %v, %d bytes", r.status, err, len(text))
	}
	r = command(t.Context(), "", "sim", "--world", "closing", "--runs", "1", "--html", filepath.Join(page, "none"))
	if r.status != statusFailed {
		t.Errorf("where nothing can be written: status %d", r.status)
	}
}

func TestSimEveryWay(t *testing.T) {
	r := command(t.Context(), "", "sim", "--ways", "--world", "ping-meets-close,split-fragments")
	if r.status != 0 {
		t.Fatalf("status %d: %s", r.status, r.stderr)
	}
	for _, want := range []string{"states", "ping-meets-close", "split-fragments"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if few := command(t.Context(), "", "sim", "--ways", "--runs", "10"); few.status != 1 || !strings.Contains(few.stderr, "raise --runs") {
		t.Errorf("status %d, %q, want 1 and that 10 runs are too few", few.status, few.stderr)
	}
	for _, args := range [][]string{{"--world", "echo"}, {"--json"}} {
		if bad := command(t.Context(), "", append([]string{"sim", "--ways"}, args...)...); bad.status != 2 {
			t.Errorf("%v: status %d, want 2", args, bad.status)
		}
	}
}

// Every core runs the same seeds and the same ways, bit for bit.
func TestSimOnBothCores(t *testing.T) {
	outcome := func(core string) string {
		r := command(t.Context(), "", "sim", "--core", core, "--json", "--runs", "45", "--seed", "100")
		if r.status != statusOK {
			t.Errorf("status %d, standard error %q", r.status, r.stderr)
		}
		_, hash, _ := strings.Cut(r.stderr, "hash of all runs: ")
		if len(hash) < 16 {
			t.Errorf("no hash of all runs:\n%s", r.stderr)
		}
		hash, _, _ = strings.Cut(hash, "\n")
		return r.stdout + hash
	}
	if native, wasm := outcome("native"), outcome("wasm"); native != wasm {
		t.Errorf("natively:\n%s\nin WebAssembly:\n%s", native, wasm)
	}
}

// The hash of all runs is one of each of them, whatever the workers.
func TestSimHash(t *testing.T) {
	hash := func(flags ...string) string {
		r := command(t.Context(), "", append([]string{"sim", "--world", "closing,timeouts"}, flags...)...)
		_, after, found := strings.Cut(r.stdout, "\nhash of all runs: ")
		if r.status != statusOK || !found {
			t.Errorf("status %d, standard output:\n%s", r.status, r.stdout)
		}
		return after[:min(16, len(after))]
	}
	all := hash("--runs", "20", "--workers", "3")
	if again := hash("--runs", "20", "--workers", "1"); again != all {
		t.Errorf("%s, and with other workers %s", all, again)
	}
	for _, other := range [][]string{{"--runs", "21"}, {"--runs", "20", "--seed", "2"}} {
		if hash(other...) == all {
			t.Errorf("%v has the same hash", other)
		}
	}
}

func TestSimEveryWayOnBothCores(t *testing.T) {
	table := func(core string) string {
		r := command(t.Context(), "", "sim", "--core", core, "--ways", "--world", "ping-meets-close,split-fragments")
		if r.status != statusOK {
			t.Fatalf("status %d: %s", r.status, r.stderr)
		}
		var lines []string
		for line := range strings.Lines(r.stdout) {
			columns := strings.Fields(line)
			lines = append(lines, strings.Join(columns[:len(columns)-1], " ")) // without the seconds
		}
		return strings.Join(lines, "\n")
	}
	if native, wasm := table("native"), table("wasm"); native != wasm || strings.Count(native, "\n") != 2 {
		t.Errorf("natively:\n%s\nin WebAssembly:\n%s", native, wasm)
	}
}

// What fails in WebAssembly is looked into there, and the commands that are printed
// repeat it there.
func TestSimFindsAFailureInWasm(t *testing.T) {
	host := sandboxOf(t)
	out := filepath.Join(t.TempDir(), "found.scenario")
	c := simCommand{Runs: 1000, Seed: 1, Workers: 2, Out: out, coreKind: coreKind{"wasm"}, machine: machines(host)}
	r, err := searching(t, c, brittle)
	if err != errTold {
		t.Fatalf("%v, standard output %q, standard error %q", err, r.stdout, r.stderr)
	}
	for _, word := range []string{"the connection lasts", "  websockets replay --core wasm " + out + "\n", " --runs 1 --core wasm\n"} {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("it does not say %q:\n%s", word, r.stdout)
		}
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.ParseScenario(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, machine := range []sim.MachineFunc{nil, machines(host)} {
		outcomes, err := s.Run(map[string]func(*sim.World){"brittle": brittle.Build}, sim.RunOptions{Machine: machine})
		if err != nil || !slices.Equal(outcomes, s.Outcomes) {
			t.Errorf("the scenario expects %q, and %q comes, %v", s.Outcomes, outcomes, err)
		}
	}
	if n := host.Stats().Connections; n != 0 {
		t.Errorf("%d connections are left in the sandbox", n)
	}
}

// Where the sandbox is broken nothing can pass.
func TestSimNeedsTheSandbox(t *testing.T) {
	hostsBy(t, brokenHost)
	for _, args := range []string{"--runs 9", "--ways", "--json --runs 9"} {
		r := command(t.Context(), "", append([]string{"sim", "--core", "wasm", "--out", t.TempDir()}, strings.Fields(args)...)...)
		if r.status != statusFailed || !strings.Contains(r.stdout+r.stderr, "the host is closed") {
			t.Errorf("%s: status %d, standard output %q, standard error %q", args, r.status, r.stdout, r.stderr)
		}
	}
}
