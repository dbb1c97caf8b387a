package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// history are the lines typed before, the oldest first. With a file they are
// kept for the next time; a file that cannot be used is done without.
type history struct {
	lines []string
	file  string
}

// kept is how many lines are kept.
const kept = 1000

// loadHistory reads the lines of the last time.
func loadHistory() *history {
	dir, err := stateDir()
	if err != nil {
		return &history{}
	}
	h := &history{file: filepath.Join(dir, "websockets", "history")}
	text, err := os.ReadFile(h.file)
	if err != nil {
		return h
	}
	h.lines = slices.Collect(strings.Lines(string(text)))
	for i, line := range h.lines {
		h.lines[i] = strings.TrimSuffix(line, "\n")
	}
	if len(h.lines) > kept {
		h.lines = h.lines[len(h.lines)-kept:]
		h.rewrite()
	}
	return h
}

// stateDir is where programs keep what they remember.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if runtime.GOOS == "windows" {
		return os.UserCacheDir()
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state"), err
}

// rewrite drops the lines of the file that are too old.
func (h *history) rewrite() {
	fresh := h.file + ".new"
	if os.WriteFile(fresh, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600) == nil {
		os.Rename(fresh, h.file)
	}
}

// Add adds a line, unless it is empty or the same as the one before.
func (h *history) Add(line string) {
	if line == "" || len(h.lines) > 0 && h.At(0) == line {
		return
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > kept {
		h.lines = h.lines[1:]
	}
	if h.file == "" || os.MkdirAll(filepath.Dir(h.file), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	f.WriteString(line + "\n")
}

// Len is how many lines there are.
func (h *history) Len() int { return len(h.lines) }

// At returns a line; 0 is the latest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
