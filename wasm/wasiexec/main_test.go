//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The tests run wasiexec as its users build it: with the race detector the
// compilation of a program takes far longer.
var wasiexec, program, cache string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "wasiexec")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	wasiexec, program, cache = filepath.Join(dir, "wasiexec"), filepath.Join(dir, "program.wasm"), filepath.Join(dir, "cache")
	host := exec.Command("go", "build", "-o", wasiexec, ".")
	guest := exec.Command("go", "build", "-o", program, "./testdata/program")
	guest.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	for _, cmd := range []*exec.Cmd{host, guest} {
		if out, err := cmd.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v: %v\n%s", cmd, err, out))
		}
	}
	return m.Run()
}

// patience bounds what a command may take; none that works comes near it.
const patience = time.Minute

// command is wasiexec with these arguments, not started yet.
func command(t *testing.T, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, wasiexec, args...)
	cmd.Env = append(os.Environ(), "WASIEXEC_CACHE="+cache)
	return cmd
}

// outcome is what is left of a command.
type outcome struct {
	stdout, stderr string
	status         int
}

func outcomeOf(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// trap is a module whose _start is an unreachable instruction.
const trap = "\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // a type: no parameters, no results
	"\x03\x02\x01\x00" + // a function of that type
	"\x07\x0a\x01\x06_start\x00\x00" + // its name
	"\x0a\x05\x01\x03\x00\x00\x0b" // its code

// library is a module without anything.
const library = "\x00asm\x01\x00\x00\x00"

func file(t *testing.T, text string) string {
	name := filepath.Join(t.TempDir(), "file.wasm")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStatus(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.wasm")
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		stderr string
	}{
		{"success", []string{program, "exit", "0"}, 0, ""},
		{"failure", []string{program, "exit", "42"}, 42, ""},
		{"failure, interpreted", []string{"-interpreter", program, "exit", "42"}, 42, ""},
		{"panic", []string{program, "panic"}, 2, "panic: on purpose"},
		{"trap", []string{file(t, trap)}, 134, "file.wasm trapped: wasm error: unreachable"},
		{"trap, interpreted", []string{"-interpreter", file(t, trap)}, 134, "file.wasm trapped: wasm error: unreachable"},
		{"no file", []string{absent}, 125, "absent.wasm was not run: open"},
		{"another file", []string{file(t, "#!/bin/sh")}, 125, "file.wasm was not run: build it with GOOS=wasip1 GOARCH=wasm"},
		{"library", []string{file(t, library)}, 125, "build a program, not a library"},
		{"no argument", nil, 125, "usage: wasiexec"},
		{"another flag", []string{"-v", program}, 125, "not defined: -v"},
		{"help", []string{"-h"}, 0, "usage: wasiexec"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := outcomeOf(t, command(t, tt.args...))
			said := strings.Contains(got.stderr, tt.stderr) && (tt.stderr != "" || got.stderr == "")
			if got.status != tt.status || got.stdout != "" || !said {
				t.Errorf("%+v, want status %d and %q", got, tt.status, tt.stderr)
			}
		})
	}
}

func TestInterrupt(t *testing.T) {
	cmd := command(t, program, "spin")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "spinning\n" {
		t.Errorf("read %q, %v", line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: interrupt" {
		t.Errorf("%v, want it to end by the signal", err)
	}
}
