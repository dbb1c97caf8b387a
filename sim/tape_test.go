package sim_test

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/sim"
)

func ExampleTape() {
	run := func(t *sim.Tape) {
		delay := t.Stream("ann>room.delay")
		cut := t.Stream("ann>room.cut")
		fmt.Println(delay.Scale(0, time.Minute), cut.Chance(1, 2), delay.Scale(0, time.Minute), cut.Chance(1, 2))
	}
	tape := sim.FromSeed(11)
	run(tape)

	again, err := sim.FromChoices(tape.Choices())
	if err != nil {
		fmt.Println(err)
		return
	}
	run(again)

	run(sim.FromBytes(nil))
	// Output:
	// 8.426529ms true 66.69387ms false
	// 8.426529ms true 66.69387ms false
	// 0s false 0s false
}

func ExampleStream_Note() {
	tape, _ := sim.FromChoices([]sim.Choice{{Stream: "ann>room.clog", Index: 1, Value: 4, Of: 60}})
	tape.Trace(true)
	clog := tape.Stream("ann>room.clog")
	for range 3 {
		seconds := clog.Choose(60)
		clog.Note(func() string { return fmt.Sprintf("clogged for %d s", seconds) })
	}
	fmt.Println(tape.Choices()[0])
	// Output:
	// ann>room.clog 1 4/60  # clogged for 4 s
}

// The answers to a seed are a promise: this table may grow, and never change.
// The numbers were computed by another program, from the doc of FromSeed.
func TestSeedsGiveTheSameAnswersForEver(t *testing.T) {
	for _, c := range []struct {
		seed  uint64
		name  string
		index int
		n     uint64
		want  uint64
	}{
		{0, "", 0, 1 << 32, 1919019267},
		{0, "ann>room.cut", 0, 1400, 403},
		{1, "ann>room.cut", 0, 1400, 4},
		{1, "ann>room.cut", 1, 1400, 551},
		{1, "bob>room.cut", 0, 1400, 1132},
		{1, "ann>room.cut", 9999, 1400, 898},
		{math.MaxUint64, "ann>room.cut", 0, math.MaxUint64, 7759692099304112356},
		{math.MaxUint64, "\u00fcn\u00efcode", 3, 2, 1},
		{42, "a", 0, 1e9, 395927120},
	} {
		s := sim.FromSeed(c.seed).Stream(c.name)
		for range c.index {
			s.Choose(uint64(c.index)) // with whatever number of answers
		}
		if got := s.Choose(c.n); got != c.want {
			t.Errorf("seed %d, stream %q, index %d, n %d: %d, want %d", c.seed, c.name, c.index, c.n, got, c.want)
		}
	}

	for _, c := range []struct {
		seed         uint64
		index        int
		lo, hi, want time.Duration
	}{
		{0, 0, 0, time.Hour, 28767625},
		{0, 1, 0, time.Hour, 122964121042},
		{0, 2, 0, time.Hour, 118179},
		{7, 0, 5, 6, 6},
		{7, 3, 1000, 1000000, 14241},
	} {
		s := sim.FromSeed(c.seed).Stream("delay")
		for range c.index {
			s.Chance(1, 2)
		}
		if got := s.Scale(c.lo, c.hi); got != c.want {
			t.Errorf("seed %d, index %d: Scale(%d, %d) = %d, want %d", c.seed, c.index, c.lo, c.hi, got, c.want)
		}
	}

	odds := sim.FromSeed(3).Stream("odds")
	var got []int
	for i := range 16 {
		if odds.Chance(3, 10) {
			got = append(got, i)
		}
	}
	if want := []int{1, 2, 4, 7, 10}; !slices.Equal(got, want) {
		t.Errorf("Chance(3, 10) is true at %v, want %v", got, want)
	}
}

