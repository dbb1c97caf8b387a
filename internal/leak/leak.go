// Package leak looks for goroutines that tests leave behind.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines may take to end. A QUIC connection whose last packets
// were lost takes as long as its idle timeout; a leak takes for ever.
const patience = time.Minute

// Main runs the tests, cleans up and exits. It fails the run if a goroutine in this
// module's code outlives the tests by more than a minute.
func Main(m *testing.M, cleanups ...func()) {
	code := m.Run()
	for _, clean := range cleanups {
		clean()
	}
	if left := goroutines(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// goroutines returns the stacks of those that do not end in time.
func goroutines() string {
	var left string
	for start := time.Now(); time.Since(start) < patience; time.Sleep(5 * time.Millisecond) {
		if left = Stacks(); left == "" {
			return ""
		}
	}
	return left
}

// Stacks returns the stacks of all goroutines but the caller's that are in this
// module's code.
func Stacks() string {
	buf := make([]byte, 1<<20)
	var list []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")[1:] {
		if strings.Contains(stack, "/websockets") {
			list = append(list, stack)
		}
	}
	return strings.Join(list, "\n\n")
}
