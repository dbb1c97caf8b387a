package chart

import "time"

// received returns for each step that is a Send the index of the step in which
// it ended: the first Receive or Event after it on its lane at its arrival. It
// is -1 for sends without one and for all other steps.
func (c *Chart) received() []int {
	type place struct {
		lane int
		at   time.Duration
	}
	first := make(map[place]int)
	ends := make([]int, len(c.Steps))
	for i := len(c.Steps) - 1; i >= 0; i-- {
		s := &c.Steps[i]
		ends[i] = -1
		switch s.Kind {
		case Receive, Event:
			first[place{s.Lane, s.At}] = i
		case Send:
			if end, ok := first[place{s.To, s.Arrival}]; ok {
				ends[i] = end
			}
		}
	}
	return ends
}

// flight is how a Send ends.
type flight struct {
	number   int  // of one that is drawn again where it arrives, else 0
	receive  int  // the step in which it ended, or -1
	afterEnd bool // it arrives after the last step
}

func (t *text) findFlights() []flight {
	steps := t.c.Steps
	flights := make([]flight, len(steps))
	number := 0
	for i, receive := range t.c.received() {
		f := &flights[i]
		f.receive = receive
		s := &steps[i]
		if s.Kind != Send || s.Arrival < 0 {
			continue
		}
		f.afterEnd = s.Arrival > steps[len(steps)-1].At
		if f.afterEnd || i+1 == len(steps) {
			continue
		}
		if receive > i+1 || receive < 0 && s.Arrival > steps[i+1].At {
			number++
			f.number = number
			t.senders[receive] = append(t.senders[receive], i)
		}
	}
	return flights
}
