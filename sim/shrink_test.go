package sim_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/fb1e3c20/websockets/sim"
)

func ExampleShrink() {
	fails := func(list []sim.Choice) bool {
		tape, err := sim.FromChoices(list)
		if err != nil {
			return false
		}
		lost, delay := tape.Stream("ann>room.loss"), tape.Stream("room>ann.delay")
		for range 1000 {
			if lost.Chance(1, 10) && delay.Choose(1000) >= 700 {
				return true
			}
		}
		return false
	}
	tape := sim.FromSeed(1)
	lost, delay := tape.Stream("ann>room.loss"), tape.Stream("room>ann.delay")
	for range 1000 {
		lost.Chance(1, 10)
		delay.Choose(1000)
	}
	long := tape.Choices()
	fmt.Println(len(long), "choices, of which matter:")
	fmt.Printf("%s", sim.AppendChoices(nil, sim.Shrink(long, fails, sim.ShrinkOptions{})))
	// Output:
	// 1098 choices, of which matter:
	// room>ann.delay 0 700
	// ann>room.loss 0 1
}

// noise is a list of n choices over 40 streams, of values below 1000.
func noise(n int) []sim.Choice {
	tape := sim.FromSeed(uint64(n))
	which := tape.Stream("which")
	for tape.Made() < 2*n {
		name := fmt.Sprint("node", which.Choose(39)+1, ".cut")
		tape.Stream(name).Choose(1000)
	}
	list := slices.DeleteFunc(tape.Choices(), func(c sim.Choice) bool { return c.Stream == "which" })
	return list[:n]
}

// counted counts the runs, and fails the test when a list comes twice or has a
// choice of 0.
func counted(t *testing.T, fails func([]sim.Choice) bool) (func([]sim.Choice) bool, *int) {
	runs := new(int)
	tried := make(map[string]bool)
	return func(list []sim.Choice) bool {
		*runs++
		text := string(sim.AppendChoices(nil, list))
		if tried[text] {
			t.Errorf("tried twice: %s", text)
		}
		if slices.ContainsFunc(list, func(c sim.Choice) bool { return c.Value == 0 }) {
			t.Errorf("a choice of 0: %s", text)
		}
		tried[text] = true
		return fails(list)
	}, runs
}

// needs fails lists that have a choice of each of the given ones' stream and
// index, of their value or more.
func needs(wanted ...sim.Choice) func([]sim.Choice) bool {
	return func(list []sim.Choice) bool {
		for _, w := range wanted {
			if !slices.ContainsFunc(list, func(c sim.Choice) bool {
				return c.Stream == w.Stream && c.Index == w.Index && c.Value >= w.Value
			}) {
				return false
			}
		}
		return true
	}
}

func TestShrinkFindsTheFewThatMatter(t *testing.T) {
	for _, c := range []struct {
		size int
		at   []int
		runs int // at most; measured, and a tenth more
	}{
		{10000, nil, 1},
		{10000, []int{7000}, 46},
		{10000, []int{0, 9999}, 96},
		{10000, []int{123, 4567}, 102},
		{10000, []int{5000, 5001}, 75},
		{20000, []int{3, 10, 4000, 4001, 9000, 15000, 15001, 19000, 19500, 19999}, 500},
	} {
		list := noise(c.size)
		var wanted []sim.Choice
		for _, i := range c.at {
			w := list[i]
			w.Value = w.Value/2 + 1
			wanted = append(wanted, w)
		}
		fails, runs := counted(t, needs(wanted...))
		got := sim.Shrink(list, fails, sim.ShrinkOptions{})
		for i := range got {
			got[i].Note = ""
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%d of %d: got\n%v, want\n%v", len(c.at), c.size, got, wanted)
		}
		t.Logf("%d of %d: %d runs", len(c.at), c.size, *runs)
		if *runs > c.runs {
			t.Errorf("%d of %d: %d runs, want at most %d", len(c.at), c.size, *runs, c.runs)
		}
	}
}

