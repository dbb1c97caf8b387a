package sim

import (
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/sim/chart"
)

// Faults is a set of things that may go wrong in a [World].
type Faults uint32

const (
	Chunks        Faults = 1 << iota // reads return pieces of what has come, down to a single byte; what was compressed comes out in pieces as well
	Delays                           // some writes take up to a second longer
	SlowLines                        // as little as 2,000 bytes a second pass
	SmallBuffers                     // the network holds as little as 64 bytes
	SlowApps                         // an App takes up to 20 s over a message; little is read ahead
	LateTicks                        // timers are noticed up to 5 s late
	SpuriousTicks                    // the machine is ticked for no reason
	ClockGlitches                    // a clock that was read is up to a minute behind
	Drift                            // clocks run up to a tenth faster or slower

	Clogs      // one direction of a link carries nothing for up to a minute
	Partitions // a link carries nothing for up to two minutes
	HalfOpen   // a link loses everything from now on, and nobody is told
	Resets     // a reset ends a connection, and may eat what was not read
	Cuts       // somebody between the two ends a connection: both read end of file
	Crashes    // a node crashes and comes up again; its machine closes its sockets
	Vanishes   // a node is gone without a word and comes up again
	Suspends   // nothing runs on a node for up to ten minutes
	ClockJumps // a clock is set, up to ten minutes forward or back

	allFaults = 1<<iota - 1
)

const (
	// Benign faults end no connection: whatever is sent arrives, in time.
	Benign = Chunks | Delays | SlowLines | SmallBuffers | SlowApps | LateTicks | SpuriousTicks | ClockGlitches | Drift

	// AllFaults is every fault.
	AllFaults Faults = allFaults
)

var faultNames = [...]string{
	"Chunks", "Delays", "SlowLines", "SmallBuffers", "SlowApps", "LateTicks", "SpuriousTicks", "ClockGlitches", "Drift",
	"Clogs", "Partitions", "HalfOpen", "Resets", "Cuts", "Crashes", "Vanishes", "Suspends", "ClockJumps",
}

// String returns the names of the faults in f, joined by "|".
func (f Faults) String() string {
	if f == 0 {
		return "none"
	}
	var s string
	for i, name := range faultNames {
		if f&(1<<i) != 0 {
			if s != "" {
				s += "|"
			}
			s += name
		}
	}
	return s
}

// on reports whether the faults in f may happen now.
func (w *World) on(f Faults) bool { return w.active&f != 0 }

// everOn reports whether the faults in f could happen at some time.
func (w *World) everOn(f Faults) bool { return w.had&f != 0 }

// swarmStreams are where the tape says whether a run has a fault.
var swarmStreams = func() (names [len(faultNames)]string) {
	for i, name := range faultNames {
		names[i] = "swarm." + name
	}
	return names
}()

// swarm chooses the faults of this run: of those that are allowed each one is
// in half of the runs, since faults that are always together hide one another's
// effects.
func (w *World) swarm() {
	for i := range faultNames {
		f := Faults(1) << i
		chosen := w.allowed&f != 0 && w.tape.Stream(swarmStreams[i]).Choose(2) == 1
		if chosen || w.forced&f != 0 {
			w.active |= f
		}
	}
	w.had = w.active
	for _, n := range w.nodes {
		n.choose()
	}
}

// traits are how a node misbehaves all through a run.
type traits struct {
	slowest  time.Duration // that the App takes over a message
	ahead    int           // bytes that are read ahead of it
	lateness time.Duration
}

func (n *Node) choose() {
	ask := n.w.asker(n.name)
	if s := ask(SlowApps, ".app"); s != nil {
		n.traits.slowest = s.Scale(0, 20*time.Second)
		n.traits.ahead = aheadLimit - s.Int(aheadLimit)
	}
	if s := ask(LateTicks, ".lateness"); s != nil {
		n.traits.lateness = s.Scale(0, 5*time.Second)
	}
	if s := ask(Drift, ".drift"); s != nil {
		if ppm := s.Int(200_001); ppm != 0 {
			n.DriftClock(ppm - 100_000)
		}
	}
}

