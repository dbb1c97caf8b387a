package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/sim"
)

func ExampleEnumerator() {
	e := sim.NewEnumerator(sim.EnumeratorOptions{})
	for tape := e.Next(); tape != nil; tape = e.Next() {
		first := tape.Stream("order").Choose(3)
		lost := first == 2 && tape.Stream("loss").Chance(1, 100)
		fmt.Println(first, lost)
	}
	fmt.Println(e.Runs(), "runs, complete:", e.Complete())
	// Output:
	// 0 false
	// 1 false
	// 2 false
	// 2 true
	// 4 runs, complete: true
}

// walk enumerates a world and returns the lists of choices of all runs.
func walk(t *testing.T, o sim.EnumeratorOptions, world func(e *sim.Enumerator, tape *sim.Tape)) (*sim.Enumerator, []string) {
	t.Helper()
	e := sim.NewEnumerator(o)
	var runs []string
	for tape := e.Next(); tape != nil; tape = e.Next() {
		world(e, tape)
		runs = append(runs, string(sim.AppendChoices(nil, tape.Choices())))
		if len(runs) > 100000 {
			t.Fatal("the enumerator does not end")
		}
	}
	if e.Next() != nil {
		t.Error("a tape after the end")
	}
	if e.Runs() != len(runs) {
		t.Errorf("Runs says %d, there were %d", e.Runs(), len(runs))
	}
	if sorted := slices.Sorted(slices.Values(runs)); len(slices.Compact(sorted)) != len(runs) {
		t.Error("two runs had the same answers")
	}
	return e, runs
}

func TestEnumeratorWalksTheWholeTree(t *testing.T) {
	for _, c := range []struct {
		name  string
		runs  int
		world func(e *sim.Enumerator, tape *sim.Tape)
	}{
		{"no question", 1, func(*sim.Enumerator, *sim.Tape) {}},
		{"a single answer", 1, func(_ *sim.Enumerator, tape *sim.Tape) { tape.Stream("a").Choose(1); tape.Stream("a").Chance(0, 4) }},
		{"a product", 2 * 3 * 5 * 2, func(_ *sim.Enumerator, tape *sim.Tape) {
			tape.Stream("a").Choose(2)
			tape.Stream("b").Int(3)
			tape.Stream("a").Between(0, 4)
			tape.Stream("a").Chance(99, 100)
		}},
		{"64 answers", 64, func(_ *sim.Enumerator, tape *sim.Tape) { tape.Stream("a").Choose(64) }},
		{"65 answers", 4, func(_ *sim.Enumerator, tape *sim.Tape) {
			if v := tape.Stream("a").Choose(65); !slices.Contains([]uint64{0, 1, 32, 64}, v) {
				t.Errorf("of 65 answers %d was tried", v)
			}
		}},
		{"durations", 16, func(_ *sim.Enumerator, tape *sim.Tape) {
			s := tape.Stream("a")
			for _, d := range []time.Duration{s.Scale(0, time.Hour), s.Between(0, time.Hour)} {
				if !slices.Contains([]time.Duration{0, 1, (time.Hour + 1) / 2, time.Hour}, d) {
					t.Errorf("%v was tried", d)
				}
			}
		}},
		{"certain", 2, func(_ *sim.Enumerator, tape *sim.Tape) { tape.Stream("a").Chance(1, 1) }},
		{"as many questions as the first says", 1 + 2 + 4 + 8, func(_ *sim.Enumerator, tape *sim.Tape) {
			s := tape.Stream("a")
			for range s.Choose(4) {
				s.Choose(2)
			}
		}},
		{"deep", 1 << 12, func(_ *sim.Enumerator, tape *sim.Tape) {
			for range 12 {
				tape.Stream("a").Choose(2)
			}
		}},
	} {
		e, runs := walk(t, sim.EnumeratorOptions{}, c.world)
		if len(runs) != c.runs || !e.Complete() || e.Err() != nil {
			t.Errorf("%s: %d runs, complete %v, %v; want %d", c.name, len(runs), e.Complete(), e.Err(), c.runs)
		}
		if runs[0] != "" {
			t.Errorf("%s: the first run is not the plainest: %s", c.name, runs[0])
		}
	}
}

