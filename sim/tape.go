package sim

import "time"

// A Tape answers every question of a run: whether a byte is lost, how long a
// pause lasts, which of two events comes first. All that is random in a run
// comes from its tape, so that the tape is the run: the same tape gives the
// same run again, bit for bit.
//
// A question is asked on a [Stream], which has a name; it has n answers,
// numbered from 0, and 0 is always the plainest: no fault, no delay, the whole
// chunk, the first in order. So a tape of zeros is an undisturbed run, and the
// answers that are not 0 are what a run is about: [Tape.Choices] lists them.
//
// There are four kinds of tape. [FromSeed] draws the answers, [FromChoices]
// repeats a list of them, [FromBytes] takes them from a fuzzer, and an
// [Enumerator] hands out one tape for every combination of them.
//
// A tape records the outcome of a question, not what was drawn for it: a
// [Stream.Chance] that came true is 1/2 whatever the odds, and a
// [Stream.Scale] is the number of nanoseconds above its lower end. So a list of
// choices can be read, edited by hand, and shrunk.
//
// A Tape and its streams serve one goroutine. The zero Tape is that of seed 0. A
// Tape must not be copied.
type Tape struct {
	source source
	seed   seedSource
	script scriptSource
	bytes  bytesSource

	names   map[string]*Stream
	streams []*Stream

	made    []made
	notes   []note
	asked   int
	tracing bool
}

// A source answers questions that have two answers or more.
type source interface {
	uniform(s *Stream, n uint64) uint64       // in [0, n), evenly where it draws
	chance(s *Stream, num, den uint64) uint64 // 0 or 1; 1 in num of den cases; 0 < num <= den
	scaled(s *Stream, n uint64) uint64        // in [0, n), evenly over the magnitudes where it draws
}

// made is a [Choice] whose stream is a number, free of pointers.
type made struct {
	stream, index uint32
	value, of     uint64
}

// note is what the asker said about a choice.
type note struct {
	choice int // in Tape.made
	text   string
}

// Reset makes the tape answer from seed, as a new one of [FromSeed] does, and
// forgets the choices made. Its streams and its memory remain in use, so that
// a thousand runs cost the memory of one.
func (t *Tape) Reset(seed uint64) {
	t.rewind()
	t.source = &t.seed
	t.seed = seedSource(seed)
	for _, s := range t.streams {
		s.key = t.seed.key(s.hash)
	}
}

// rewind begins a new run.
func (t *Tape) rewind() {
	t.made, t.notes, t.asked = t.made[:0], t.notes[:0], 0
	for _, s := range t.streams {
		s.next, s.last = 0, 0
		s.script, s.read = s.script[:0], 0
	}
}

// Stream returns the stream of that name, always the same one. It is meant for
// the setup of a run: whoever asks often keeps the Stream.
func (t *Tape) Stream(name string) *Stream {
	if s := t.names[name]; s != nil {
		return s
	}
	if t.source == nil {
		t.Reset(0)
	}
	s := &Stream{tape: t, name: name, number: uint32(len(t.streams)), hash: hashName(name)}
	s.key = t.seed.key(s.hash)
	if t.names == nil {
		t.names = make(map[string]*Stream)
	}
	t.names[name] = s
	t.streams = append(t.streams, s)
	return s
}

// Asked returns how many questions were asked so far, those with a single
// answer included.
func (t *Tape) Asked() int { return t.asked }

// Made returns how many of the answers given so far were not 0: the length of
// [Tape.Choices].
func (t *Tape) Made() int { return len(t.made) }

// Choices returns the answers given so far that were not 0, in the order in
// which they were given. A tape made from this list gives the same answers to
// the same questions.
func (t *Tape) Choices() []Choice {
	list := make([]Choice, len(t.made))
	for i, m := range t.made {
		list[i] = Choice{Stream: t.streams[m.stream].name, Index: m.index, Value: m.value, Of: m.of}
	}
	for _, n := range t.notes {
		list[n.choice].Note = n.text
	}
	return list
}

// Trace says whether [Stream.Note] takes notes. It is off in a new tape and
// stays as it is over a [Tape.Reset].
func (t *Tape) Trace(on bool) { t.tracing = on }

