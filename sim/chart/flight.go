package chart

import "time"

// received returns for each step that is a Send the index of the step in which
// it ended: of those after it on its lane at its arrival, the first Receive or,
// where there is none, the first Event. It is -1 for sends without one and for
// all other steps.
func (c *Chart) received() []int {
	type place struct {
		lane int
		at   time.Duration
		kind Kind
	}
	first := make(map[place]int)
	ends := make([]int, len(c.Steps))
	for i := len(c.Steps) - 1; i >= 0; i-- {
		s := &c.Steps[i]
		ends[i] = -1
		switch s.Kind {
		case Receive, Event:
			first[place{s.Lane, s.At, s.Kind}] = i
		case Send:
			for _, kind := range []Kind{Event, Receive} {
				if end, ok := first[place{s.To, s.Arrival, kind}]; ok {
					ends[i] = end
				}
			}
		}
	}
	return ends
}
