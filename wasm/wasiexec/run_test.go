//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// prints runs the program, which must succeed, and returns what it prints.
func prints(t *testing.T, args ...string) string {
	t.Helper()
	got := outcomeOf(t, command(t, args...))
	if got.status != 0 || got.stderr != "" {
		t.Errorf("%v: %+v", args, got)
	}
	return got.stdout
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{program, "arguments"}, "arguments"},
		{[]string{program, "arguments", "", "a b", "-interpreter"}, "arguments||a b|-interpreter"},
		{[]string{"--", program, "arguments", "--", "-x"}, "arguments|--|-x"},
		{[]string{"-interpreter", program, "arguments", "a"}, "arguments|a"},
		{[]string{"-interpreter", "--", program, "arguments", "-test.v"}, "arguments|-test.v"},
	} {
		if got := prints(t, tt.args...); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("WASIEXEC_TEST", "a=b, c")
	t.Setenv("WASIEXEC_EMPTY", "")
	for name, want := range map[string]string{
		"WASIEXEC_TEST":   "a=b, c|true",
		"WASIEXEC_EMPTY":  "|true",
		"WASIEXEC_ABSENT": "|false",
	} {
		if got := prints(t, program, "variable", name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Whatever PWD says, the program is in the directory that wasiexec is in.
func TestDirectory(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, program, "directory")
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "PWD=/nowhere")
	if got := outcomeOf(t, cmd); got.stdout != dir {
		t.Errorf("%+v, want %s", got, dir)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	absolute := filepath.Join(dir, "absolute")
	for _, names := range [][2]string{{"old", "relative"}, {"relative", absolute}, {absolute, "../" + filepath.Base(dir) + "/parent"}} {
		cmd := command(t, program, "copy", names[0], names[1])
		cmd.Dir = dir
		if got := outcomeOf(t, cmd); got != (outcome{}) {
			t.Errorf("%v: %+v", names, got)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "parent")); string(text) != "text" {
		t.Errorf("the last copy has %q, %v", text, err)
	}
}

func TestStreams(t *testing.T) {
	text := strings.Repeat("a line\n", 20_000)
	cmd := command(t, program, "streams")
	cmd.Stdin = strings.NewReader(text)
	if got := outcomeOf(t, cmd); got != (outcome{text, "all of it", 0}) {
		t.Errorf("%d bytes of output, %q, status %d", len(got.stdout), got.stderr, got.status)
	}
}

// The program sleeps for long enough to see that it does not wait in a loop.
func TestTime(t *testing.T) {
	const length = 500 * time.Millisecond
	cmd := command(t, program, "time", length.String())
	before := time.Now()
	got := outcomeOf(t, cmd)
	after := time.Now()
	date, duration, _ := strings.Cut(got.stdout, " ")
	if now, err := time.Parse(time.RFC3339Nano, date); err != nil || now.Before(before) || now.After(after) {
		t.Errorf("it is %q, %v, not between %v and %v", date, err, before, after)
	}
	if slept, err := time.ParseDuration(duration); err != nil || slept < length || slept > after.Sub(before) {
		t.Errorf("it slept %v for %q, %v", length, duration, err)
	}
	if busy := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); busy > length*9/10 {
		t.Errorf("it was busy for %v", busy)
	}
}

func TestRandom(t *testing.T) {
	first, second := prints(t, program, "random"), prints(t, program, "random")
	if len(first) < 26 || first == second {
		t.Errorf("random numbers %q, then %q", first, second)
	}
}
