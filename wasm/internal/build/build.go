// Package build compiles the guest.
package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Package is the guest's import path.
const Package = "github.com/fb1e3c20/websockets/wasm/guest"

// Guest compiles the guest with the go command that is found, from the module
// that dir lies in, and returns the WebAssembly module. Equal sources and an equal
// Go give equal bytes. tags are build tags.
func Guest(dir string, tags ...string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	overlay, err := writeOverlay(tmp)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(tmp, "core.wasm")
	cmd := exec.Command("go", "build", "-o", file, "-overlay", overlay, "-trimpath", "-buildvcs=false",
		"-buildmode=c-shared", "-ldflags=-s -w", "-tags="+strings.Join(tags, ","), Package)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWASM=", "GOFLAGS=", "GOEXPERIMENT=", "GODEBUG=", "GOFIPS140=off", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build %s: %w\n%s", Package, err, out)
	}
	module, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return thread(module)
}

// onlyDuration is what the guest needs of package time. The rest of it, clocks,
// zones and timers, would be a tenth of the module. That the core uses no more is
// a test of its own there.
const onlyDuration = `package time

type Duration int64

const (
	Nanosecond  Duration = 1
	Microsecond          = 1000 * Nanosecond
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
)
`

// writeOverlay writes, into dir, an overlay of the go command that replaces
// package time by onlyDuration.
func writeOverlay(dir string) (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "src", "time")
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", errors.New("no source of package time in " + root)
	}
	replace := make(map[string]string)
	for _, file := range files {
		replace[file] = "" // is not there
	}
	stub := filepath.Join(dir, "time.go")
	replace[filepath.Join(root, "time.go")] = stub
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, errors.Join(os.WriteFile(stub, []byte(onlyDuration), 0o666), os.WriteFile(overlay, text, 0o666))
}
