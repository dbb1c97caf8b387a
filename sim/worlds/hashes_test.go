// WebAssembly has no processes to start.
//go:build !wasm

package worlds_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

// hashes are those of some runs of each world.
func hashes() []byte {
	var p []byte
	tape := new(sim.Tape)
	for _, w := range worlds.All() {
		for seed := range uint64(10) {
			tape.Reset(seed)
			r := sim.Run(tape, w.Build, sim.RunOptions{})
			p = fmt.Appendf(p, "%s %d %016x %d\n", w.Name, seed, r.Hash, r.Steps)
		}
	}
	return p
}

const hashesWanted = "WORLDS_TEST_HASHES"

// A seed gives the same run in another process, with other garbage collections
// and another number of processors.
func TestHashes(t *testing.T) {
	if os.Getenv(hashesWanted) != "" {
		os.Stdout.Write(append([]byte("hashes:\n"), hashes()...))
		return
	}
	want := hashes()
	for _, variables := range [][]string{
		{"GOMAXPROCS=1", "GOGC=off"},
		{"GOMAXPROCS=4", "GOGC=5", "GODEBUG=gcstoptheworld=1"},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHashes$", "-test.count=1")
		cmd.Env = append(append(os.Environ(), hashesWanted+"=1"), variables...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		_, got, _ := bytes.Cut(out, []byte("hashes:\n"))
		if !bytes.HasPrefix(got, want) {
			t.Errorf("with %v:\n%s\nwant:\n%s", variables, got, want)
		}
	}
}
