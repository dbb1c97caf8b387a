package chart

// plain is the drawing of a line on which nothing happens to the lanes.
func (t *text) plain(life rune) []rune {
	if t.laneWidth == 0 {
		return nil
	}
	cells := make([]rune, (len(t.c.Lanes)-1)*t.laneWidth+1)
	for i := range cells {
		cells[i] = ' '
		if i%t.laneWidth == 0 {
			cells[i] = life
		}
	}
	return cells
}

// drawing is that of a step.
func (t *text) drawing(i int) []rune {
	s := &t.c.Steps[i]
	switch {
	case t.laneWidth == 0:
		return nil
	case s.Kind == Send:
		return t.arrow(s.Lane, s.To, t.journey(i))
	case s.Lane == World:
		return t.band(s.Kind)
	}
	cells := t.plain(t.life)
	for _, send := range t.senders[i] {
		cells = t.arrow(t.c.Steps[send].Lane, s.Lane, arrived)
	}
	cells[s.Lane*t.laneWidth] = t.kinds[s.Kind]
	return cells
}

// journey is what one line shows of an arrow.
type journey int

const (
	direct   journey = iota // all of it
	departed                // its beginning
	arrived                 // its end
	lost                    // as far as it came
)

func (t *text) journey(i int) journey {
	f := &t.flights[i]
	switch {
	case t.c.Steps[i].Arrival < 0:
		return lost
	case f.number > 0 || f.afterEnd:
		return departed
	}
	return direct
}

func (t *text) arrow(from, to int, j journey) []rune {
	cells := t.plain(t.life)
	if cells == nil {
		return nil
	}
	start, end, step := from*t.laneWidth, to*t.laneWidth, 1
	tail, head, later := t.right, t.headRight, t.laterRight
	if end < start {
		step, tail, head, later = -1, t.left, t.headLeft, t.laterLeft
	}
	wire, cross := t.wire, t.cross
	if j == departed || j == arrived {
		wire, cross = t.slow, t.slowCross
	}
	if j != arrived {
		cells[start] = tail
	}
	if j == lost {
		head = t.lost
		end -= step * (t.laneWidth / 2)
	}
	if j == departed {
		head = later
	}
	for x := start + step; x != end; x += step {
		cells[x] = wire
		if x%t.laneWidth == 0 {
			cells[x] = cross
		}
	}
	cells[end-step] = head
	return cells
}

// band is a line across all lifelines.
func (t *text) band(k Kind) []rune {
	cells := t.plain(t.life)
	line, met := t.slow, t.slowCross
	switch k {
	case Fault:
		line, met = t.fault, t.faultCross
	case Violation:
		line, met = t.broken, t.brokenMet
	}
	for i := range cells {
		cells[i] = line
		if i%t.laneWidth == 0 {
			cells[i] = met
		}
	}
	return cells
}
