package sim

import (
	"cmp"
	"math/bits"
	"slices"
)

// ShrinkOptions bound [Shrink].
type ShrinkOptions struct {
	// Runs is how often fails is called at most. Zero means 3,000, less no bound.
	Runs int

	// Progress, when not nil, is called whenever a smaller list was found that
	// fails, with the number of runs so far. It must not change best.
	Progress func(runs int, best []Choice)
}

// Shrink looks for a smaller list of choices that still fails, given one that
// does, and returns the smallest found: list itself when there is none. A list
// is smaller with fewer choices, with lower values, or with choices that come
// earlier in their streams. fails runs the list it is given, on a tape of
// [FromChoices], and reports whether the run fails as the first one did; it
// may keep the list but must not change it.
//
// In turn Shrink drops whole streams, then choices, by halves down to single
// ones, lowers values, moves what is left of a stream towards its beginning,
// and drops choices two at a time; and begins again whenever one of these
// found something, until none does. No list is run twice. Unless the runs were
// used up, the result fails no more when any one choice or any two are
// dropped, or when a value is lowered by one. The same list and the same fails
// give the same result.
//
// A run of the result may ask its questions with other numbers of answers than
// the first run did: the choices of that run, from [Tape.Choices], are those to
// keep. Shrink sets Of to 0 in a choice that it moved, and takes the Note off
// one that it changed.
func Shrink(list []Choice, fails func([]Choice) bool, o ShrinkOptions) []Choice {
	s := &shrinker{best: list, fails: fails, left: o.Runs, progress: o.Progress, tried: make(map[uint64]bool)}
	if o.Runs == 0 {
		s.left = 3000
	}
	passes := []func(){s.dropStreams, s.dropChoices, s.lowerValues, s.moveEarlier, s.dropPairs}
	for next := 0; next < len(passes); next++ {
		before := s.found
		passes[next]()
		if s.found > before {
			next = -1
		}
	}
	return s.best
}

type shrinker struct {
	best     []Choice // the smallest list known to fail
	fails    func([]Choice) bool
	progress func(runs int, best []Choice)
	tried    map[uint64]bool // by hash
	runs     int
	left     int // runs; never 0 without a bound
	found    int // lists that fail
}

// try runs a list that is smaller than the best and keeps it if it fails.
func (s *shrinker) try(list []Choice) bool {
	h := hashChoices(list)
	if s.left == 0 || s.tried[h] {
		return false
	}
	s.tried[h] = true
	s.left--
	s.runs++
	if !s.fails(list) {
		return false
	}
	s.best = list
	s.found++
	if s.progress != nil {
		s.progress(s.runs, list)
	}
	return true
}

func hashChoices(list []Choice) uint64 {
	h := uint64(len(list))
	for _, c := range list {
		h = mix(h + hashName(c.Stream))
		h = mix(h + uint64(c.Index))
		h = mix(h + c.Value)
	}
	return h
}

// dropStreams drops the choices of whole streams, the largest first, and so
// begins with the empty list.
func (s *shrinker) dropStreams() {
	number := make(map[string]int)
	var parts [][]int
	for i, c := range s.best {
		n, ok := number[c.Stream]
		if !ok {
			n = len(parts)
			number[c.Stream] = n
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], i)
	}
	slices.SortStableFunc(parts, func(a, b []int) int { return cmp.Compare(len(b), len(a)) })
	s.drop(parts)
}

// dropChoices drops choices.
func (s *shrinker) dropChoices() {
	all := make([]int, len(s.best))
	parts := make([][]int, len(s.best))
	for i := range all {
		all[i] = i
		parts[i] = all[i : i+1]
	}
	s.drop(parts)
}

