package chart

import (
	"fmt"
	"strings"
	"time"
)

func (t *text) foot() {
	if len(t.c.Steps) > 30 {
		t.laneNames()
	}
	t.lanesAtEnd()
	t.choices()
	if t.c.Violation != "" {
		t.print()
		t.print("violated:")
		t.paragraph("  ", "  ", t.c.Violation)
	}
}

func (t *text) choices() {
	choices := t.c.Choices
	if len(choices) == 0 {
		return
	}
	t.print()
	t.print(count(len(choices), "choice") + " made this run:")
	shown := len(choices)
	if t.maxSteps > 0 {
		shown = min(shown, max(t.maxSteps/4, 1))
	}
	for i, choice := range choices[:shown] {
		number := fmt.Sprintf("%4d. ", i+1)
		t.paragraph(number, pad("", len(number)), choice)
	}
	if left := len(choices) - shown; left > 0 {
		t.print("      " + t.ellipsis + " and " + count(left, "other"))
	}
}

// lanesAtEnd prints the state and the running timers of each lane of which
// either is known.
func (t *text) lanesAtEnd() {
	if len(t.c.Steps) == 0 {
		return
	}
	end := t.c.Steps[len(t.c.Steps)-1].At
	names, states := 0, 0
	for i, l := range t.c.Lanes {
		names = max(names, min(30, width(t.show(l.Name))))
		states = max(states, min(20, width(t.show(t.states[i]))))
	}
	titled := false
	for i, l := range t.c.Lanes {
		if t.states[i] == "" && t.running[i] == nil {
			continue
		}
		if !titled {
			t.print()
			t.print("at the end:")
			titled = true
		}
		name := pad(cut(t.show(l.Name), names, t.ellipsis), names)
		state := pad(cut(t.show(t.states[i]), states, t.ellipsis), states)
		first := "  " + name + "  " + state + "  "
		t.paragraph(first, pad("", width(first)), t.timersAt(end, t.running[i]))
	}
}

func (t *text) timersAt(now time.Duration, timers []Timer) string {
	if len(timers) == 0 {
		return "no timer runs"
	}
	words := make([]string, len(timers))
	for i, timer := range timers {
		left := "due now"
		switch {
		case timer.At > now:
			left = "in " + (timer.At - now).String()
		case timer.At < now:
			left = "overdue by " + (now - timer.At).String()
		}
		words[i] = fmt.Sprintf("%s at %s (%s)", timer.Name, seconds(timer.At), left)
	}
	return strings.Join(words, ", ")
}
