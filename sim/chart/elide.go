package chart

// keptSteps tells which steps are shown when at most n are, or all when n is
// negative: of the first ones a fifth; what surrounds the violation, or the
// end; and of the faults before that the last ones, a fifth of all.
func keptSteps(c *Chart, n int) []bool {
	keep := make([]bool, len(c.Steps))
	if n < 0 || len(c.Steps) <= n {
		fill(keep)
		return keep
	}
	focus := len(c.Steps)
	for i := range c.Steps {
		if c.Steps[i].Kind == Violation {
			focus = i + 1
			break
		}
	}
	end := min(len(c.Steps), focus+n/10)
	fifth := n / 5
	start := max(0, end-(n-2*fifth))
	fill(keep[:min(fifth, len(keep))])
	fill(keep[start:end])
	for i := start - 1; i >= 0 && fifth > 0; i-- {
		if c.Steps[i].Kind == Fault && !keep[i] {
			keep[i] = true
			fifth--
		}
	}
	return keep
}

func fill(keep []bool) {
	for i := range keep {
		keep[i] = true
	}
}
