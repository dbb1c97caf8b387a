package chart

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// TextOptions say how [Chart.WriteText] draws. The zero value is ready.
type TextOptions struct {
	// Width is the greatest number of columns of a line: 120 when 0, and 60
	// when less than that.
	Width int

	// ASCII draws with characters below 128 only and escapes all others.
	ASCII bool

	// MaxSteps is how many steps are shown: 120 when 0, all when negative.
	// When there are more, the beginning is shown, what surrounds the
	// violation or the end, and the last faults before that; the others are
	// counted. Of the choices a quarter as many are shown.
	MaxSteps int
}

// WriteText draws the chart as text: a line a step, with the time where it is
// not that of the line above, under a head with the facts and above the state of
// each lane at the end, the choices and the violation. A lifeline stands for each lane; with more lanes than fit, their
// names stand in the text instead.
//
// Times are seconds since the run began, exact to the nanosecond. An arrow is
// drawn in the line of its Send; one that was on its way while other things
// happened is broken, has a number, and is drawn again where it arrives.
//
// It returns the error of [Chart.Check] before writing anything, and the first
// error of w.
func (c *Chart) WriteText(w io.Writer, o TextOptions) error {
	if err := c.Check(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	t := newText(c, o, out)
	t.head()
	t.body()
	t.foot()
	return out.Flush()
}

// text is a text chart in the making.
type text struct {
	c        *Chart
	out      *bufio.Writer
	maxSteps int
	width    int
	show     func(string) string
	glyphs

	last        time.Duration // of the last step that was printed
	timed       bool          // the line above is of that time
	whole, frac int           // columns of the times before the point, and from it on
	laneWidth   int           // columns from one lifeline to the next; 0: none is drawn
	flights     []flight      // by step
	senders     map[int][]int // the numbered sends that ended in a step
	running     [][]Timer     // by lane, as of the step that was printed last
	states      []string      // likewise
}

// flight is how a Send ends.
type flight struct {
	number   int  // of one that is drawn again where it arrives, else 0
	receive  int  // the step in which it ended, or -1
	afterEnd bool // it arrives after the last step
}

const (
	fewLanes  = 4 // up to which the text need not name them
	kindWidth = len("violation") + 2
)

func newText(c *Chart, o TextOptions, out *bufio.Writer) *text {
	t := &text{
		c: c, out: out, show: visible, glyphs: unicodeGlyphs,
		width:    max(60, cmp.Or(o.Width, 120)),
		maxSteps: cmp.Or(o.MaxSteps, 120),
		senders:  make(map[int][]int),
		running:  make([][]Timer, len(c.Lanes)),
		states:   make([]string, len(c.Lanes)),
	}
	if o.ASCII {
		t.show, t.glyphs = visibleASCII, asciiGlyphs
	}
	t.flights = t.findFlights()
	t.measureTimes()
	t.measureLanes()
	return t
}

func (t *text) findFlights() []flight {
	steps := t.c.Steps
	flights := make([]flight, len(steps))
	number := 0
	for i, receive := range t.c.received() {
		f := &flights[i]
		f.receive = receive
		s := &steps[i]
		if s.Kind != Send || s.Arrival < 0 || i+1 == len(steps) {
			continue
		}
		f.afterEnd = s.Arrival > steps[len(steps)-1].At
		apart := receive > i+1 || receive < 0 && s.Arrival > steps[i+1].At
		if apart && !f.afterEnd {
			number++
			f.number = number
			t.senders[receive] = append(t.senders[receive], i)
		}
	}
	return flights
}

func (t *text) measureTimes() {
	measure := func(d time.Duration) {
		whole, frac, found := strings.Cut(seconds(d), ".")
		t.whole = max(t.whole, len(whole))
		if found {
			t.frac = max(t.frac, 1+len(frac))
		}
	}
	measure(0)
	for i := range t.c.Steps {
		s := &t.c.Steps[i]
		measure(s.At)
		if t.flights[i].number > 0 {
			measure(s.Arrival)
		}
	}
}

func (t *text) measureLanes() {
	n := len(t.c.Lanes)
	if n == 0 {
		return
	}
	wanted := 10
	for _, l := range t.c.Lanes {
		wanted = max(wanted, width(t.show(l.Name))+2, width(t.show(l.About))+2)
	}
	const narrowest = 4
	room := (t.width/2 - t.timeWidth()) / n
	if room >= narrowest {
		t.laneWidth = min(wanted, 20, room)
	}
}

func (t *text) timeWidth() int { return t.whole + t.frac + 2 }

// textStart is the column in which the words of a line start.
func (t *text) textStart() int {
	if t.laneWidth == 0 {
		return t.timeWidth()
	}
	return t.timeWidth() + (len(t.c.Lanes)-1)*t.laneWidth + 3
}

func (t *text) print(parts ...string) {
	line := strings.TrimRight(strings.Join(parts, ""), " ")
	t.out.WriteString(line)
	t.out.WriteByte('\n')
}

// paragraph prints s indented, wrapped, and with its own line breaks kept.
func (t *text) paragraph(first, rest, s string) {
	for line := range strings.Lines(s) {
		for _, piece := range wrap(t.show(strings.TrimRight(line, "\r\n")), t.width-width(rest)) {
			t.print(first, piece)
			first = rest
		}
	}
}

func (t *text) head() {
	if t.c.Title != "" {
		t.paragraph("", "", t.c.Title)
	}
	facts := make([]string, len(t.c.Facts))
	for i, f := range t.c.Facts {
		facts[i] = f.Name + " " + f.Value
	}
	if len(facts) > 0 {
		t.paragraph("", "", strings.Join(facts, t.dot))
	}
	if t.c.Title != "" || len(facts) > 0 {
		t.print()
	}
	t.laneNames()
}

// laneNames prints the names of the lanes over, or under, their lifelines.
func (t *text) laneNames() {
	if t.laneWidth == 0 {
		return
	}
	var names, abouts string
	for i, l := range t.c.Lanes {
		room := t.laneWidth - 2
		if i == len(t.c.Lanes)-1 {
			room = t.width - t.textStart()
		}
		names += pad(cut(t.show(l.Name), room, t.ellipsis), t.laneWidth)
		abouts += pad(cut(t.show(l.About), room, t.ellipsis), t.laneWidth)
	}
	t.print(pad("", t.timeWidth()), names)
	if strings.TrimSpace(abouts) != "" {
		t.print(pad("", t.timeWidth()), abouts)
	}
}

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

// between prints words between two steps.
func (t *text) between(words string) {
	t.timed = false
	t.line("", t.plain(t.gap), "", words, "")
}

// line prints a line: its time, its part of the drawing and its words, of
// which the tail is the last to be cut.
func (t *text) line(at string, drawing []rune, kind, words, tail string) {
	left := pad(at, t.timeWidth()) + string(drawing)
	left = pad(left, t.textStart()) + pad(kind, kindWidth)
	room := t.width - width(left)
	words = cut(words, max(room-width(tail), room/2), t.ellipsis)
	t.print(left, cut(words+tail, room, t.ellipsis))
}

// newTime aligns a time at its point; it is empty for the time of the line above.
func (t *text) newTime(d time.Duration) string {
	if t.timed && d == t.last {
		return ""
	}
	t.timed, t.last = true, d
	whole, frac, found := strings.Cut(seconds(d), ".")
	if found {
		frac = "." + frac
	}
	return strings.Repeat(" ", max(0, t.whole-len(whole))) + whole + frac
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