func TestSeededAnswersAreUniform(t *testing.T) {
	const asked = 60000
	for _, n := range []uint64{2, 3, 7, 60} {
		counts := make([]float64, n)
		s := sim.FromSeed(n).Stream("die")
		for range asked {
			counts[s.Choose(n)]++
		}
		expected, chi2 := float64(asked)/float64(n), 0.0
		for _, c := range counts {
			chi2 += (c - expected) * (c - expected) / expected
		}
		if df := float64(n - 1); chi2 > df+6*math.Sqrt(2*df) {
			t.Errorf("n %d: chi squared %.1f with %d degrees of freedom: %v", n, chi2, n-1, counts)
		}
	}
}

// Neighbours in seed, name and index must have nothing in common.
func TestSeededStreamsAreIndependent(t *testing.T) {
	const asked = 20000
	pairs := map[string][2]*sim.Stream{
		"names": {sim.FromSeed(1).Stream("a>b.1"), sim.FromSeed(1).Stream("a>b.2")},
		"seeds": {sim.FromSeed(1).Stream("a>b.1"), sim.FromSeed(2).Stream("a>b.1")},
		"index": {sim.FromSeed(1).Stream("a>b.1"), sim.FromSeed(1).Stream("a>b.1")},
	}
	pairs["index"][1].Choose(2)
	for what, p := range pairs {
		equal := 0
		for range asked {
			if p[0].Choose(16) == p[1].Choose(16) {
				equal++
			}
		}
		if want := asked / 16; equal < want-6*35 || equal > want+6*35 { // 35: the standard deviation
			t.Errorf("%s: %d of %d answers are equal, want about %d", what, equal, asked, want)
		}
	}
}

func TestStreamsDoNotDisturbOneAnother(t *testing.T) {
	ask := func(t *sim.Tape, others int) (answers []uint64) {
		s := t.Stream("ann")
		for i := range 50 {
			for j := range others {
				t.Stream(fmt.Sprint("other", j)).Choose(uint64(i))
			}
			answers = append(answers, s.Choose(1000))
		}
		return answers
	}
	alone := ask(sim.FromSeed(9), 0)
	if among := ask(sim.FromSeed(9), 3); !slices.Equal(alone, among) {
		t.Errorf("answers changed with those of other streams\n%v\n%v", alone, among)
	}
}

func TestTheSameNameIsTheSameStream(t *testing.T) {
	tape := sim.FromSeed(1)
	s := tape.Stream("ann")
	if tape.Stream("ann") != s || tape.Stream("bob") == s || s.Name() != "ann" {
		t.Error("streams are not kept by name")
	}
	tape.Reset(2)
	if tape.Stream("ann") != s {
		t.Error("a stream did not survive Reset")
	}
}

// session asks some of everything, and more where earlier answers say so, and
// returns the answers.
func session(t *sim.Tape) (answers []string) {
	ann, bob := t.Stream("ann"), t.Stream("bob says \"hi\"")
	for i := range 200 {
		n := ann.Choose(uint64(i))
		answers = append(answers, fmt.Sprint(n, bob.Chance(1, 3), bob.Chance(7, 7), bob.Chance(0, 5),
			ann.Between(-time.Second, time.Second), ann.Scale(time.Millisecond, time.Hour), bob.Int(i-100)))
		if n%3 == 1 {
			answers = append(answers, fmt.Sprint(t.Stream(fmt.Sprint("extra", n)).Choose(math.MaxUint64)))
		}
	}
	return answers
}

