package worlds_test

import (
	"testing"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

func TestSmallWorldsInEveryWay(t *testing.T) {
	for _, w := range worlds.Small() {
		t.Run(w.Name, func(t *testing.T) { sim.Exhaust(t, w.Build) })
	}
}
