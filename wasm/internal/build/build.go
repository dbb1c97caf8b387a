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

// standIns are what the guest needs of packages of the standard library whose rest
// would be in it all the same, by package: a fifth of the module.
//
// Of package time that is Duration, without clocks, zones and timers; that the core
// uses no more is a test of its own there. Of package fmt, with which files, their
// system calls and reflection come, it is what compressors print when they find a
// mistake of their own.
var standIns = map[string]string{
	"time": `package time

type Duration int64

const (
	Nanosecond  Duration = 1
	Microsecond          = 1000 * Nanosecond
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
)
`,
	"fmt": `package fmt

type text string

func (t text) Error() string { return string(t) }

func Errorf(format string, _ ...any) error { return text(format) }
func Sprint(...any) string                 { return "a mistake" }
func Sprintln(...any) string               { return "a mistake" }
func Println(...any) (int, error)          { return 0, nil }
`,
}

// writeOverlay writes, into dir, an overlay of the go command that replaces packages by
// their stand-ins.
func writeOverlay(dir string) (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	replace := make(map[string]string)
	for name, source := range standIns {
		root := filepath.Join(strings.TrimSpace(string(out)), "src", name)
		if err := standIn(replace, root, filepath.Join(dir, name+".go"), source); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o666)
}

// standIn has the one file of a source replace all that lie in root.
func standIn(replace map[string]string, root, file, source string) error {
	all, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no Go source in " + root)
	}
	for _, name := range all {
		replace[name] = "" // is not there
	}
	replace[filepath.Join(root, filepath.Base(file))] = file
	return os.WriteFile(file, []byte(source), 0o666)
}
