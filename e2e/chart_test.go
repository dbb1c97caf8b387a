//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// failing is a run that never comes to rest: an end without timeouts waits for
// the close frame of a peer that never sends one.
const failing = `roles both
this connection=off close=off
peer puppet

1s  this send text "hello <b>world</b>"
2s  this close 1000 "bye"
run 1m
settle
`

// The page that websockets replay --html draws, in a real browser.
func TestChromiumOnTheChart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "failing.scenario")
	if err := os.WriteFile(file, []byte(failing), 0o666); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "chart.html") // of "this" as the server
	replay := command(t, "websockets", "replay", "--html", page, file)
	replay.rest()
	replay.exit(1)
	p := start(t, "node", "peers/chart.mjs", page)
	p.rest()
	p.exit(0)
}