// A Stream is one sequence of questions of a [Tape]. Streams do not disturb one
// another: asking more of one changes no answer of another, unless the tape is
// made of bytes.
//
// An asker that reads a fixed number of answers for each occasion keeps the
// later occasions in place when one answer changes, which is what makes
// shrinking work.
type Stream struct {
	tape   *Tape
	name   string
	hash   uint64 // of the name
	key    uint64 // of seed and name
	next   uint32 // index of the question asked next
	number uint32 // in Tape.streams
	last   int    // 1 + index in Tape.made of the latest answer; 0 when that was 0

	script []Choice // scriptSource: ascending by index
	read   int      // of script
}

// Name returns the name of the stream.
func (s *Stream) Name() string { return s.name }

// Choose answers a question that has n answers: a number in [0, n), each as
// likely as the others. When n is 0 or 1 the answer is 0, and counts as asked.
func (s *Stream) Choose(n uint64) uint64 {
	if n <= 1 {
		return s.pass()
	}
	return s.answer(n, s.tape.source.uniform(s, n))
}

// Int is [Stream.Choose] for an int. When n is below 2 the answer is 0.
func (s *Stream) Int(n int) int {
	return int(s.Choose(uint64(max(n, 0))))
}

// Chance reports true in num of den cases. False is the plainest answer, the
// only one when num or den is 0; when num is den or more, a tape that draws
// answers true, and one that is past its end still false.
func (s *Stream) Chance(num, den uint64) bool {
	if num == 0 || den == 0 {
		return s.pass() != 0
	}
	return s.answer(2, s.tape.source.chance(s, min(num, den), den)) != 0
}

// Between answers with a duration from lo to hi, both included, to the
// nanosecond; lo is the plainest. It is lo when hi is not above it.
func (s *Stream) Between(lo, hi time.Duration) time.Duration {
	d := lo + time.Duration(s.Choose(answers(lo, hi)))
	s.noteDuration(d)
	return d
}

// noteDuration says what a question for a duration decided, for who does not
// say it better.
func (s *Stream) noteDuration(d time.Duration) {
	if s.tape.tracing {
		s.Note(func() string { return d.String() })
	}
}

// Scale answers with a duration from lo to hi, both included; lo is the
// plainest. Every magnitude of what is added to lo is as likely as the others,
// where a magnitude is nothing, 1 ns, 2 to 3 ns, 4 to 7 ns and so on: tiny and
// huge durations are both common. It is lo when hi is not above it.
func (s *Stream) Scale(lo, hi time.Duration) time.Duration {
	n := answers(lo, hi)
	if n <= 1 {
		return lo + time.Duration(s.pass())
	}
	d := lo + time.Duration(s.answer(n, s.tape.source.scaled(s, n)))
	s.noteDuration(d)
	return d
}

// answers counts the durations from lo to hi.
func answers(lo, hi time.Duration) uint64 {
	if hi <= lo {
		return 1
	}
	span := uint64(hi) - uint64(lo)
	return max(span+1, span) // the widest span of all does without its end
}

// Note says what the latest answer of the stream decided, for whoever reads the
// list of choices: "clogged for 4s". It calls text only when the tape is traced
// and the answer was not 0, and costs nothing otherwise.
func (s *Stream) Note(text func() string) {
	if !s.tape.tracing || s.last == 0 {
		return
	}
	t := s.tape
	t.notes = append(t.notes, note{choice: s.last - 1, text: text()})
}

// pass answers a question that has a single answer.
func (s *Stream) pass() uint64 {
	if s.read < len(s.script) {
		s.tape.script.uniform(s, 1)
	}
	s.tape.asked++
	s.next++
	s.last = 0
	return 0
}

// answer records the answer v to the question of n answers asked last.
func (s *Stream) answer(n, v uint64) uint64 {
	t := s.tape
	t.asked++
	s.last = 0
	if v != 0 {
		t.made = append(t.made, made{stream: s.number, index: s.next, value: v, of: n})
		s.last = len(t.made)
	}
	s.next++
	return v
}