func TestShrinkDropsWholeStreams(t *testing.T) {
	list := noise(5000)
	fails := func(list []sim.Choice) bool {
		n := 0
		for _, c := range list {
			if c.Stream == "node7.cut" {
				n++
			}
		}
		return n >= 3
	}
	var sizes []int
	got := sim.Shrink(list, fails, sim.ShrinkOptions{Progress: func(runs int, best []sim.Choice) { sizes = append(sizes, len(best)) }})
	want := []sim.Choice{{Stream: "node7.cut", Index: 0, Value: 1}, {Stream: "node7.cut", Index: 1, Value: 1}, {Stream: "node7.cut", Index: 2, Value: 1}}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range got {
		got[i].Of = 0
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if sizes[4] > 200 {
		t.Errorf("streams were not dropped first: sizes %v", sizes)
	}
}

func TestShrinkDropsStreamsBeforeChoices(t *testing.T) {
	isNode7 := func(c sim.Choice) bool { return c.Stream == "node7.cut" }
	list := noise(5000)
	var all []sim.Choice
	for _, c := range list {
		if isNode7(c) {
			all = append(all, c)
		}
	}
	got := sim.Shrink(list, needs(all...), sim.ShrinkOptions{Runs: 15})
	if !slices.Equal(got, all) {
		t.Errorf("%d choices are left, want %d", len(got), len(all))
	}

	few := []sim.Choice{{Stream: "a", Value: 1}, {Stream: "b", Value: 1}, {Stream: "c", Value: 1}}
	got = sim.Shrink(slices.Concat(few, all), needs(few[0]), sim.ShrinkOptions{Runs: 3})
	if slices.ContainsFunc(got, isNode7) {
		t.Errorf("the largest stream was not dropped first: %d choices are left", len(got))
	}
}

func TestShrinkDropsPairsThatNeedOneAnother(t *testing.T) {
	crash, restart := sim.Choice{Stream: "n.crash", Index: 3, Value: 1, Of: 2}, sim.Choice{Stream: "n.restart", Index: 9, Value: 1, Of: 2}
	need := sim.Choice{Stream: "a", Index: 0, Value: 1, Of: 2}
	fails := func(list []sim.Choice) bool {
		return slices.Contains(list, need) && slices.Contains(list, crash) == slices.Contains(list, restart)
	}
	got := sim.Shrink([]sim.Choice{crash, {Stream: "a", Index: 0, Value: 1, Of: 2}, restart}, fails, sim.ShrinkOptions{})
	if !slices.Equal(got, []sim.Choice{need}) {
		t.Errorf("%v, want %v", got, need)
	}
}

func TestShrinkLowersValues(t *testing.T) {
	const huge = math.MaxUint64
	for name, c := range map[string]struct {
		value, want uint64
		fails       func(v uint64) bool
	}{
		"any":               {huge - 1, 1, func(v uint64) bool { return v > 0 }},
		"one":               {1, 1, func(v uint64) bool { return v == 1 }},
		"a threshold":       {huge - 1, 1234567890123, func(v uint64) bool { return v >= 1234567890123 }},
		"the highest":       {huge - 1, huge - 1, func(v uint64) bool { return v == huge-1 }},
		"one less":          {1000, 999, func(v uint64) bool { return v >= 999 }},
		"a kind":            {6, 3, func(v uint64) bool { return v == 6 || v == 3 }},
		"one bit of a set":  {0b1101_0110_1101, 0b100_0000, func(v uint64) bool { return v&0b100_0000 != 0 }},
		"two bits of a set": {0b1101_0110_1101, 0b1000_0000_0100, func(v uint64) bool { return v&0b1000_0000_0100 == 0b1000_0000_0100 }},
		"odd":               {99, 1, func(v uint64) bool { return v%2 == 1 }},
		"an island":         {96, 48, func(v uint64) bool { return v == 96 || v == 48 }},
	} {
		fails, _ := counted(t, func(list []sim.Choice) bool { return len(list) == 1 && c.fails(list[0].Value) })
		got := sim.Shrink([]sim.Choice{{Stream: "a", Value: c.value, Of: huge, Note: "as it was"}}, fails, sim.ShrinkOptions{})
		if len(got) != 1 || got[0].Value != c.want {
			t.Errorf("%s: %v, want the value %d", name, got, c.want)
		}
		if kept := got[0].Note != ""; kept != (c.value == c.want) {
			t.Errorf("%s: the note of value %d is now %q", name, c.value, got[0].Note)
		}
	}
}

func TestShrinkMovesChoicesEarlier(t *testing.T) {
	// Three questions an occasion: the first says whether, the last how much.
	fails := func(list []sim.Choice) bool {
		tape, err := sim.FromChoices(list)
		if err != nil {
			t.Error(err)
			return false
		}
		s, other := tape.Stream("s"), tape.Stream("other")
		hits := 0
		for i := range 100 {
			whether, _, much := s.Chance(1, 2), s.Choose(7), s.Choose(50)
			if whether && much > 10 && (i == 0 || other.Choose(9) == 0) {
				hits++
			}
		}
		return hits >= 2
	}
	list, err := sim.ParseChoices("s 90 1/2\ns 92 20/50\ns 150 1/2\ns 151 3/7\ns 152 40/50  # much\ns 162 1/2\n")
	if err != nil {
		t.Fatal(err)
	}
	got := string(sim.AppendChoices(nil, sim.Shrink(list, fails, sim.ShrinkOptions{})))
	if want := "s 0 1\ns 2 11\ns 3 1\ns 5 11\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestShrinkKeepsThePlaceWithinAnOccasion(t *testing.T) {
	for occasion := uint32(1); occasion <= 8; occasion++ {
		for place := range occasion {
			fails := func(list []sim.Choice) bool {
				return slices.ContainsFunc(list, func(c sim.Choice) bool { return c.Index%occasion == place })
			}
			got := sim.Shrink([]sim.Choice{{Stream: "s", Index: 840 + place, Value: 1}}, fails, sim.ShrinkOptions{})
			if len(got) != 1 || got[0].Index != place {
				t.Errorf("occasions of %d questions, place %d: %v", occasion, place, got)
			}
		}
	}
}

func TestShrinkKeepsWhatCannotBeSmaller(t *testing.T) {
	list := noise(20)
	for name, fails := range map[string]func([]sim.Choice) bool{
		"only the list": func(l []sim.Choice) bool { return slices.Equal(l, list) },
		"nothing":       func([]sim.Choice) bool { return false },
	} {
		if got := sim.Shrink(list, fails, sim.ShrinkOptions{}); !slices.Equal(got, list) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := sim.Shrink(nil, func([]sim.Choice) bool { t.Error("ran"); return true }, sim.ShrinkOptions{}); len(got) != 0 {
		t.Errorf("nothing shrunk to %v", got)
	}
	zero := []sim.Choice{{Stream: "a", Index: 1, Of: 5}, {Stream: "a", Index: 2, Value: 1}}
	if got := sim.Shrink(zero, needs(sim.Choice{Stream: "a", Index: 2, Value: 1}), sim.ShrinkOptions{}); !slices.Equal(got, zero[1:]) {
		t.Errorf("a choice of 0 was kept: %v", got)
	}
}

func TestShrinkKeepsToItsRuns(t *testing.T) {
	const left = 90 // 4,005 pairs
	list := noise(180)
	for _, c := range []struct{ given, least, most int }{{0, 3000, 3000}, {1, 1, 1}, {10, 10, 10}, {-1, 4005, 10000}} {
		fails, runs := counted(t, func(l []sim.Choice) bool { return len(l) >= left })
		got := sim.Shrink(list, fails, sim.ShrinkOptions{Runs: c.given})
		if *runs < c.least || *runs > c.most {
			t.Errorf("Runs %d: %d runs", c.given, *runs)
		}
		if len(got) < left || len(got) > len(list) {
			t.Errorf("Runs %d: %d choices left", c.given, len(got))
		}
	}
}

// For predicates without any order in them the result still fails, is not
// longer, comes out the same twice, and no single choice can be left out.
func TestShrinkIsMinimalForAnyPredicate(t *testing.T) {
	for seed := range uint64(60) {
		tape := sim.FromSeed(seed)
		list := noise(30 + int(seed))
		rule := tape.Stream("rule")
		weights := make(map[string]uint64)
		for _, c := range list {
			weights[c.Stream] = rule.Choose(5)
		}
		modulus, threshold := 3+rule.Choose(5), 10+rule.Choose(20)
		fails := func(l []sim.Choice) bool {
			var sum, odd uint64
			for _, c := range l {
				sum += weights[c.Stream] * min(c.Value, 3)
				odd += c.Value + uint64(c.Index)
			}
			return sum >= threshold && odd%modulus != 0 || len(l) == len(list)
		}
		check, _ := counted(t, fails)
		got := sim.Shrink(list, check, sim.ShrinkOptions{Runs: -1})
		if !fails(got) || len(got) > len(list) {
			t.Fatalf("seed %d: the result does not fail, or is longer: %v", seed, got)
		}
		for i := range got {
			if fails(slices.Delete(slices.Clone(got), i, i+1)) {
				t.Errorf("seed %d: %v is not needed in %v", seed, got[i], got)
			}
			for j := range i {
				if fails(slices.Delete(slices.Delete(slices.Clone(got), i, i+1), j, j+1)) {
					t.Errorf("seed %d: %v and %v are not needed", seed, got[j], got[i])
				}
			}
			lower := slices.Clone(got)
			if lower[i].Value--; lower[i].Value > 0 && fails(lower) {
				t.Errorf("seed %d: %v may be lower", seed, got[i])
			}
		}
		if again := sim.Shrink(list, fails, sim.ShrinkOptions{Runs: -1}); !slices.Equal(got, again) {
			t.Errorf("seed %d: shrunk to %v, then to %v", seed, got, again)
		}
	}
}

func TestShrinkLeavesTheListAlone(t *testing.T) {
	list := noise(500)
	before := slices.Clone(list)
	var kept [][]sim.Choice
	var copies [][]sim.Choice
	sim.Shrink(list, func(l []sim.Choice) bool {
		kept, copies = append(kept, l), append(copies, slices.Clone(l))
		return len(l) > 3
	}, sim.ShrinkOptions{})
	if !slices.Equal(list, before) {
		t.Error("the list was changed")
	}
	for i := range kept {
		if !slices.Equal(kept[i], copies[i]) {
			t.Fatal("a list that was tried was changed after")
		}
	}
}

func BenchmarkShrink(b *testing.B) {
	list := noise(20000)
	fails := needs(list[77], list[15000], list[19999])
	for b.Loop() {
		sim.Shrink(list, fails, sim.ShrinkOptions{})
	}
}
