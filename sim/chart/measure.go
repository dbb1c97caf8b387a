package chart

import (
	"strings"
	"time"
)

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
