// WebAssembly has no processes to start.
//go:build !wasm

package sim_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const docsPage = "../docs/simulation.md"

// The example of docs/simulation.md, in a module of its own: it finds the bug,
// says what the page shows, saves it, and passes once that is mended as the page
// says. With -sim.rewrite the page is written anew.
func TestDocsExample(t *testing.T) {
	text, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	page := docs{t, strings.Split(string(text), "```")}
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
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const module = "github.com/fb1e3c20/websockets"
	write("go.mod", "module example.org/room\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	write("go.sum", read("../go.sum"))
	test := func() (string, error) {
		var said, broken strings.Builder
		cmd := exec.Command("go", "test", "-mod=mod", ".")
		cmd.Dir = dir
		cmd.Stdout, cmd.Stderr = &said, &broken
		err := cmd.Run()
		if broken.Len() > 0 {
			t.Log(broken.String())
		}
		return said.String(), err
	}

	program := strings.TrimPrefix(page.block("package room"), "go\n")
	write("room_test.go", program)
	out, err := test()
	if err == nil {
		t.Fatalf("the bug was not found:\n%s", out)
	}
	page.shows("--- FAIL: TestRoom", lasting(out))
	page.shows("\nworld TestRoom\n", read(filepath.Join(dir, "testdata/sim/TestRoom/seed-1.scenario")))
	page.shows("# The pong timeout", read("testdata/scenarios/pong-timeout.scenario"))

	mended := strings.TrimPrefix(page.block("go\n\tcase sim.Closed:"), "go\n")
	program = strings.Replace(program, "\tcase sim.Message:", mended+"\tcase sim.Message:", 1)
	write("room_test.go", strings.Replace(program, `"fmt"`, "\"fmt\"\n\t\"slices\"", 1))
	if out, err := test(); err != nil {
		t.Errorf("the mended program fails:\n%s", out)
	}
}

var (
	seconds = regexp.MustCompile(`(?m)^(--- FAIL: .*\(|FAIL\t.*\t)[0-9.]+s`)
	hash    = regexp.MustCompile(`hash [0-9a-f]{16}`)
	blanks  = regexp.MustCompile(`(?m)[ \t]+$`)
)

// lasting is what go test prints without what differs each time, or with each
// change of the simulator.
func lasting(out string) string {
	out = seconds.ReplaceAllString(out, "${1}0.02s")
	out = hash.ReplaceAllString(out, "hash …")
	return blanks.ReplaceAllString(out, "")
}

// docs is a page in pieces: every second one is a block of code.
type docs struct {
	t      *testing.T
	pieces []string
}

// index finds the first block that has these words.
func (d docs) index(words string) int {
	for i := 1; i < len(d.pieces); i += 2 {
		if strings.Contains(d.pieces[i], words) {
			return i
		}
	}
	d.t.Fatalf("the page has no block with %q", words)
	return 0
}

func (d docs) block(words string) string { return d.pieces[d.index(words)] }

// shows checks that the block with these words is as wanted, or makes it so.
func (d docs) shows(words, want string) {
	i := d.index(words)
	want = "\n" + strings.Trim(want, "\n") + "\n"
	if d.pieces[i] == want {
		return
	}
	if flag.Lookup("sim.rewrite").Value.String() != "true" {
		d.t.Errorf("the page shows%sand it is%s-sim.rewrite writes it", d.pieces[i], want)
		return
	}
	d.pieces[i] = want
	if err := os.WriteFile(docsPage, []byte(strings.Join(d.pieces, "```")), 0o666); err != nil {
		d.t.Error(err)
	}
}