// bits asks for that many bits.
func askBits(n int) func(*sim.Enumerator, *sim.Tape) {
	return func(_ *sim.Enumerator, tape *sim.Tape) {
		for range n {
			tape.Stream("a").Choose(2)
		}
	}
}

func TestEnumeratorBounds(t *testing.T) {
	for _, c := range []struct {
		o        sim.EnumeratorOptions
		bits     int
		runs     int
		complete bool
	}{
		{sim.EnumeratorOptions{Runs: 7}, 3, 7, false},
		{sim.EnumeratorOptions{Runs: 8}, 3, 8, true},
		{sim.EnumeratorOptions{Runs: 1}, 3, 1, false},
		{sim.EnumeratorOptions{Runs: 1}, 0, 1, true},
		{sim.EnumeratorOptions{Runs: -1, Depth: -1, Deviations: -1}, 3, 8, true},
		{sim.EnumeratorOptions{Depth: 2}, 5, 4, false},
		{sim.EnumeratorOptions{Depth: 5}, 5, 32, true},
		{sim.EnumeratorOptions{Deviations: 1}, 10, 1 + 10, true},
		{sim.EnumeratorOptions{Deviations: 2}, 10, 1 + 10 + 45, true},
		{sim.EnumeratorOptions{Deviations: 2, Depth: 4}, 10, 1 + 4 + 6, false},
		{sim.EnumeratorOptions{Deviations: 99}, 5, 32, true},
	} {
		e, runs := walk(t, c.o, askBits(c.bits))
		if len(runs) != c.runs || e.Complete() != c.complete {
			t.Errorf("%+v, %d bits: %d runs, complete %v; want %d, %v", c.o, c.bits, len(runs), e.Complete(), c.runs, c.complete)
		}
	}
}

func TestEnumeratorTriesAsManyAnswersAsItIsTold(t *testing.T) {
	for _, c := range []struct {
		answers int
		n       uint64
		runs    int
	}{{0, 64, 64}, {0, 65, 4}, {-1, 65, 4}, {100, 100, 100}, {100, 101, 4}, {1000, 1000, 1000}, {1, 3, 3}, {1, 4, 4}, {1, 5, 4}} {
		_, runs := walk(t, sim.EnumeratorOptions{Answers: c.answers}, func(_ *sim.Enumerator, tape *sim.Tape) { tape.Stream("a").Choose(c.n) })
		if len(runs) != c.runs {
			t.Errorf("Answers %d: %d of %d answers were tried, want %d", c.answers, len(runs), c.n, c.runs)
		}
	}
}

// On a grid of 9 by 9, going right or down, 12,870 ways lead from corner to
// corner. When what follows a place that was seen is cut, each step is taken
// once.
func TestCutLeavesOutWhatFollows(t *testing.T) {
	const size = 9
	type place struct{ x, y int }
	for _, pruned := range []bool{false, true} {
		seen := make(map[place]bool)
		e, runs := walk(t, sim.EnumeratorOptions{}, func(e *sim.Enumerator, tape *sim.Tape) {
			at := place{}
			for at.x < size-1 || at.y < size-1 {
				switch {
				case at.x == size-1:
					at.y++
				case at.y == size-1 || tape.Stream("way").Choose(2) == 0:
					at.x++
				default:
					at.y++
				}
				if seen[at] && pruned && e.Cut() {
					return
				}
				seen[at] = true
			}
		})
		want := 12870
		if pruned {
			want = 1 + (size-1)*(size-1) // each place where there is a choice begins one run, the first place two
		}
		if len(runs) != want || len(seen) != size*size-1 || !e.Complete() {
			t.Errorf("pruned %v: %d runs, %d places, complete %v; want %d runs, %d places", pruned, len(runs), len(seen), e.Complete(), want, size*size-1)
		}
	}
}