func TestChoicesRepeatTheRun(t *testing.T) {
	data := make([]byte, 3000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	for name, tape := range map[string]*sim.Tape{
		"seed": sim.FromSeed(5), "bytes": sim.FromBytes(data), "zeros": sim.FromBytes(nil), "the zero tape": new(sim.Tape),
	} {
		want := session(tape)
		list := tape.Choices()
		if len(list) != tape.Made() {
			t.Errorf("%s: %d choices, Made says %d", name, len(list), tape.Made())
		}
		shuffled := slices.Clone(list)
		slices.Reverse(shuffled)
		for _, given := range [][]sim.Choice{list, shuffled} {
			again, err := sim.FromChoices(given)
			if err != nil {
				t.Fatal(err)
			}
			if got := session(again); !slices.Equal(got, want) {
				t.Errorf("%s: the answers differ", name)
			}
			if got := again.Choices(); !slices.Equal(got, list) {
				t.Errorf("%s: the choices differ", name)
			}
			if again.Asked() != tape.Asked() {
				t.Errorf("%s: %d questions, then %d", name, tape.Asked(), again.Asked())
			}
			if m := again.Mismatches(); len(m) != 0 {
				t.Errorf("%s: mismatches %v", name, m)
			}
		}
	}
}

func TestResetForgetsTheRunBefore(t *testing.T) {
	tape := sim.FromSeed(0)
	var list []sim.Choice
	for _, kind := range []struct {
		name  string
		fresh func() *sim.Tape
		reset func() error
	}{
		{"seed", func() *sim.Tape { return sim.FromSeed(8) }, func() error { tape.Reset(8); return nil }},
		{"choices", func() *sim.Tape { tape, _ := sim.FromChoices(list); return tape }, func() error { return tape.ResetChoices(list) }},
		{"bytes", func() *sim.Tape { return sim.FromBytes([]byte("abcdefghi")) }, func() error { tape.ResetBytes([]byte("abcdefghi")); return nil }},
		{"no choices", func() *sim.Tape { tape, _ := sim.FromChoices(nil); return tape }, func() error { return tape.ResetChoices(nil) }},
		{"another seed", func() *sim.Tape { return sim.FromSeed(9) }, func() error { tape.Reset(9); return nil }},
	} {
		want := session(kind.fresh())
		if err := kind.reset(); err != nil {
			t.Fatal(err)
		}
		if got := session(tape); !slices.Equal(got, want) {
			t.Errorf("%s: a tape that was reset answers as a new one does not", kind.name)
		}
		if list == nil {
			list = tape.Choices()
		}
	}
}

func TestZeroIsThePlainestAnswer(t *testing.T) {
	tape := sim.FromBytes(nil)
	s := tape.Stream("s")
	got := []any{s.Choose(9), s.Int(9), s.Chance(1, 1), s.Between(3, 9), s.Scale(3, 9), tape.Made(), tape.Asked()}
	want := []any{uint64(0), 0, false, time.Duration(3), time.Duration(3), 0, 5}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
}

func TestQuestionsWithASingleAnswerCountAsAsked(t *testing.T) {
	ask := func(t *sim.Tape) []any {
		s := t.Stream("s")
		return []any{s.Choose(0), s.Choose(1), s.Int(-5), s.Chance(0, 5), s.Chance(5, 0), s.Between(9, 3), s.Between(3, 3), s.Scale(9, 3)}
	}
	want := []any{uint64(0), uint64(0), 0, false, false, time.Duration(9), time.Duration(3), time.Duration(9)}
	script, _ := sim.FromChoices(nil)
	for name, tape := range map[string]*sim.Tape{
		"seed": sim.FromSeed(1), "bytes": sim.FromBytes([]byte("zzzzzzzz")), "choices": script,
		"enumerator": sim.NewEnumerator(sim.EnumeratorOptions{}).Next(),
	} {
		if got := ask(tape); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: answers %v, want %v", name, got, want)
		}
		if tape.Asked() != len(want) || tape.Made() != 0 {
			t.Errorf("%s: %d asked and %d made, want %d and none", name, tape.Asked(), tape.Made(), len(want))
		}
	}
	tape := sim.FromSeed(6)
	ask(tape)
	tape.Stream("s").Choose(100)
	if list := tape.Choices(); len(list) != 1 || list[0].Index != uint32(len(want)) {
		t.Errorf("choices %v, want one of index %d", list, len(want))
	}
}

func TestChanceKeepsItsOdds(t *testing.T) {
	for _, c := range []struct{ num, den uint64 }{{1, 2}, {1, 100}, {99, 100}, {1, 1}, {9, 4}, {1 << 40, 1 << 42}} {
		const asked = 40000
		hits := 0
		s := sim.FromSeed(11).Stream("odds")
		for range asked {
			if s.Chance(c.num, c.den) {
				hits++
			}
		}
		p := min(float64(c.num)/float64(c.den), 1)
		if off := math.Abs(float64(hits) - p*asked); off > 6*math.Sqrt(asked*p*(1-p)) {
			t.Errorf("%d in %d: %d hits of %d", c.num, c.den, hits, asked)
		}
	}
}

