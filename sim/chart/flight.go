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
