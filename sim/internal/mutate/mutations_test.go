package mutate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/sim/internal/mutate"
)

// Each mutation still finds its place in the source, and changes it.
func TestMutationsApply(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutate.All {
		if names[m.Name] {
			t.Errorf("two mutations are named %q", m.Name)
		}
		names[m.Name] = true
		source, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(m.File)))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.Old); n != 1 {
			t.Errorf("%s: the text to replace occurs %d times in %s", m.Name, n, m.File)
		}
		if m.Old == m.New {
			t.Errorf("%s: nothing is replaced", m.Name)
		}
	}
}
