package sim

import "fmt"

// EnumeratorOptions bound what an [Enumerator] walks. The zero value bounds
// nothing but the answers of large questions.
type EnumeratorOptions struct {
	// Runs is the highest number of runs. Zero or less means no bound.
	Runs int

	// Depth is the highest number of questions of a run that have their
	// answers tried; the later ones are answered 0. Zero or less means no bound.
	Depth int

	// Answers is up to how many answers of a question are all tried. Of a larger
	// question there are four: 0, 1, n/2 and n-1. Zero or less means 64.
	Answers int

	// Deviations is the highest number of answers of a run that are not 0: 1
	// tries every single fault at every step, 2 every pair of them. Zero or
	// less means no bound.
	Deviations int
}

// An Enumerator hands out one tape for every combination of answers: with a
// small world it tries all that can happen. It walks the tree of questions
// depth first, the plainest answers first, and keeps no more than the questions
// of the run at hand.
//
//	e := sim.NewEnumerator(sim.EnumeratorOptions{})
//	for tape := e.Next(); tape != nil; tape = e.Next() {
//		run(tape)
//	}
//
// All answers of a question are tried when there are at most 64, or
// [EnumeratorOptions.Answers], and of a larger one four: 0, 1, n/2 and n-1. A
// [Stream.Chance] is tried both ways unless it is impossible.
//
// What is enumerated must depend on its tape alone; see [Enumerator.Err]. An
// Enumerator serves one goroutine.
type Enumerator struct {
	o         EnumeratorOptions
	tape      Tape
	path      []branch // the questions of this run that have answers to try
	at        int      // how many of them were asked in this run
	runs      int
	cut       bool // this run's questions branch no more
	shortened bool // some run was deeper than o.Depth
	over      bool
	complete  bool
	err       error
}

// branch is a question and the answer that is being tried.
type branch struct {
	stream *Stream
	index  uint32
	sparse bool   // four of the answers are tried
	try    uint64 // which of those that are tried
	of     uint64
}

// NewEnumerator returns an enumerator with nothing walked.
func NewEnumerator(o EnumeratorOptions) *Enumerator {
	if o.Answers <= 0 {
		o.Answers = 64
	}
	e := &Enumerator{o: o}
	e.tape.source = e
	return e
}

// Next ends the present run and returns the tape of another. It returns nil
// when the whole tree has been walked, when the bound of runs is reached, or
// when the runs diverged. The tape serves until the next call; it is the same
// one each time, with the same streams.
func (e *Enumerator) Next() *Tape {
	if e.over = e.over || !e.advance(); e.over {
		return nil
	}
	e.runs++
	e.at, e.cut = 0, false
	e.tape.rewind()
	return &e.tape
}

// advance turns to the next combination of answers.
func (e *Enumerator) advance() bool {
	if e.runs == 0 {
		return true
	}
	if e.at < len(e.path) {
		e.diverge("")
	}
	if e.err != nil {
		return false
	}
	for len(e.path) > 0 && !e.path[len(e.path)-1].advance() {
		e.path = e.path[:len(e.path)-1]
	}
	e.complete = len(e.path) == 0 && !e.shortened
	return len(e.path) > 0 && (e.o.Runs <= 0 || e.runs < e.o.Runs)
}

// Cut says that nothing new follows in this run: its later questions are
// answered 0, and no other answers of theirs are tried. A caller that keeps
// the hashes of the states that it has seen calls it on meeting one again.
//
// It does nothing and reports false while the run repeats the beginning of the
// one before it, whose states have of course been seen; such a run must go on.
//
// With [EnumeratorOptions.Deviations] two states are alike only if [Tape.Made]
// is alike too, and with Depth if as many questions were asked on the way.
func (e *Enumerator) Cut() bool {
	if !e.Fresh() {
		return false
	}
	e.cut = true
	return true
}

// Fresh reports whether the run has left the beginning that it shares with the
// one before it.
func (e *Enumerator) Fresh() bool { return e.at == len(e.path) && e.err == nil }

// Runs returns how many tapes were handed out.
func (e *Enumerator) Runs() int { return e.runs }

// Complete reports whether the whole tree was walked: Next returned nil and
// that was for no bound of runs or depth. Subtrees that were cut count as
// walked, and a bound of deviations makes for a smaller tree.
func (e *Enumerator) Complete() bool { return e.complete }

// Err returns a [*DivergenceError] when a run, given the same answers as the
// one before it, did not ask the same questions. Next returns nil after that.
func (e *Enumerator) Err() error { return e.err }

// A DivergenceError tells that a world depends on something besides its tape.
type DivergenceError struct {
	Run      int    // which run, from 1
	Question int    // which question of the run, from 1; those with a single answer do not count
	Before   string // what was asked there in the run before
	Now      string // what was asked now; empty when the run ended before it
}

func (d *DivergenceError) Error() string {
	now := d.Now
	if now == "" {
		now = "nothing more"
	}
	return fmt.Sprintf("sim: run %d was given the answers of the run before it and asked something else at question %d: %s in place of %s; "+
		"look for what the world takes from outside of its tape, such as the order of a map, the time or what an earlier run left behind",
		d.Run, d.Question, now, d.Before)
}

func (e *Enumerator) diverge(now string) {
	if e.err != nil {
		return
	}
	e.err = &DivergenceError{Run: e.runs, Question: e.at + 1, Before: e.path[e.at].String(), Now: now}
}

func (e *Enumerator) uniform(s *Stream, n uint64) uint64 {
	now := branch{stream: s, index: s.next, of: n, sparse: n > max(uint64(e.o.Answers), 4)}
	switch {
	case e.err != nil || e.cut:
		return 0
	case e.at < len(e.path):
		return e.repeat(now)
	case e.o.Deviations > 0 && e.tape.Made() >= e.o.Deviations:
		return 0
	case e.o.Depth > 0 && e.at >= e.o.Depth:
		e.shortened = true
		return 0
	}
	e.path = append(e.path, now)
	e.at++
	return 0
}

// repeat answers a question as the path says.
func (e *Enumerator) repeat(now branch) uint64 {
	before := e.path[e.at]
	now.try = before.try
	if now != before {
		e.diverge(now.String())
		return 0
	}
	e.at++
	return before.answer()
}

func (e *Enumerator) chance(s *Stream, _, _ uint64) uint64 { return e.uniform(s, 2) }

func (e *Enumerator) scaled(s *Stream, n uint64) uint64 { return e.uniform(s, n) }

// advance turns to the next answer of the question, if there is one.
func (b *branch) advance() bool {
	count := b.of
	if b.sparse {
		count = 4
	}
	if b.try+1 == count {
		return false
	}
	b.try++
	return true
}

func (b branch) answer() uint64 {
	switch {
	case b.sparse && b.try == 2:
		return b.of / 2
	case b.sparse && b.try == 3:
		return b.of - 1
	}
	return b.try
}

func (b branch) String() string {
	return fmt.Sprintf("question %d of stream %q, with %d answers", b.index, b.stream.name, b.of)
}