// drop drops as many of the parts as it can. Each is a list of places in the
// best list as it stands.
func (s *shrinker) drop(parts [][]int) {
	base := s.best
	gone := make([]bool, len(base))
	kept := len(base)
	mark := func(parts [][]int, as bool) {
		for _, part := range parts {
			for _, i := range part {
				gone[i] = as
			}
		}
	}
	var halve func(parts [][]int)
	halve = func(parts [][]int) {
		if len(parts) == 0 || s.left == 0 {
			return
		}
		mark(parts, true)
		if s.try(remaining(base, gone, kept)) {
			kept = len(s.best)
			return
		}
		mark(parts, false)
		if len(parts) > 1 {
			half := len(parts) / 2
			halve(parts[:half])
			halve(parts[half:])
		}
	}
	halve(parts)
}

// remaining copies what is not gone, at most size choices.
func remaining(list []Choice, gone []bool, size int) []Choice {
	rest := make([]Choice, 0, size)
	for i, c := range list {
		if !gone[i] {
			rest = append(rest, c)
		}
	}
	return rest
}

// dropPairs drops two choices at once, neighbours first: those of which one
// without the other changes too much, such as a crash and its restart.
func (s *shrinker) dropPairs() {
	for apart := 1; apart < len(s.best); apart++ {
		for i := 0; i+apart < len(s.best) && s.left != 0; i++ {
			gone := make([]bool, len(s.best))
			gone[i], gone[i+apart] = true, true
			if s.try(remaining(s.best, gone, len(s.best))) {
				return
			}
		}
	}
}

// lowerValues lowers each value.
func (s *shrinker) lowerValues() {
	for i := range s.best {
		lower := func(v uint64) bool {
			list := slices.Clone(s.best)
			list[i].Value, list[i].Note = v, ""
			return s.try(list)
		}
		s.lowerValue(i, lower)
	}
}

// few is up to how many values are all tried.
const few = 8

func (s *shrinker) lowerValue(i int, lower func(v uint64) bool) {
	v := s.best[i].Value
	if v > few && !lower(1) {
		s.halveValue(i, lower)
		s.clearBits(i, lower)
	}
	v = s.best[i].Value
	for w := uint64(1); w < v && v <= few; w++ {
		if lower(w) {
			return
		}
	}
}

// halveValue finds the lowest value, above 1, if all above it fail as well.
func (s *shrinker) halveValue(i int, lower func(v uint64) bool) {
	v := s.best[i].Value
	if !lower(v/2) && !lower(v-1) {
		return
	}
	passing, failing := uint64(1), s.best[i].Value
	for failing-passing > 1 && s.left != 0 {
		if middle := passing + (failing-passing)/2; lower(middle) {
			failing = middle
		} else {
			passing = middle
		}
	}
}

// clearBits clears what it can of a value that may be a set of bits.
func (s *shrinker) clearBits(i int, lower func(v uint64) bool) {
	for b := bits.Len64(s.best[i].Value) - 1; b >= 0 && s.best[i].Value < 1<<20; b-- {
		v := s.best[i].Value
		if w := v &^ (1 << b); w != v && w != 0 {
			lower(w)
		}
	}
}

// moveEarlier moves each choice, together with those after it in its stream,
// towards the one before it. Its distance from that one modulo some small
// number stays as it was, since streams often ask several questions for each
// occasion.
func (s *shrinker) moveEarlier() {
	for i := range s.best {
		for occasion := uint32(1); occasion <= few; occasion++ {
			from := s.best[i].Index
			floor := s.floor(i)
			if by := (from - floor) / occasion * occasion; by > 0 {
				s.try(moved(s.best, s.best[i].Stream, from, by))
			}
		}
	}
}

// floor returns the lowest index to which a choice can move.
func (s *shrinker) floor(i int) uint32 {
	var floor uint32
	for _, c := range s.best {
		if c.Stream == s.best[i].Stream && c.Index < s.best[i].Index {
			floor = max(floor, c.Index+1)
		}
	}
	return floor
}

// moved moves the choices of a stream from an index on.
func moved(list []Choice, stream string, from, by uint32) []Choice {
	list = slices.Clone(list)
	for i := range list {
		if c := &list[i]; c.Stream == stream && c.Index >= from {
			c.Index -= by
			c.Of, c.Note = 0, ""
		}
	}
	return list
}