func TestCutInARepeatedBeginningDoesNothing(t *testing.T) {
	var cuts, fresh []bool
	e, runs := walk(t, sim.EnumeratorOptions{}, func(e *sim.Enumerator, tape *sim.Tape) {
		s := tape.Stream("a")
		s.Choose(2)
		fresh = append(fresh, e.Fresh())
		s.Choose(2)
		fresh = append(fresh, e.Fresh())
		cuts = append(cuts, e.Cut())
		if s.Choose(2) != 0 {
			t.Error("a question after Cut was not answered 0")
		}
		if s.Choose(3) != 0 {
			t.Error("a question after Cut was not answered 0")
		}
	})
	if len(runs) != 4 || !e.Complete() || slices.Contains(cuts, false) {
		t.Errorf("%d runs, cuts %v; want 4, all cut", len(runs), cuts)
	}
	if want := []bool{true, true, false, true, true, true, false, true}; !slices.Equal(fresh, want) {
		t.Errorf("fresh %v, want %v", fresh, want)
	}
	_, runs = walk(t, sim.EnumeratorOptions{}, func(e *sim.Enumerator, tape *sim.Tape) {
		e.Cut() // only the first run is fresh here
		tape.Stream("a").Choose(2)
	})
	if len(runs) != 1 {
		t.Errorf("%d runs when nothing is to be explored, want 1", len(runs))
	}
}

func TestEnumeratorNoticesDivergence(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(run int, tape *sim.Tape)
		want  sim.DivergenceError
	}{
		{"another stream", func(run int, tape *sim.Tape) {
			tape.Stream("a").Choose(2)
			tape.Stream([]string{"b", "b", "c"}[run]).Choose(3)
			tape.Stream("a").Choose(2)
		}, sim.DivergenceError{Run: 3, Question: 2, Before: `question 0 of stream "b", with 3 answers`, Now: `question 0 of stream "c", with 3 answers`}},
		{"another number of answers", func(run int, tape *sim.Tape) {
			tape.Stream("a").Choose(uint64(2 + run))
			tape.Stream("a").Choose(2)
		}, sim.DivergenceError{Run: 2, Question: 1, Before: `question 0 of stream "a", with 2 answers`, Now: `question 0 of stream "a", with 3 answers`}},
		{"another place in the stream", func(run int, tape *sim.Tape) {
			for range run {
				tape.Stream("a").Choose(1)
			}
			tape.Stream("a").Choose(2)
		}, sim.DivergenceError{Run: 2, Question: 1, Before: `question 0 of stream "a", with 2 answers`, Now: `question 1 of stream "a", with 2 answers`}},
		{"fewer questions", func(run int, tape *sim.Tape) {
			for range 3 - run {
				tape.Stream("a").Choose(2)
			}
		}, sim.DivergenceError{Run: 2, Question: 3, Before: `question 2 of stream "a", with 2 answers`}},
	} {
		e := sim.NewEnumerator(sim.EnumeratorOptions{})
		run := 0
		for tape := e.Next(); tape != nil; tape = e.Next() {
			c.world(run, tape)
			run++
		}
		var got *sim.DivergenceError
		if !errors.As(e.Err(), &got) || *got != c.want || e.Complete() {
			t.Errorf("%s: %v, complete %v; want %v", c.name, e.Err(), e.Complete(), &c.want)
		}
	}
}

func TestEnumeratorKeepsOnlyTheRunAtHand(t *testing.T) {
	e := sim.NewEnumerator(sim.EnumeratorOptions{})
	s := e.Next().Stream("a")
	run := func() {
		for range 30 {
			s.Choose(2)
		}
	}
	run()
	if n := testing.AllocsPerRun(1000, func() { e.Next(); run() }); n >= 1 {
		t.Errorf("%v allocations a run", n)
	}
}

func TestRunsOfAnEnumeratorRepeatFromTheirChoices(t *testing.T) {
	world := func(tape *sim.Tape) string {
		a, b := tape.Stream("a"), tape.Stream("b")
		return fmt.Sprint(a.Choose(3), b.Chance(1, 1), a.Scale(0, time.Hour), b.Choose(4))
	}
	e := sim.NewEnumerator(sim.EnumeratorOptions{})
	for tape := e.Next(); tape != nil; tape = e.Next() {
		want := world(tape)
		again, err := sim.FromChoices(tape.Choices())
		if err != nil {
			t.Fatal(err)
		}
		if got := world(again); got != want || len(again.Mismatches()) != 0 {
			t.Fatalf("%s, repeated as %s, mismatches %v", want, got, again.Mismatches())
		}
	}
	if want := 3 * 2 * 4 * 4; e.Runs() != want {
		t.Errorf("%d runs, want %d", e.Runs(), want)
	}
}
