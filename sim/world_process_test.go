// WebAssembly has no processes to start.
//go:build !wasm

package sim

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// One seed is one run in every process.
func TestHashesAreEqualInOtherProcesses(t *testing.T) {
	const child = "SIM_TEST_HASHES"
	if os.Getenv(child) != "" {
		fmt.Println("hashes:", hashes())
		return
	}
	want := hashes()
	for _, n := range []string{"1", "4"} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), child+"=1", "GOMAXPROCS="+n)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "hashes: "+want+"\n") {
			t.Errorf("another process, GOMAXPROCS=%s: %v, %s, want %s", n, err, out, want)
		}
	}
}
