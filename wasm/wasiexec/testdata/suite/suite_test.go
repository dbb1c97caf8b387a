// Package suite_test are tests as one writes them anywhere. Those of wasiexec
// run them in WebAssembly.
package suite_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestSystem(t *testing.T) {
	if runtime.GOOS != "wasip1" {
		t.Errorf("built for %s", runtime.GOOS)
	}
}

func TestFiles(t *testing.T) {
	if _, err := os.Stat("testdata/fuzz"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("../program/main.go"); err != nil {
		t.Error(err)
	}
	name := filepath.Join(t.TempDir(), "new")
	if err := os.WriteFile(name, []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(name); string(text) != "text" {
		t.Errorf("read %q, %v", text, err)
	}
}

func FuzzCorpus(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		if text != "seed" {
			t.Errorf("%q is not in the corpus", text)
		}
	})
}

func TestFails(t *testing.T) { t.Error("as it should") }
