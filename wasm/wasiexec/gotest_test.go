//go:build unix

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestGoTest runs tests as docs/testing.md says.
func TestGoTest(t *testing.T) {
	const wrapper = "env GOOS= GOARCH= go tool wasiexec"
	page, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	if command := `GOOS=wasip1 GOARCH=wasm go test -exec "` + wrapper + `" `; !strings.Contains(string(page), command) {
		t.Errorf("docs/testing.md does not say %s", command)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-exec", wrapper, "./testdata/suite")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "WASIEXEC_CACHE="+cache)
	got := outcomeOf(t, cmd)
	if got.status != 1 {
		t.Errorf("status %d, want 1", got.status)
	}
	for _, line := range []string{"--- PASS: TestSystem", "--- PASS: TestFiles", "--- PASS: FuzzCorpus/saved", "--- FAIL: TestFails"} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("no %q in\n%s%s", line, got.stdout, got.stderr)
		}
	}
}
