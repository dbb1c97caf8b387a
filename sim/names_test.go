package sim

import (
	"testing"
	"time"
)

func TestNodeNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "order": true, "swarm.Resets": true, "app:a": true, "zoë": true, "a.drift": true, "a-b_c": true,
		"": false, "a>b": false, "a/2": false, "a b": false, "a\tb": false, "a\x00": false, "a\u0085": false, "a\u00a0b": false,
	} {
		if err := checkNodeName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestStreamNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "ann pace": true, "orders": true, "strikes": true, "swarm": true, "": true, "a/b": true,
		"order": false, "strike": false, "swarm.Resets": false, "nemesis.kind": false, "app:a": false,
		"a>b.cut": false, "a.post": false, "a.drift": false, "a.app": false, "a.lateness": false,
	} {
		if err := checkStreamName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Whatever a node is named, its App's choices are its own.
func TestNodesShareNoStream(t *testing.T) {
	for _, name := range []string{"order", "strike", "nemesis.kind"} {
		plain(t, RunOptions{}, func(w *World) {
			n := w.Server(name, quiet)
			if own := w.tape.Stream(name); n.own == own {
				t.Errorf("the node %q chooses on the stream of the simulator", name)
			}
		})
	}
}

// A function of At at the very beginning meets nodes that are up, whatever
// comes first.
func TestNodesActAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		dialed, fired := 0, 0
		r := Run(FromSeed(seed), func(w *World) {
			server := w.Server("server", quiet)
			n := w.Server("n", func() App { return &testApp{timer: func(*Node, string) { fired++ }} })
			w.At(0, func() { n.After(time.Second, "x") })
			w.At(0, func() {
				if n.Dial(server) != nil {
					dialed++
				}
			})
		}, RunOptions{})
		if r.Failure != nil || dialed != 1 || fired != 1 {
			t.Fatalf("seed %d: %v; %d connections, %d timers", seed, r.Failure, dialed, fired)
		}
	}
}
