package chart

import (
	"bufio"
	"cmp"
	"io"
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
