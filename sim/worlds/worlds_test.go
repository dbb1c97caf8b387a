package worlds_test

import (
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
)

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range worlds.All() {
		if named, ok := worlds.Named(w.Name); !ok || named.About != w.About || seen[w.Name] {
			t.Errorf("the name %q is not that of one world", w.Name)
		}
		if strings.Trim(w.Name, "abcdefghijklmnopqrstuvwxyz") != "" || w.About == "" || strings.Contains(w.About, "\n") {
			t.Errorf("world %q, about %q", w.Name, w.About)
		}
		seen[w.Name] = true
	}
	if _, ok := worlds.Named("nowhere"); ok {
		t.Error("there is a world nowhere")
	}
}

// The command websockets sim runs thousands of them.
func TestSeeds(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 20
	}
	for _, w := range worlds.All() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				seeds(t, w, runs) // too few for the marks
				return
			}
			sim.Check(t, w.Build, sim.Runs(runs))
		})
	}
}

func seeds(t *testing.T, w worlds.World, runs int) {
	tape := new(sim.Tape)
	for seed := range uint64(runs) {
		tape.Reset(seed)
		if r := sim.Run(tape, w.Build, sim.RunOptions{}); r.Failure != nil {
			t.Errorf("seed %d: %v", seed, r.Failure)
		}
	}
}

// A run is the same when it is traced, and from the choices that it made.
func TestReplay(t *testing.T) {
	for _, w := range worlds.All() {
		plain := sim.Run(sim.FromSeed(3), w.Build, sim.RunOptions{})
		traced := sim.Run(sim.FromSeed(3), w.Build, sim.RunOptions{Trace: true})
		tape, err := sim.FromChoices(plain.Choices)
		if err != nil {
			t.Fatal(err)
		}
		recorded := sim.Run(tape, w.Build, sim.RunOptions{})
		if plain.Hash != traced.Hash || plain.Hash != recorded.Hash {
			t.Errorf("world %s: hash %x, traced %x, from its choices %x", w.Name, plain.Hash, traced.Hash, recorded.Hash)
		}
		if err := traced.Chart().Check(); err != nil {
			t.Errorf("world %s: %v", w.Name, err)
		}
	}
}

func BenchmarkWorlds(b *testing.B) {
	for _, w := range worlds.All() {
		b.Run(w.Name, func(b *testing.B) {
			tape := new(sim.Tape)
			steps, simulated, seed := 0, 0.0, uint64(0)
			for b.Loop() {
				seed++
				tape.Reset(seed)
				r := sim.Run(tape, w.Build, sim.RunOptions{})
				if r.Failure != nil {
					b.Fatal(r.Failure)
				}
				steps += r.Steps
				simulated += r.Simulated.Seconds()
			}
			b.ReportMetric(float64(steps)/float64(seed), "steps/run")
			b.ReportMetric(simulated/b.Elapsed().Seconds(), "times-real-time")
		})
	}
}
