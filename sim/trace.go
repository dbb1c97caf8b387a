package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim/chart"
)

// A trace is what happened in a run, for a chart. A run keeps one only when
// somebody is going to look at it.
type trace struct {
	steps   []chart.Step
	marks   []mark
	flights map[*wire][]sending // frames that have not arrived, in order; never ranged over
	lines   []string            // by lane: its state and timers as noted last
}

// A mark is the hash of the run at a step of the world, to find where two runs
// part.
type mark struct {
	hash  uint64
	steps int // of the chart, so far
}

// A sending is a frame on its way: a step of the chart, and the byte of the wire
// that ends it.
type sending struct {
	step int
	end  int64
}

func newTrace() *trace { return &trace{flights: make(map[*wire][]sending)} }

// happened notes something that is not a byte or an event of a connection.
func (w *World) happened(lane int, kind chart.Kind, format string, args ...any) {
	w.mix(uint64(lane+1)<<8 | uint64(kind))
	w.mixString(format)
	for _, a := range args {
		w.mixArg(a)
	}
	if w.trace != nil {
		w.note(chart.Step{Lane: lane, Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
}

// note adds a step of the chart and returns its number.
func (w *World) note(s chart.Step) int {
	s.At = time.Duration(w.now)
	w.trace.steps = append(w.trace.steps, s)
	return len(w.trace.steps) - 1
}

// sent notes frames that were appended to c's output.
func (w *World) sent(c *Conn, p []byte) {
	w.mix(c.id)
	w.mixBytes(p)
	for len(p) > 0 {
		n := w.sentFrame(c, p)
		c.handedOut += int64(n)
		if w.trace != nil {
			w.noteSent(c, p[:n])
		}
		p = p[n:]
	}
}

// sentFrame looks for a close frame and returns how long the first frame of p is.
// A handshake is one frame.
func (w *World) sentFrame(c *Conn, p []byte) int {
	end := frameLen(p)
	if !c.bare && c.handedOut == 0 {
		return end
	}
	h, n, err := frame.ParseHeader(p[:end])
	if err != nil || n == 0 || h.Opcode != frame.Close {
		return end
	}
	payload := bytes.Clone(p[n:end])
	h.Mask.XOR(payload, 0)
	if code, _, err := frame.ParseClose(payload); err == nil {
		c.log.closedWith(code)
	}
	return end
}

func (w *World) noteSent(c *Conn, p []byte) {
	step := w.note(chart.Step{
		Lane: c.lane(), Kind: chart.Send, Text: describeFrom(c.role, p), Bytes: bytes.Clone(p), To: c.farLane, Arrival: chart.Lost,
	})
	w.trace.flights[c.sock.out] = append(w.trace.flights[c.sock.out], sending{step, c.handedOut})
}

// took notes input that c read from its socket.
func (w *World) took(c *Conn, p []byte) {
	w.mix(c.id)
	w.mixBytes(p)
	if w.trace == nil {
		return
	}
	list := w.trace.flights[c.sock.in]
	for len(list) > 0 && list[0].end <= c.sock.in.taken {
		w.trace.steps[list[0].step].Arrival = time.Duration(w.now)
		list = list[1:]
	}
	w.trace.flights[c.sock.in] = list
}

// noteEvent notes an event of c's machine.
func (w *World) noteEvent(c *Conn, ev core.Event) {
	w.mix(c.id ^ uint64(ev.Code)<<16 ^ uint64(ev.Kind)<<8 ^ uint64(ev.Op))
	w.mixBytes(ev.Data)
	if ev.Kind == core.EventClose {
		w.checkClose(c, ev)
	}
	if w.trace != nil && ev.Kind == core.EventFailed {
		w.note(chart.Step{Lane: c.lane(), Kind: chart.Event, Text: fmt.Sprintf("%s failed: %v", c.name, c.m.Err())})
	}
}

// noteGiven notes what c's App was told.
func (w *World) noteGiven(c *Conn, ev Event) {
	w.mix(c.id ^ uint64(ev.Code)<<8 ^ uint64(ev.Kind))
	if e, ok := ev.Err.(core.Error); ok {
		w.mix(uint64(e))
	}
	if w.trace != nil {
		w.note(chart.Step{Lane: c.lane(), Kind: chart.Event, Text: c.label() + ev.describe(), Bytes: ev.Data})
	}
}

// ticked notes that c's driver is about to tick, for a timer that was due at the
// instant at.
func (w *World) ticked(c *Conn, at clock.Time, why core.Timer) {
	now := c.node.Now()
	if w.trace == nil || why == core.TimerNone || now < at {
		return
	}
	text := c.label() + why.String() + " timer"
	if next, _ := c.m.Deadline(); next > now {
		text += ": nothing is due any more"
	} else if late := now.Sub(at); late > 0 {
		text += fmt.Sprintf(", %v late", late)
	}
	w.note(chart.Step{Lane: c.lane(), Kind: chart.Expiry, Text: text})
}

// noteState notes what has changed of the state and the timers of c's node in
// this step of the world.
func (w *World) noteState(c *Conn) {
	if w.trace == nil || len(w.trace.steps) == 0 || c.puppet != nil {
		return
	}
	state, timers := c.node.state(), c.node.chartTimers()
	line, now := w.trace.line(c.node), fmt.Sprint(state, timers)
	if now == *line {
		return
	}
	*line = now
	last := &w.trace.steps[len(w.trace.steps)-1]
	if last.Lane != c.lane() {
		last = &w.trace.steps[w.note(chart.Step{Lane: c.lane(), Kind: chart.Note, Text: c.label() + c.state()})]
	}
	last.State, last.Timers = state, timers
}

// label tells which connection of its node c is, where there are several.
func (c *Conn) label() string {
	if len(c.node.conns) < 2 {
		return ""
	}
	return c.far() + ": "
}

// far names the other end.
func (c *Conn) far() string {
	_, far, _ := strings.Cut(c.name, ">")
	return far
}

// connStates are those that a [Conn] is in one after the other.
var connStates = [...]string{"handshake", "open", "closing", "failed", "gone"}

// state tells in a word or two where the node's connections are in their lives.
func (n *Node) state() string {
	var counts [len(connStates)]int
	total := 0
	for _, c := range n.conns {
		if c.puppet == nil {
			counts[slices.Index(connStates[:], c.state())]++
			total++
		}
	}
	var list []string
	for i, k := range counts {
		switch {
		case k == total && total == 1:
			return connStates[i]
		case k > 0:
			list = append(list, fmt.Sprint(k, " ", connStates[i]))
		}
	}
	if total == 0 {
		return "gone"
	}
	return strings.Join(list, ", ")
}

// chartTimers returns the running timers of the node's connections.
func (n *Node) chartTimers() []chart.Timer {
	timers := []chart.Timer{}
	for _, c := range n.conns {
		if c.released || c.puppet != nil || c.armedFor.why == core.TimerNone {
			continue
		}
		name := c.armedFor.why.String()
		if len(n.conns) > 1 {
			name = c.far() + " " + name
		}
		at := n.clock.when(c.armedFor.at, n.w.now)
		timers = append(timers, chart.Timer{Name: name, At: time.Duration(at)})
	}
	return timers
}

// noteDown notes that n, the node of the latest step, is down.
func (w *World) noteDown(n *Node) {
	if w.trace != nil {
		w.trace.noteNode(n, "down").Timers = []chart.Timer{}
	}
}

// noteUp notes that n, the node of the latest step, is up again.
func (w *World) noteUp(n *Node) {
	if w.trace != nil && *w.trace.line(n) == "down" {
		w.trace.noteNode(n, "up")
	}
}

// noteNode notes the state of a node without connections with the latest step.
func (t *trace) noteNode(n *Node, state string) *chart.Step {
	last := &t.steps[len(t.steps)-1]
	last.State = state
	*t.line(n) = state
	return last
}

// line is where the state and the timers of a node are as noted last.
func (t *trace) line(n *Node) *string {
	for len(t.lines) <= n.lane {
		t.lines = append(t.lines, "")
	}
	return &t.lines[n.lane]
}

func (c *Conn) lane() int { return c.node.lane }

// state tells in a word where the connection is in its life.
func (c *Conn) state() string {
	switch {
	case c.released:
		return "gone"
	case c.m.Err() != nil:
		return "failed"
	case c.m.Open():
		return "open"
	case !c.opened:
		return "handshake"
	}
	return "closing"
}

// chart draws the run.
func (w *World) chart() *chart.Chart {
	ch := &chart.Chart{Steps: slices.Clone(w.trace.steps), Facts: []chart.Fact{
		{Name: "hash", Value: fmt.Sprintf("%016x", w.hash)},
		{Name: "simulated", Value: time.Duration(w.now).String()},
		{Name: "steps", Value: fmt.Sprint(w.steps)},
		{Name: "faults", Value: w.had.String()},
	}}
	w.chartTravellers(ch.Steps)
	for _, n := range w.nodes {
		about := "server"
		if n.dialed > 0 || len(n.dials) > 0 {
			about = "client"
		}
		if n.puppet != nil {
			about = "puppet " + about
		}
		ch.Lanes = append(ch.Lanes, chart.Lane{Name: n.name, About: about})
	}
	for _, c := range w.tape.Choices() {
		ch.Choices = append(ch.Choices, c.String())
	}
	if w.failure != nil {
		ch.Violation = w.failure.Property + ": " + w.failure.Err.Error()
		ch.Steps = append(ch.Steps, chart.Step{At: w.failure.At, Lane: chart.World, Kind: chart.Violation, Text: w.failure.Property})
	}
	return ch
}

// chartTravellers gives an arrival to what was on its way when the run ended: it
// was not lost.
func (w *World) chartTravellers(steps []chart.Step) {
	for _, x := range w.wires {
		if x.vanishes || x.broken != nil || x.to.closed {
			continue
		}
		for _, s := range w.trace.flights[x] {
			steps[s.step].Arrival = time.Duration(max(x.last, x.clogged, w.now))
		}
	}
}