// asker returns a function that returns the stream for a trait of what has that
// name, nil if the run is without the fault.
func (w *World) asker(name string) func(f Faults, suffix string) *Stream {
	return func(f Faults, suffix string) *Stream {
		if !w.on(f) {
			return nil
		}
		return w.tape.Stream(name + suffix)
	}
}

// A wireFault is how a wire misbehaves all through a run.
type wireFault struct {
	rate   int           // bytes a second
	delay  time.Duration // the most that is added
	pieces uint64        // 0: whole, 1: tiny, 2: anything
}

func (x *wire) choose() {
	ask := x.w.asker(x.name)
	if s := ask(SlowLines, ".rate"); s != nil {
		x.fault.rate = 2_000 << (11 - s.Int(12))
	}
	if s := ask(SmallBuffers, ".room"); s != nil {
		x.room = min(x.room, 64<<(10-s.Int(11)))
	}
	if s := ask(Delays, ".delays"); s != nil {
		x.fault.delay = s.Scale(0, time.Second)
	}
	if s := ask(Chunks, ".pieces"); s != nil {
		x.fault.pieces = s.Choose(3)
	}
	if x.w.forced&Chunks != 0 {
		x.fault.pieces = 2
	}
}

// delay is what is added to the latency of a write.
func (x *wire) delay() time.Duration {
	if x.w.healed {
		return 0
	}
	most := x.link.Jitter
	if x.w.on(Delays) {
		most += x.fault.delay
	}
	return x.jitter.Between(0, most)
}

func (x *wire) bandwidth() int {
	rate := x.link.Bandwidth
	if x.w.on(SlowLines) && (rate == 0 || x.fault.rate < rate) {
		return x.fault.rate
	}
	return rate
}

// piece returns how much of what has arrived one read returns.
func (x *wire) piece() int {
	if !x.w.on(Chunks) || x.fault.pieces == 0 {
		return x.arrived
	}
	if x.fault.pieces == 1 {
		return max(1, x.arrived/64)
	}
	return x.arrived - x.cut.Int(x.arrived)
}

// happenings are the faults that come at an instant, in the order in which the
// tape numbers them.
var happenings = [...]Faults{Clogs, Partitions, HalfOpen, Resets, Cuts, Crashes, Vanishes, Suspends, ClockJumps, SpuriousTicks}

// mayStrike is the set of them.
const mayStrike = Clogs | Partitions | HalfOpen | Resets | Cuts | Crashes | Vanishes | Suspends | ClockJumps | SpuriousTicks

// occasions is how often in one Run something may happen.
const occasions = 24

// A nemesis makes faults happen. It has occasions in even distances; on each one
// it may strike at once, or some steps of the world later, which is how it hits
// what happens in a burst.
type nemesis struct {
	w       *World
	task    task
	ask     nemesisStreams
	began   clock.Time
	period  time.Duration
	k       int // of the occasion
	what    strike
	pending int // steps until it strikes; 0: it does not
	off     bool
}

// nemesisStreams are where a nemesis asks; the index of a question is that of the
// occasion.
type nemesisStreams struct{ wait, steps, kind, target, both, length *Stream }

func newNemesis(w *World) nemesis {
	s := w.tape.Stream
	return nemesis{w: w, ask: nemesisStreams{
		s("nemesis.wait"), s("nemesis.steps"), s("nemesis.kind"), s("nemesis.target"), s("nemesis.both"), s("nemesis.length"),
	}}
}

// A strike is one decision to disturb.
type strike struct {
	kind, target int
	both         bool
	d            time.Duration
}

func (n *nemesis) plan(d time.Duration) {
	n.began, n.period = n.w.now, d/occasions
	n.k = 0
	n.next()
}

// next waits for the next occasion.
func (n *nemesis) next() {
	if n.k == occasions || n.period <= 0 || n.off || n.w.active&mayStrike == 0 {
		return
	}
	at := n.began.Add(time.Duration(n.k) * n.period)
	n.k++
	n.w.tasks.set(&n.task, at.Add(n.ask.wait.Between(0, n.period)))
}

