package worlds_test

import (
	"testing"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

func TestSeeds(t *testing.T) {
	for _, world := range worlds.All() {
		t.Run(world.Name, func(t *testing.T) {
			t.Parallel()
			var tape sim.Tape
			marks := map[string]bool{}
			for seed := range uint64(300) {
				tape.Reset(seed)
				r := sim.Run(&tape, world.Build, sim.RunOptions{})
				if r.Failure != nil {
					t.Fatalf("seed %d: %v", seed, r.Failure)
				}
				for _, m := range r.Marks {
					marks[m.Name] = marks[m.Name] || m.Reached
				}
			}
			for name, reached := range marks {
				if !reached {
					t.Errorf("no run reached it: %s", name)
				}
			}
		})
	}
}
