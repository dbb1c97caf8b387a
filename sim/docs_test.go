package sim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The example of docs/simulation.md, in a module of its own: it finds the bug,
// saves it, and passes once that is mended as the page says.
func TestDocsExample(t *testing.T) {
	page, err := os.ReadFile("../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	program, said, mended := blocks(t, string(page))
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const module = "github.com/fb1e3c20/websockets"
	write("go.mod", "module example.org/room\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(sums))
	test := func() (string, error) {
		cmd := exec.Command("go", "test", "-mod=mod", ".")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	write("room_test.go", program)
	out, err := test()
	if err == nil {
		t.Fatalf("the bug was not found:\n%s", out)
	}
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "--- FAIL") && !strings.HasPrefix(line, "FAIL") && !strings.Contains(out, line) {
			t.Errorf("the page shows %q, and go test says\n%s", line, out)
		}
	}
	saved, err := os.ReadFile(filepath.Join(dir, "testdata/sim/TestRoom/seed-1.scenario"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```\n"+strings.TrimSpace(string(saved))+"\n```") {
		t.Errorf("the page shows another scenario than\n%s", saved)
	}

	program = strings.Replace(program, "\tcase sim.Message:", mended+"\tcase sim.Message:", 1)
	write("room_test.go", strings.Replace(program, `"fmt"`, "\"fmt\"\n\t\"slices\"", 1))
	if out, err := test(); err != nil {
		t.Errorf("the mended program fails:\n%s", out)
	}
}

// blocks returns the program of the page, what it says go test prints, and the
// lines that mend the program.
func blocks(t *testing.T, page string) (program, said, mended string) {
	parts := strings.SplitN(page, "```", 7)
	if len(parts) < 7 {
		t.Fatal("the page lacks the example")
	}
	return strings.TrimPrefix(parts[1], "go\n"), parts[3], strings.TrimPrefix(parts[5], "go\n")
}
