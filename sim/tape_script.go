package sim

import (
	"cmp"
	"fmt"
	"slices"
)

// FromChoices returns a tape that repeats the choices of list and answers 0 to
// all else. The order of the list does not matter. A value that the question
// asked in its place does not have is answered with the highest one that it
// has; [Tape.Mismatches] tells of that. The list is copied.
//
// It is an error when two choices are of the same stream and index, or when one
// has a value that is not below its Of.
func FromChoices(list []Choice) (*Tape, error) {
	t := new(Tape)
	if err := t.ResetChoices(list); err != nil {
		return nil, err
	}
	return t, nil
}

// ResetChoices is [Tape.Reset] for a tape of choices, as one of [FromChoices].
// After an error the tape answers 0 to every question.
func (t *Tape) ResetChoices(list []Choice) error {
	t.rewind()
	t.script = scriptSource{list: t.script.list[:0], misfits: t.script.misfits[:0]}
	t.source = &t.script
	for i, c := range list {
		if c.Of != 0 && c.Value >= c.Of {
			return t.refuse(fmt.Errorf("sim: choice %d of the list, %s: the value is not below %d", i+1, c, c.Of))
		}
		s := t.Stream(c.Stream)
		s.script = append(s.script, c)
	}
	for _, s := range t.streams {
		if err := s.sortScript(); err != nil {
			return t.refuse(err)
		}
	}
	t.script.list = append(t.script.list, list...)
	return nil
}

// refuse leaves the tape without a script.
func (t *Tape) refuse(err error) error {
	t.rewind()
	return err
}

func byIndex(a, b Choice) int { return cmp.Compare(a.Index, b.Index) }

func (s *Stream) sortScript() error {
	if !slices.IsSortedFunc(s.script, byIndex) {
		slices.SortFunc(s.script, byIndex)
	}
	for i := 1; i < len(s.script); i++ {
		if s.script[i-1].Index == s.script[i].Index {
			return fmt.Errorf("sim: the list has two choices of stream %q and index %d: %s, %s",
				s.name, s.script[i].Index, s.script[i-1], s.script[i])
		}
	}
	return nil
}

// scriptSource repeats a list.
type scriptSource struct {
	list    []Choice
	misfits []Mismatch // of questions asked with another n
}

func (sc *scriptSource) uniform(s *Stream, n uint64) uint64 {
	if s.read == len(s.script) || s.script[s.read].Index != s.next {
		return 0
	}
	c := s.script[s.read]
	s.read++
	v := min(c.Value, n-1)
	if v != c.Value || c.Of != 0 && c.Of != n {
		sc.misfits = append(sc.misfits, Mismatch{Choice: c, Asked: n, Answer: v})
	}
	return v
}

func (sc *scriptSource) chance(s *Stream, _, _ uint64) uint64 { return sc.uniform(s, 2) }

func (sc *scriptSource) scaled(s *Stream, n uint64) uint64 { return sc.uniform(s, n) }

// A Mismatch is a choice on a tape of [FromChoices] that met another question
// than the one for which it was recorded: the code under test, or the world
// around it, has changed since.
type Mismatch struct {
	Choice Choice
	Asked  uint64 // how many answers the question had; 0 when it was not asked, 1 when it had but one
	Answer uint64 // what was answered
}

func (m Mismatch) String() string {
	switch m.Asked {
	case 0:
		return fmt.Sprintf("%s: not asked", m.Choice)
	case 1:
		return fmt.Sprintf("%s: asked with a single answer", m.Choice)
	}
	return fmt.Sprintf("%s: asked with %d answers, answered %d", m.Choice, m.Asked, m.Answer)
}

// Mismatches returns the choices of a tape of [FromChoices] that met another
// question so far, or none: first those asked with another number of answers,
// then, in the order of the list, those not asked. Called at the end of a run
// it tells whether the list still fits the code. Other tapes have none.
func (t *Tape) Mismatches() []Mismatch {
	if t.source != &t.script {
		return nil
	}
	all := slices.Clone(t.script.misfits)
	for _, c := range t.script.list {
		if c.Index >= t.Stream(c.Stream).next {
			all = append(all, Mismatch{Choice: c})
		}
	}
	return all
}
