package wasm_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"text/tabwriter"

	"github.com/fb1e3c20/websockets/core/frame"
)

var ratios = flag.Bool("ratios", false, "measure and print the speed of the core in WebAssembly next to the native one")

// TestRatios prints, with -ratios, how fast a server's core echoes natively and in
// WebAssembly: medians of rounds that take turns, and what the one is of the other.
//
//	go test ./wasm -run Ratios -v -args -ratios
func TestRatios(t *testing.T) {
	if !*ratios {
		return
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "payload\ttype\tcalls\tframes a call\tnative ns/frame\twasm ns/frame\twasm of native\t")
	for _, size := range []int{16, 128, 1 << 10, 64 << 10} {
		for _, op := range []frame.Opcode{frame.Binary, frame.Text} {
			for _, many := range []bool{false, true} {
				native, wasm := compare(op, size, many)
				calls := "Recv, AppendMessage, Wrote"
				if many {
					calls = "Batch"
				}
				fmt.Fprintf(out, "%d B\t%v\t%s\t%d\t%.0f\t%.0f\t%.0f %%\t\n", size, op, calls, framesOf(size, many), native, wasm, 100*native/wasm)
			}
		}
	}
	out.Flush()
	s := host(t).Stats()
	fmt.Printf("\n%d instances with %d KiB of memory each\n", s.Instances, s.Memory/int64(s.Instances)>>10)
}

// compare returns the medians of some rounds, which take turns.
func compare(op frame.Opcode, size int, many bool) (native, wasm float64) {
	const rounds = 7
	var times [2][]float64
	for range rounds {
		for i, kind := range []string{"native", "wasm"} {
			r := testing.Benchmark(func(b *testing.B) { benchmarkEcho(b, kind, op, size, many) })
			times[i] = append(times[i], float64(r.T.Nanoseconds())/float64(r.N))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	return times[0][rounds/2], times[1][rounds/2]
}
