package chart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (t *text) body() {
	arrivals := t.arrivals()
	keep := keptSteps(t.c, t.maxSteps)
	skipped := elision{}
	kept := true // the step above
	for i := range t.c.Steps {
		s := &t.c.Steps[i]
		for len(arrivals) > 0 && t.c.Steps[arrivals[0]].Arrival <= s.At {
			if kept {
				t.pause(t.c.Steps[arrivals[0]].Arrival)
				t.arrivalLine(arrivals[0])
			}
			arrivals = arrivals[1:]
		}
		kept = keep[i]
		changes := t.follow(s)
		if !kept {
			skipped.add(s)
			continue
		}
		if skipped.steps > 0 {
			t.between(skipped.String(t.ellipsis))
			skipped = elision{}
		} else {
			t.pause(s.At)
		}
		t.stepLine(i, changes)
	}
	if skipped.steps > 0 {
		t.between(skipped.String(t.ellipsis))
	}
}

// arrivals are the sends that have a line of their own for their arrival, in
// the order of these.
func (t *text) arrivals() []int {
	var sends []int
	for i, f := range t.flights {
		if f.number > 0 && f.receive < 0 {
			sends = append(sends, i)
		}
	}
	slices.SortStableFunc(sends, func(a, b int) int { return cmp.Compare(t.c.Steps[a].Arrival, t.c.Steps[b].Arrival) })
	return sends
}

// pause tells that nothing happened for a while before an instant.
func (t *text) pause(at time.Duration) {
	if d := at - t.last; d >= time.Second {
		t.between(t.show(d.String()) + " later")
	}
}

// elision counts what is left out.
type elision struct{ steps, faults int }

func (e *elision) add(s *Step) {
	e.steps++
	if s.Kind == Fault {
		e.faults++
	}
}

func (e *elision) String(ellipsis string) string {
	what := count(e.steps, "step")
	if e.faults > 0 {
		what += ", " + count(e.faults, "fault") + " among them,"
	}
	return ellipsis + " " + what + " " + ellipsis
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (t *text) stepLine(i int, changes string) {
	s := &t.c.Steps[i]
	tail := ""
	add := func(more string) {
		if more != "" {
			tail += t.dot + more
		}
	}
	switch {
	case s.Kind == Send:
		add(t.fate(i))
	case s.Kind == Fault && s.Until > s.At:
		add("until " + seconds(s.Until))
	}
	add(t.sentBy(i))
	add(changes)
	words := t.show(s.Text)
	if name := t.where(s); name != "" {
		words = name + ": " + words
	}
	kind := s.Kind.String()
	if s.Kind == Violation {
		kind = strings.ToUpper(kind)
	}
	t.line(t.newTime(s.At), t.drawing(i), kind, words, tail)
}

// where names the lanes of a step when the drawing is not enough to tell.
func (t *text) where(s *Step) string {
	if s.Lane == World || len(t.c.Lanes) <= fewLanes && t.laneWidth > 0 {
		return ""
	}
	name := t.show(t.c.Lanes[s.Lane].Name)
	if s.Kind == Send {
		name += t.to + t.show(t.c.Lanes[s.To].Name)
	}
	return name
}

// fate tells what became of a send.
func (t *text) fate(i int) string {
	s, f := &t.c.Steps[i], &t.flights[i]
	switch {
	case s.Arrival < 0:
		return "lost"
	case f.afterEnd:
		return "arrives " + seconds(s.Arrival) + ", after the end"
	case f.number > 0 && s.Arrival == s.At:
		return fmt.Sprintf("#%d", f.number)
	case f.number > 0:
		return fmt.Sprintf("#%d arrives %s", f.number, seconds(s.Arrival))
	case s.Arrival > s.At:
		return "+" + t.show((s.Arrival - s.At).String())
	}
	return ""
}

// sentBy names the numbered sends that ended in a step.
func (t *text) sentBy(step int) string {
	var sends []string
	for _, i := range t.senders[step] {
		name := fmt.Sprintf("#%d", t.flights[i].number)
		if sent := t.c.Steps[i].At; sent != t.c.Steps[step].At {
			name += " sent " + seconds(sent)
		}
		sends = append(sends, name)
	}
	return strings.Join(sends, ", ")
}

func (t *text) arrivalLine(send int) {
	s := &t.c.Steps[send]
	t.line(t.newTime(s.Arrival), t.arrow(s.Lane, s.To, arrived), "arrival", t.show(s.Text),
		fmt.Sprintf("%s#%d sent %s", t.dot, t.flights[send].number, seconds(s.At)))
}

// follow keeps the states and timers of the lanes and tells what a step
// changed of them.
func (t *text) follow(s *Step) string {
	if s.Lane == World {
		return ""
	}
	var changes []string
	if s.State != "" && s.State != t.states[s.Lane] {
		t.states[s.Lane] = s.State
		changes = append(changes, "now "+t.show(s.State))
	}
	if s.Timers != nil {
		for _, old := range t.running[s.Lane] {
			if !hasTimer(s.Timers, old.Name) {
				changes = append(changes, "-"+t.show(old.Name))
			}
		}
		for _, timer := range s.Timers {
			if !hasTimer(t.running[s.Lane], timer.Name) {
				changes = append(changes, "+"+t.show(timer.Name)+"@"+seconds(timer.At))
			}
		}
		t.running[s.Lane] = s.Timers
	}
	return strings.Join(changes, " ")
}

func hasTimer(timers []Timer, name string) bool {
	return slices.ContainsFunc(timers, func(t Timer) bool { return t.Name == name })
}
