// WebAssembly has no processes to start.
//go:build !wasm

package worlds_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/sim/internal/mutate"
)

// mutants are broken cores that a search through the worlds must catch: for
// each, a mutation and a word of the property that it violates.
var mutants = []struct{ name, violates string }{
	{"no ping after the first", "time"},
	{"close timer forgotten", "time"},
	{"connection deadline off by one", "time"},
	{"pong not answered", "output"},
	{"mask key used again", "entropy"},
	{"text's state lost between fragments", "input"},
	{"message limit off by one", "input"},
	{"fragment state lost after a control frame", "input"},
	{"output forgotten after a tick", "output"},
	{"late tick judged as if in time", "time"},
	{"distance beyond the window", "input"},
	{"tail forgotten", "input"},
}

// mostChoices is to how many choices a failure is shrunk at least.
const mostChoices = 12

// TestMutants breaks the core, one way at a time, and has websockets sim find
// out: it must fail, shrink the failure and draw it.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(mutate.All, func(a mutate.Mutation) bool { return a.Name == m.name })
			if i < 0 {
				t.Fatal("there is no such mutation")
			}
			dir := t.TempDir()
			text := search(t, build(t, mutate.All[i], dir), dir)
			if !strings.Contains(text, "core: "+m.violates+":") {
				t.Errorf("the violated property is not %q of the core:\n%s", m.violates, text)
			}
			if n := choicesLeft(t, text); n > mostChoices {
				t.Errorf("%d choices are left, want at most %d:\n%s", n, mostChoices, text)
			}
			for _, part := range []string{"│", "at the end:", "violated:", ".scenario"} {
				if !strings.Contains(text, part) {
					t.Errorf("the failure is not drawn: no %q in\n%s", part, text)
				}
			}
			page, err := os.ReadFile(filepath.Join(dir, "chart.html"))
			if err != nil || !strings.Contains(string(page), "<svg") {
				t.Errorf("no chart is drawn on the page: %v", err)
			}
		})
	}
}

// build builds the command with a mutated core.
func build(t *testing.T, m mutate.Mutation, dir string) string {
	root := filepath.Join("..", "..")
	overlay, err := m.Overlay(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	command := filepath.Join(dir, "websockets.exe")
	cmd := exec.Command("go", "build", "-overlay", overlay, "-o", command, "./cmd/websockets")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return command
}

// search runs the worlds until one fails, and returns what is printed.
func search(t *testing.T, command, dir string) string {
	cmd := exec.Command(command, "sim", "--runs", "9000", "--workers", "1", "--html", "chart.html")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("nothing was found: %v\n%s", err, out)
	}
	return string(out)
}

var shrunk = regexp.MustCompile(`shrunk from \d+ choices? to (\d+)`)

// choicesLeft returns to how many choices the failure was shrunk.
func choicesLeft(t *testing.T, text string) int {
	found := shrunk.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("it is not told how far the failure was shrunk:\n%s", text)
	}
	n, _ := strconv.Atoi(found[1])
	return n
}
