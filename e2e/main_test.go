//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin holds the commands of this repository, built for the tests with the race
// detector in them.
var bin string

// core is where the protocol core of websockets serve and of the Autobahn server runs.
var core = flag.String("core", "native", "`WHERE` the servers run the protocol core: native or wasm")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if *core != "native" && *core != "wasm" {
		fmt.Fprintf(os.Stderr, "-core %s: there are native and wasm\n", *core)
		return 2
	}
	dir, err := os.MkdirTemp("", "websockets-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	// Without this, every command waits a second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0")

	build := exec.Command("go", "build", "-race", "-o", dir+string(filepath.Separator),
		"./cmd/websockets", "./examples/...")
	build.Dir = ".."
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "go build:", err)
		return 1
	}
	return m.Run()
}
