package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	h := loadHistory()
	for i := range kept + 10 {
		h.Add(fmt.Sprint(i))
		h.Add(fmt.Sprint(i))
		h.Add("")
	}
	for range 2 {
		if h.Len() != kept || h.At(0) != fmt.Sprint(kept+9) || h.At(kept-1) != "10" {
			t.Fatalf("%d lines from %q to %q", h.Len(), h.At(h.Len()-1), h.At(0))
		}
		h = loadHistory()
	}
	text, err := os.ReadFile(filepath.Join(dir, "websockets", "history"))
	if err != nil || strings.Count(string(text), "\n") != kept {
		t.Errorf("%d lines in the file, %v", strings.Count(string(text), "\n"), err)
	}
}

// Where nothing can be kept, nothing is, and nobody is disturbed.
func TestHistoryWithoutAPlace(t *testing.T) {
	place := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(place, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", place)
	h := loadHistory()
	h.Add("line")
	if h.Len() != 1 || h.At(0) != "line" {
		t.Errorf("%d lines", h.Len())
	}
}
