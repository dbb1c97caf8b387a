//go:build e2e

package e2e

import "testing"

// The core in a page: two ends in one instance of the module, their clock in the
// hands of the script.
func TestWasmBrowserExample(t *testing.T) {
	s := example(t, "wasm-browser")
	p := start(t, "node", "peers/wasm-browser.mjs", "http://"+s.host+"/")
	p.rest()
	p.exit(0)
	s.stop()
}

func TestWasmBrowserExampleMisused(t *testing.T) {
	p := command(t, "wasm-browser", "extra", "--addr", "127.0.0.1:0")
	if lines := p.rest(); len(lines) > 0 {
		t.Errorf("standard output: %q", lines)
	}
	p.exit(2)
	if got, want := p.stderr.String(), "wasm-browser: unexpected argument \"extra\"\n"; got != want {
		t.Errorf("standard error: %q, want %q", got, want)
	}
}