func TestBetweenStaysWithin(t *testing.T) {
	const lowest, highest = time.Duration(math.MinInt64), time.Duration(math.MaxInt64)
	for _, c := range [][2]time.Duration{{0, 1}, {-3, 3}, {lowest, highest}, {lowest, lowest + 1}, {highest - 1, highest}, {-time.Hour, time.Hour}} {
		s := sim.FromSeed(2).Stream("s")
		seen := make(map[time.Duration]bool)
		for range 500 {
			for _, d := range []time.Duration{s.Between(c[0], c[1]), s.Scale(c[0], c[1])} {
				if d < c[0] || d > c[1] {
					t.Fatalf("%d is not within %d and %d", d, c[0], c[1])
				}
				seen[d] = true
			}
		}
		if ends := seen[c[0]] && seen[c[1]]; c[1]-c[0] < 10 && c[1]-c[0] > 0 && !ends {
			t.Errorf("from %d to %d an end never came", c[0], c[1])
		}
		if len(seen) < 2 {
			t.Errorf("from %d to %d nothing but %v came", c[0], c[1], seen)
		}
	}
}

func TestScaleSpreadsOverMagnitudes(t *testing.T) {
	const asked, hi = 42000, time.Second
	s := sim.FromSeed(4).Stream("s")
	counts := make([]int, bits.Len64(uint64(hi))+1)
	for range asked {
		counts[bits.Len64(uint64(s.Scale(0, hi)))]++
	}
	for m, c := range counts {
		if want := asked / len(counts); c < want*4/5 || c > want*6/5 {
			t.Errorf("magnitude %d came %d times, want about %d", m, c, want)
		}
	}
}

