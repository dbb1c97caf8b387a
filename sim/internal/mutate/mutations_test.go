package mutate_test

import (
	"bytes"
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"github.com/fb1e3c20/websockets/sim/internal/mutate"
)

// Each mutation still finds its place in the source, changes it, and leaves Go
// behind.
func TestMutationsApply(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	names := map[string]bool{}
	for _, m := range mutate.All {
		if names[m.Name] {
			t.Errorf("two mutations are named %q", m.Name)
		}
		names[m.Name] = true
		overlay, err := m.Overlay(root, t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		for original, mutant := range replacements(t, overlay) {
			before, after := read(t, original), read(t, mutant)
			if bytes.Equal(before, after) {
				t.Errorf("%s: nothing is replaced", m.Name)
			}
			if _, err := parser.ParseFile(token.NewFileSet(), mutant, after, 0); err != nil {
				t.Errorf("%s: %v", m.Name, err)
			}
		}
	}
}

func TestOverlayNeedsOnePlace(t *testing.T) {
	for _, m := range []mutate.Mutation{
		{Name: "none", File: "go.mod", Old: "no such text", New: "x"},
		{Name: "many", File: "go.mod", Old: "o", New: "x"},
		{Name: "no file", File: "none.go", Old: "a", New: "b"},
	} {
		if _, err := m.Overlay(filepath.Join("..", "..", ".."), t.TempDir()); err == nil {
			t.Errorf("%s: no error", m.Name)
		}
	}
}

func replacements(t *testing.T, overlay string) map[string]string {
	t.Helper()
	var list struct{ Replace map[string]string }
	if err := json.Unmarshal(read(t, overlay), &list); err != nil {
		t.Fatal(err)
	}
	return list.Replace
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	p, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