// come decides what is to happen. It asks the same number of questions
// whatever comes of them.
func (n *nemesis) come() {
	if n.pending > 0 {
		n.strike()
	}
	n.pending = n.ask.steps.Int(64)
	n.what = strike{
		kind:   n.ask.kind.Int(len(happenings) + 1),
		target: n.ask.target.Int(1 << 16),
		both:   n.ask.both.Chance(1, 2),
		d:      n.ask.length.Scale(time.Millisecond, 10*time.Minute),
	}
	n.ask.kind.Note(func() string { return happenings[n.what.kind-1].String() })
	if n.pending == 0 {
		n.strike()
	}
	n.next()
}

// step counts the steps until a strike.
func (n *nemesis) step() {
	if n.pending == 0 {
		return
	}
	if n.pending--; n.pending == 0 {
		n.strike()
	}
}

func (n *nemesis) strike() {
	n.pending = 0
	if n.what.kind > 0 {
		n.w.disturb(happenings[n.what.kind-1], n.what)
	}
}

// disturb makes f happen, if it may and there is something that it can happen
// to.
func (w *World) disturb(f Faults, how strike) {
	if !w.on(f) {
		return
	}
	switch f {
	case Crashes, Vanishes, Suspends, ClockJumps:
		if len(w.nodes) > 0 {
			w.disturbNode(f, w.nodes[how.target%len(w.nodes)], how)
		}
	default:
		if c := w.victim(how.target); c != nil {
			w.disturbLink(f, c, how)
		}
	}
}

// victim returns a connection that still has its socket.
func (w *World) victim(target int) *Conn {
	count := 0
	for _, c := range w.conns {
		if !c.released {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	target %= count
	for _, c := range w.conns {
		if c.released {
			continue
		}
		if target == 0 {
			return c
		}
		target--
	}
	return nil
}

func (w *World) disturbNode(f Faults, n *Node, how strike) {
	switch f {
	case Crashes, Vanishes:
		n.Crash(f == Vanishes)
		n.Restart(how.d)
	case Suspends:
		n.Suspend(how.d)
	case ClockJumps:
		if !how.both {
			how.d = -how.d
		}
		n.AdjustClock(how.d)
	}
}

func (w *World) disturbLink(f Faults, c *Conn, how strike) {
	switch f {
	case Clogs:
		c.Clog(min(how.d, time.Minute))
	case Partitions:
		c.Partition(min(how.d, 2*time.Minute))
	case HalfOpen:
		c.Lose(how.both)
	case Resets:
		c.Reset()
	case Cuts:
		c.Cut()
	case SpuriousTicks:
		w.happened(c.node.lane, chart.Fault, "the driver of %s is woken for no reason", c.name)
		c.wake()
	}
}

// Clog keeps what this end sends from arriving for d.
func (c *Conn) Clog(d time.Duration) {
	c.hurt("%s is clogged for %v", c.name, d)
	c.sock.out.clog(d)
}

// Partition keeps what either end sends from arriving for d.
func (c *Conn) Partition(d time.Duration) {
	c.hurt("%s is partitioned for %v", c.name, d)
	c.sock.out.clog(d)
	c.sock.in.clog(d)
}

// Lose makes the link lose what this end sends, and, with both, what the other
// end sends, from now on. Nobody is told.
func (c *Conn) Lose(both bool) {
	c.hurt("%s loses everything from now on", c.name)
	c.sock.out.lose()
	if both {
		c.sock.in.lose()
	}
}

// Reset has both ends read a reset, which may eat what they have not read yet. Where
// the stream is one of many in a connection, it is that which is lost.
func (c *Conn) Reset() {
	c.hurt("%s is reset by the network", c.name)
	for _, x := range [...]*wire{c.sock.in, c.sock.out} {
		if !x.vanishes {
			x.breakOff(x.to.loss)
			x.to.tell()
		}
	}
}

// Cut has both ends read end of file after what has arrived.
func (c *Conn) Cut() {
	c.hurt("%s is ended by the network", c.name)
	for _, x := range [...]*wire{c.sock.in, c.sock.out} {
		if !x.vanishes && x.broken == nil {
			x.swallow()
			x.fin = true
			x.to.tell()
		}
	}
}

// hurt notes that the network fails a connection.
func (c *Conn) hurt(format string, args ...any) {
	c.w.happened(chart.World, chart.Fault, format, args...)
	c.maim()
}
