package sim

import (
	"fmt"
	"strings"
)

// A Difference is where two runs of one tape part.
type Difference struct {
	Step          int    // the first step that differs, from 1
	First, Second string // what happened in it, in the one run and in the other

	seen string // what a chart shows of it, if First and Second are the same
}

func (d *Difference) String() string {
	if d.First == d.Second {
		return fmt.Sprintf("step %d is %s in both runs, yet they differ in it. %s", d.Step, d.First, strings.TrimSpace(d.seen))
	}
	return fmt.Sprintf("step %d is %s in the first run, and %s in the second", d.Step, d.First, d.Second)
}

// Compare returns where two runs of one tape part, nil if they are the same to the
// last byte, event, deadline and verdict. Run with one machine they show whether a
// world replays, and with two whether the machines are alike:
//
//	native := sim.Run(sim.FromSeed(seed), build, sim.RunOptions{Trace: true})
//	other := sim.Run(sim.FromSeed(seed), build, sim.RunOptions{Trace: true, Machine: machine})
//	if d := sim.Compare(native, other); d != nil {
//		t.Error(d)
//	}
//
// It panics if one of them was not traced. Where that is too slow, [Result.Hash]
// tells whether two runs differ, and not where.
func Compare(first, second *Result) *Difference {
	a, b := first.world, second.world
	if a.trace == nil || b.trace == nil {
		panic("sim: Compare needs runs with a trace: set RunOptions.Trace")
	}
	if d := a.compare(b); d != nil {
		return d
	}
	d := &Difference{Step: first.Steps, First: first.ending(), Second: second.ending()}
	if first.Hash == second.Hash && d.First == d.Second {
		return nil
	}
	d.seen = a.firstSeen(b)
	return d
}

// ending tells how the run ended.
func (r *Result) ending() string {
	if r.Failure == nil {
		return fmt.Sprintf("the last, at %v, and the run passes", r.Simulated)
	}
	return fmt.Sprintf("the last, at %v, and the run fails: %s", r.Simulated, r.Failure.summary())
}

// compare finds the first step in which two runs differ, nil if there is none.
func (w *World) compare(other *World) *Difference {
	a, b := w.trace.marks, other.trace.marks
	for i := range max(len(a), len(b)) {
		if i < len(a) && i < len(b) && a[i].hash == b[i].hash {
			continue
		}
		d := &Difference{Step: i + 1, First: w.at(i), Second: other.at(i)}
		if d.First == d.Second {
			d.seen = w.firstSeen(other)
		}
		return d
	}
	return nil
}

// at tells what happened in step i.
func (w *World) at(i int) string {
	t := w.trace
	if i >= len(t.marks) {
		return "not there: the run had ended"
	}
	from := 0
	if i > 0 {
		from = t.marks[i-1].steps
	}
	var list []string
	for j := from; j < t.marks[i].steps; j++ {
		list = append(list, w.told(j))
	}
	if len(list) == 0 {
		return "one that a chart does not show"
	}
	return strings.Join(list, ", then ")
}

// firstSeen tells of the first line of a chart in which two runs differ.
func (w *World) firstSeen(other *World) string {
	for j := range max(len(w.trace.steps), len(other.trace.steps)) {
		a, b := w.told(j), other.told(j)
		if a == b {
			a, b = w.toldBytes(j, other)
		}
		if a != b {
			return fmt.Sprintf("The first difference that a chart shows is %s and %s. ", a, b)
		}
	}
	return "A chart shows no difference. "
}

// told puts a step of the chart into words, with the state that it left.
func (w *World) told(j int) string {
	if j >= len(w.trace.steps) {
		return "the end"
	}
	s, where := &w.trace.steps[j], "the world"
	if s.Lane >= 0 {
		where = w.nodes[s.Lane].name
	}
	text := fmt.Sprintf("%q at %s, %v", s.Text, where, s.At)
	if s.State == "" {
		return text
	}
	left := []string{s.State}
	for _, t := range s.Timers {
		left = append(left, fmt.Sprintf("%s timer at %v", t.Name, t.At))
	}
	return text + " (" + strings.Join(left, ", ") + ")"
}

// toldBytes tells the first byte of a step of the chart in which two runs differ,
// the same twice if there is none.
func (w *World) toldBytes(j int, other *World) (first, second string) {
	if j >= len(w.trace.steps) {
		return "", ""
	}
	a, b := w.trace.steps[j].Bytes, other.trace.steps[j].Bytes
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return w.toldByte(j, i), other.toldByte(j, i)
		}
	}
	return "", ""
}

func (w *World) toldByte(j, i int) string {
	p := w.trace.steps[j].Bytes
	if i >= len(p) {
		return fmt.Sprintf("%s, of %d bytes", w.told(j), len(p))
	}
	return fmt.Sprintf("%s, whose byte %d is %#02x", w.told(j), i+1, p[i])
}
