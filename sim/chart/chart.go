package chart

import (
	"fmt"
	"time"
)

// A Chart is a run: what happened on which lane, in the order in which it
// happened, and what was wrong with it. All of its text may come from an
// untrusted peer: whatever draws it escapes it.
//
// Drawing reads a Chart and keeps nothing of it; several goroutines may draw
// one at once as long as none changes it.
type Chart struct {
	Title string
	Facts []Fact
	Lanes []Lane
	Steps []Step // in the order in which they happened

	// Choices are the decisions that made the run what it was, in words: the
	// non-zero ones of the shrunk tape.
	Choices []string

	// Violation is the violated property and why; "" when the run passed.
	Violation string

	// Verdict is what the page says in a word or two of what came of the run.
	// Default "passed", or "violated" when there is a Violation.
	Verdict string
}

// A Fact is something to know about the whole run: its world, its seed, its hash.
type Fact struct{ Name, Value string }

// A Lane is one end of a connection, or a node: what has a state and timers.
type Lane struct {
	Name  string
	About string // such as "server"; may be empty
}

// A Step is something that happened at one instant.
type Step struct {
	At   time.Duration // since the run began; never less than that of the step before
	Lane int           // where it happened: an index into Chart.Lanes, or World
	Kind Kind
	Text string // in words: `TEXT fin "hello" (5 bytes)`, "ping timer", "ann>room clogged for 4s"

	// Bytes are the bytes that the step is about, for hex dumps; they may be
	// cut. Nil when it is about none.
	Bytes []byte

	// To is the lane that a Send goes to, and Arrival when its last byte
	// arrived there, not before At; Lost when it never did. Its arrow is drawn
	// to the first Receive or Event of that lane and instant that follows.
	To      int
	Arrival time.Duration

	Until time.Duration // of a Fault: when it was over, not before At; 0 when it lasted no time

	// State is that of the lane's connection after the step: "open",
	// "closing"; "" when the step left it as it was.
	State string

	// Timers are those that run on the lane after the step; nil when the step
	// left them as they were, empty but not nil when none runs.
	Timers []Timer
}

const (
	// World as a [Step]'s Lane: it happened to the network, or to all.
	World = -1

	// Lost as a [Step]'s Arrival: what was sent never arrived in full.
	Lost time.Duration = -1
)

// A Timer is a running timer and the instant for which it is armed. The last word
// of its name is its kind: timers of one kind, such as "ping" and "ann ping", have
// one colour.
type Timer struct {
	Name string
	At   time.Duration // since the run began
}

// Kind tells what sort of thing a [Step] is.
type Kind uint8

const (
	Note      Kind = iota // anything worth knowing
	Send                  // a lane sent bytes to another one: an arrow
	Receive               // a lane took bytes that had arrived
	Event                 // a lane's connection reported something to its application
	Expiry                // a timer of a lane ran out
	Call                  // the application did something
	Fault                 // the network, a machine or a clock misbehaved
	Mark                  // something that must happen sometimes did
	Violation             // a property did not hold
)

var kindNames = [...]string{"note", "send", "receive", "event", "timer", "call", "fault", "mark", "violation"}

// String returns the kind in lower case, such as "send"; an Expiry is a "timer".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", k)
}

// Check returns an error that names the first step that cannot be drawn: one on
// a lane that does not exist, one that happened before the step above it, or a
// send that arrived before it left. WriteText and WriteHTML call it.
func (c *Chart) Check() error {
	var last time.Duration
	for i := range c.Steps {
		s := &c.Steps[i]
		if err := c.checkStep(s, last); err != nil {
			return fmt.Errorf("chart: step %d: %w", i, err)
		}
		last = s.At
	}
	return nil
}

func (c *Chart) checkStep(s *Step, last time.Duration) error {
	switch {
	case s.At < last:
		return fmt.Errorf("it happened at %v, before the step above it or the run itself, at %v", s.At, last)
	case int(s.Kind) >= len(kindNames):
		return fmt.Errorf("there is no kind %d", s.Kind)
	case s.Lane != World && !c.hasLane(s.Lane):
		return fmt.Errorf("lane %d does not exist, there are %d", s.Lane, len(c.Lanes))
	case s.Kind == Fault && s.Until != 0 && s.Until < s.At:
		return fmt.Errorf("the fault began at %v and was over before, at %v", s.At, s.Until)
	case s.Kind == Send:
		return c.checkSend(s)
	}
	return nil
}

func (c *Chart) checkSend(s *Step) error {
	switch {
	case s.Lane == World:
		return fmt.Errorf("only a lane sends: use a Receive for bytes from nowhere")
	case !c.hasLane(s.To):
		return fmt.Errorf("it sends to lane %d, which does not exist: there are %d", s.To, len(c.Lanes))
	case s.To == s.Lane:
		return fmt.Errorf("lane %d sends to itself", s.Lane)
	case s.Arrival >= 0 && s.Arrival < s.At:
		return fmt.Errorf("it arrived at %v and left after, at %v: use Lost for what never arrived", s.Arrival, s.At)
	}
	return nil
}

func (c *Chart) hasLane(i int) bool { return i >= 0 && i < len(c.Lanes) }
