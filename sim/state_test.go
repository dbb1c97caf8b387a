package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// What functions of At change belongs to the state: without World.State nothing
// is recognised, and every order is tried.
func TestExploreTriesEveryOrderOfCalls(t *testing.T) {
	build := func(told bool) func(w *World) {
		return func(w *World) {
			sum := 0
			if told {
				w.State(func(dst []byte) []byte { return fmt.Append(dst, sum) })
			}
			w.Server("a", Echo)
			w.At(time.Second, func() { sum = sum*2 + 1 })
			w.At(time.Second, func() { sum = sum * 3 })
			w.Eventually("the sum is 3", func() error {
				if sum != 3 {
					return fmt.Errorf("it is %d", sum)
				}
				return nil
			})
			w.Run(5 * time.Second)
		}
	}
	for _, told := range []bool{false, true} {
		x := Explore(build(told), RunOptions{}, ExhaustOptions{})
		if x.Failed == nil {
			t.Errorf("%v with World.State %v: the other order was not tried", x, told)
		}
	}
}

// Two states are not taken for one because what was written down runs together.
func TestStatesDoNotRunTogether(t *testing.T) {
	var hashes []uint64
	for _, states := range [][2]string{{"ab", ""}, {"a", "b"}, {"", "ab"}} {
		w := newWorld(FromSeed(0), nativeMachine)
		for i, s := range states {
			w.Server(fmt.Sprint("n", i), func() App { return stated(s) })
		}
		w.Run(time.Second)
		hash, opaque := w.stateOf()
		if opaque != "" || slices.Contains(hashes, hash) {
			t.Errorf("%q: %q, or the hash of another state", states, opaque)
		}
		hashes = append(hashes, hash)
	}
}

type stated string

func (stated) OnEvent(*Node, Event)            {}
func (stated) OnTimer(*Node, string)           {}
func (s stated) AppendState(dst []byte) []byte { return append(dst, s...) }

// What happens differently hashes differently.
func TestHashTakesInWhatHappens(t *testing.T) {
	hash := func(build func(w *World)) uint64 {
		return Run(FromSeed(0), build, RunOptions{}).Hash
	}
	pair := func(do func(w *World, first, second *Conn)) func(w *World) {
		return func(w *World) {
			room := w.Server("room", Echo)
			ann := w.Client("ann", room, Echo)
			ann.dials = append(ann.dials, room)
			w.At(time.Second, func() { do(w, ann.Conns()[0], ann.Conns()[1]) })
			w.Run(2 * time.Second)
		}
	}
	for name, builds := range map[string][2]func(w *World){
		"time that passes": {func(w *World) { w.Run(time.Second) }, func(w *World) { w.Run(time.Minute) }},
		"clock that jumps": {
			pair(func(w *World, c, _ *Conn) { c.Node().AdjustClock(time.Second) }),
			pair(func(w *World, c, _ *Conn) { c.Node().AdjustClock(time.Minute) }),
		},
		"connection that sends": {
			pair(func(_ *World, c, _ *Conn) { c.SendText("a") }),
			pair(func(_ *World, _, c *Conn) { c.SendText("a") }),
		},
		"connection that is held": {
			pair(func(_ *World, c, _ *Conn) { c.Hold(true) }),
			pair(func(_ *World, _, c *Conn) { c.Hold(true) }),
		},
	} {
		if a, b := hash(builds[0]), hash(builds[1]); a == b {
			t.Errorf("%s: one hash, %016x, for two things", name, a)
		}
	}
}

// Properties do not let time pass.
func TestPropertiesDoNotRunTheWorld(t *testing.T) {
	for _, build := range []func(w *World){
		func(w *World) { w.Always("it", func() error { w.Run(time.Second); return nil }) },
		func(w *World) { w.Eventually("it", func() error { w.Settle(); return nil }) },
		func(w *World) { w.Sometimes("it", func() bool { w.Settle(); return false }) },
	} {
		r := Run(FromSeed(0), func(w *World) {
			build(w)
			w.Server("a", Echo)
			w.Run(time.Second)
		}, RunOptions{})
		if r.Failure == nil || r.Failure.Property != "use of the simulator" {
			t.Errorf("failure %v, want misuse", r.Failure)
		}
	}
}
