package mutate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Overlay applies m to a copy of its file, for the module in the folder root,
// and returns the name of a file for go build -overlay. Both go into dir.
func (m Mutation) Overlay(root, dir string) (string, error) {
	original, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.Old); n != 1 {
		return "", fmt.Errorf("%s: the text to replace occurs %d times in %s", m.Name, n, m.File)
	}
	mutant, err := filepath.Abs(filepath.Join(dir, filepath.Base(original)))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(mutant, []byte(strings.Replace(string(source), m.Old, m.New, 1)), 0o644); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutant}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, overlay, 0o644)
}