func TestNotesBelongToTheLatestAnswer(t *testing.T) {
	tape, err := sim.FromChoices([]sim.Choice{{Stream: "a", Index: 1, Value: 1}, {Stream: "b", Index: 0, Value: 2}, {Stream: "b", Index: 3, Value: 1}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := tape.Stream("a"), tape.Stream("b")
	ask := func() {
		a.Choose(5)
		a.Note(func() string { return "plain" })
		a.Choose(5)
		b.Choose(5)
		a.Note(func() string { return "of a" })
		b.Note(func() string { return "of b" })
		b.Choose(1)
		b.Note(func() string { return "single" })
	}
	notes := func() (notes []string) {
		for _, c := range tape.Choices() {
			notes = append(notes, c.Stream+":"+c.Note)
		}
		return notes
	}
	ask()
	if got, want := notes(), []string{"a:", "b:"}; !slices.Equal(got, want) {
		t.Errorf("untraced: notes %q, want %q", got, want)
	}
	if err := tape.ResetChoices(tape.Choices()); err != nil {
		t.Fatal(err)
	}
	tape.Trace(true)
	ask()
	if got, want := notes(), []string{"a:of a", "b:of b"}; !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
	tape.Reset(1)
	a.Note(func() string { return "of the run before" })
	for tape.Made() == 0 {
		a.Choose(5)
	}
	if got, want := notes(), []string{"a:"}; !slices.Equal(got, want) {
		t.Errorf("after Reset: notes %q, want %q", got, want)
	}
}

func TestMismatchesTellWhereAListNoLongerFits(t *testing.T) {
	list, err := sim.ParseChoices("a 0 5/9\na 1 3/4\na 2 1/2\na 3 6\na 4 2\na 9 1/2\nnobody 0 1/2\nb 0 1/2\n")
	if err != nil {
		t.Fatal(err)
	}
	tape, err := sim.FromChoices(list)
	if err != nil {
		t.Fatal(err)
	}
	a := tape.Stream("a")
	answers := []uint64{a.Choose(9), a.Choose(3), a.Choose(1), a.Choose(9), a.Choose(2), a.Choose(2)}
	if want := []uint64{5, 2, 0, 6, 1, 0}; !slices.Equal(answers, want) {
		t.Errorf("answers %v, want %v", answers, want)
	}
	if tape.Stream("b").Chance(0, 9) {
		t.Error("what is impossible came true")
	}
	var got []string
	for _, m := range tape.Mismatches() {
		got = append(got, m.String())
	}
	want := []string{
		"a 1 3/4: asked with 3 answers, answered 2",
		"a 2 1/2: asked with a single answer",
		"a 4 2: asked with 2 answers, answered 1",
		"b 0 1/2: asked with a single answer",
		"a 9 1/2: not asked",
		"nobody 0 1/2: not asked",
	}
	if !slices.Equal(got, want) {
		t.Errorf("mismatches\n%q, want\n%q", got, want)
	}
	tape.Reset(1)
	if m := tape.Mismatches(); len(m) != 0 {
		t.Errorf("a seeded tape has mismatches %v", m)
	}
	if err := tape.ResetChoices(list[:1]); err != nil {
		t.Fatal(err)
	}
	a.Choose(9)
	if m := tape.Mismatches(); len(m) != 0 {
		t.Errorf("mismatches of the run before: %v", m)
	}
}

func TestFromChoicesRefusesWhatNoRunCanHaveMade(t *testing.T) {
	for text, list := range map[string][]sim.Choice{
		`sim: choice 2 of the list, a 1 4/4: the value is not below 4`: {{Stream: "a", Value: 1}, {Stream: "a", Index: 1, Value: 4, Of: 4}},
		`sim: the list has two choices of stream "a" and index 3: a 3 1/4, a 3 2/4`: {
			{Stream: "a", Index: 0, Value: 1}, {Stream: "a", Index: 3, Value: 1, Of: 4}, {Stream: "b", Index: 3, Value: 1, Of: 4}, {Stream: "a", Index: 3, Value: 2, Of: 4}},
	} {
		tape, err := sim.FromChoices(list)
		if err == nil || err.Error() != text || tape != nil {
			t.Errorf("got %v, want %s", err, text)
		}
		reused := sim.FromSeed(1)
		if err := reused.ResetChoices(list); err == nil {
			t.Error("ResetChoices took the list")
		}
		if s := reused.Stream("a"); s.Choose(9)+s.Choose(9) != 0 {
			t.Error("a tape without a list did not answer 0")
		}
	}
}

func TestAskingDoesNotAllocate(t *testing.T) {
	tape := sim.FromSeed(1)
	s := tape.Stream("s")
	seed := uint64(0)
	data := make([]byte, 64)
	ask := func() {
		for range 100 {
			s.Choose(1000)
			s.Chance(1, 3)
			d := s.Between(0, time.Hour)
			s.Scale(0, time.Hour)
			s.Note(func() string { return d.String() })
			tape.Stream("s").Int(3)
		}
	}
	ask()
	list := tape.Choices()
	for name, reset := range map[string]func(){
		"seed":    func() { seed++; tape.Reset(seed) },
		"bytes":   func() { tape.ResetBytes(data) },
		"choices": func() { _ = tape.ResetChoices(list) },
	} {
		reset()
		if n := testing.AllocsPerRun(20, func() { reset(); ask() }); n >= 1 {
			t.Errorf("%s: %v allocations a run", name, n)
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	bench := func(name string, ask func(s *sim.Stream)) {
		b.Run(name, func(b *testing.B) {
			tape := sim.FromSeed(1)
			s := tape.Stream("s")
			b.ReportAllocs()
			for b.Loop() {
				if tape.Made() == 10000 {
					tape.Reset(1)
				}
				ask(s)
			}
		})
	}
	bench("choose", func(s *sim.Stream) { s.Choose(1000) })
	bench("rare", func(s *sim.Stream) { s.Chance(1, 1000) })
	bench("scale", func(s *sim.Stream) { s.Scale(0, time.Hour) })
	bench("single", func(s *sim.Stream) { s.Choose(1) })
}
