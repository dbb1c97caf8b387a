package sim

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/sim/chart"
)

// A World is a simulated network of nodes, and the time in it. Everything that
// is not determined by the program is decided by the world's [Tape], so that
// the same tape gives the same run again.
//
// A function builds a world: it adds nodes, states properties, and may run the
// world itself. What it leaves undone is done when it returns: [World.Run] for
// two minutes, then [World.Heal] and [World.Settle].
type World struct {
	// Config is what the Config of the nodes that are made from now on begins
	// as. It answers pings and is otherwise the zero Config. With Compression set
	// connections compress if the other end does as well.
	Config core.Config

	// Link is what the Link of the nodes that are made from now on begins as:
	// [TCP].
	Link Link

	tape  *Tape
	now   clock.Time
	tasks queue
	order *Stream
	steps int
	limit int
	end   clock.Time // of the present Run

	ran      bool
	stepping bool
	posted   int // values on their way to nodes

	nodes  []*Node
	conns  []*Conn
	leased []*Conn // whose machines must still be released
	wires  []*wire

	allowed, forced, active, had Faults
	started                      bool
	healed                       bool
	settled                      bool
	nemesis                      nemesis
	single                       single
	struck                       int // how often it did

	explorer *explorer
	cut      bool // the rest of the run is known
	state    func(dst []byte) []byte
	dumped   []byte
	hasCalls bool // functions of At
	sorted   []*task

	always     []property
	eventually []property
	sometimes  []property
	failure    *Failure

	hash    uint64
	scratch [core.ScratchSize + mostPlain]byte
	trace   *trace

	newMachine MachineFunc
	unwatched  bool
}

// stepLimit is how many steps a run may take.
const stepLimit = 200_000

func newWorld(t *Tape, m MachineFunc) *World {
	w := &World{
		Config:     core.Config{Pings: core.PingAnswer},
		Link:       TCP(),
		tape:       t,
		order:      t.Stream("order"),
		limit:      stepLimit,
		newMachine: m,
		hash:       hashStart,
	}
	w.nemesis = newNemesis(w)
	w.nemesis.task.run = w.nemesis.come
	return w
}

// Now returns how long the world has existed. Nodes have clocks of their own.
func (w *World) Now() time.Duration { return time.Duration(w.now) }

// Faults allows the faults in f. Each run has some of them, chosen by the tape.
// A world is undisturbed unless faults are allowed. They are allowed before it
// runs.
func (w *World) Faults(f Faults) {
	if w.mayAllow("Faults") {
		w.allowed |= f
	}
}

// Force has the faults in f in every run. It is called before the world runs.
func (w *World) Force(f Faults) {
	if w.mayAllow("Force") {
		w.forced |= f
	}
}

// mayAllow reports whether the faults of the run are still to be chosen.
func (w *World) mayAllow(call string) bool {
	if w.started {
		w.misuse("%s was called when the world had begun to run: its faults are chosen by then; call it before Run", call)
	}
	return !w.started
}

// Choose returns a number from 0 to below k that the tape decides on the stream
// of that name: 0 in an undisturbed run. The simulator's own streams are refused:
// what has a > in it, "order", "strike", and what begins with "app:", "nemesis."
// or "swarm." or ends with ".app", ".drift", ".lateness" or ".post".
func (w *World) Choose(stream string, k int) int {
	if k < 1 {
		w.misuse("Choose(%q, %d): there must be at least one answer", stream, k)
		return 0
	}
	if err := checkStreamName(stream); err != nil {
		w.misuse("Choose(%q, %d): %w", stream, k, err)
		return 0
	}
	return w.tape.Stream(stream).Int(k)
}

// At has f called when the world is d old, or now if it is older.
func (w *World) At(d time.Duration, f func()) {
	if f == nil {
		w.misuse("At(%v) was given no function", d)
		return
	}
	w.hasCalls = true
	w.tasks.set(&task{run: f}, max(clock.Time(d), w.now))
}

// Run lets d pass. Faults happen meanwhile, unless the world was healed. It may
// be called several times, from the function that builds the world, not from an
// App or a function of [World.At]; the same goes for [World.Settle].
func (w *World) Run(d time.Duration) {
	if !w.mayPass("Run") || d <= 0 {
		return
	}
	w.ran, w.settled = true, false
	w.end = w.now.Add(d)
	w.nemesis.plan(d)
	for w.next(w.end) {
	}
	if !w.over() {
		w.now = w.end
	}
	w.mix(uint64(w.now))
}

// mayPass reports whether time may pass now.
func (w *World) mayPass(call string) bool {
	if w.stepping {
		w.misuse("%s was called from inside of the world, by an App, a function of At or a property", call)
	}
	if w.over() {
		return false
	}
	w.start()
	return true
}

// start makes the choices that hold for the whole run.
func (w *World) start() {
	if w.started {
		return
	}
	w.started = true
	w.swarm()
}

// next makes one step, if there is one by the instant end.
func (w *World) next(end clock.Time) bool {
	at, ok := w.tasks.next()
	if !ok || at > end || w.over() {
		return false
	}
	if w.steps++; w.steps > w.limit {
		w.violate("comes to rest", fmt.Errorf("%d steps were not enough; something happens again and again", w.limit))
		return false
	}
	w.now = max(w.now, at)
	w.step()
	return !w.over()
}

// over reports whether the run ends here: it failed, or what follows is known.
func (w *World) over() bool { return w.failure != nil || w.cut }

// step makes what comes first happen. A panic of the program under test is a
// failure of the run.
func (w *World) step() {
	defer w.recovered()
	w.stepping = true
	w.tasks.pop(w.first).run()
	w.mix(uint64(w.now))
	w.nemesis.step()
	if w.single.most > 0 {
		w.strike()
	}
	w.checkAlways()
	if w.explorer != nil {
		w.cut = w.explorer.knows(w)
	}
	if w.trace != nil {
		w.trace.marks = append(w.trace.marks, mark{w.hash, len(w.trace.steps)})
	}
	w.stepping = false
}

// recovered makes a failure of a panic. It is deferred.
func (w *World) recovered() {
	if v := recover(); v != nil {
		w.violate("no panic", panicked(v))
	}
}

// Heal ends all faults: what was held up arrives, suspended nodes wake, nodes that
// are down come up, and nothing goes wrong any more. Clocks run as they should,
// and those that were set back catch up. Links that lost data stay as they are.
func (w *World) Heal() {
	if w.healed || w.over() {
		return
	}
	w.start()
	w.happened(chart.World, chart.Note, "healed")
	w.healed = true
	w.active = 0
	w.tasks.stop(&w.nemesis.task)
	w.nemesis.pending = 0
	for _, x := range w.wires {
		x.heal()
	}
	for _, n := range w.nodes {
		n.heal()
	}
}

// first asks the tape which of n things that are due at once comes first.
func (w *World) first(n int) int { return w.order.Int(n) }

func (n *Node) heal() {
	n.asleep = n.w.now
	for _, t := range n.naps {
		if t.index != 0 {
			n.w.tasks.set(t, n.w.now)
		}
	}
	if d := n.clock.behind(n.w.now); d > 0 {
		n.AdjustClock(d)
	}
	if n.clock.ppm != 0 {
		n.DriftClock(0)
	}
	n.Restart(0)
	for _, c := range n.conns {
		c.busy = min(c.busy, n.w.now)
		c.armedFor = deadline{}
		c.wake()
	}
}

// settleTime is how long a healed world has to come to rest: a handshake, the
// longest silence, its grace and a closing handshake, with slow clocks.
const settleTime = 3 * time.Minute

// Settle lets time pass, up to three minutes, until everything that must happen
// eventually has happened: what was sent has been delivered, connections that
// cannot live on have ended, and each [World.Eventually] holds. What does not
// come true in that time is a failure. It heals the world first, if nobody did.
func (w *World) Settle() {
	if !w.mayPass("Settle") {
		return
	}
	w.Heal()
	w.settled = true
	w.end = w.now.Add(settleTime)
	for !w.rests() {
		if !w.next(w.end) {
			break
		}
	}
	if !w.over() {
		w.checkEventually()
	}
}

// finish does what the function that built the world left undone.
func (w *World) finish() {
	if !w.ran && !w.healed {
		w.Run(2 * time.Minute)
	}
	if !w.settled {
		w.Settle()
	}
}

// misused is the property that a mistake in the use of this package violates.
const misused = "use of the simulator"

// misuse is a mistake in the use of this package.
func (w *World) misuse(format string, args ...any) {
	w.violate(misused, fmt.Errorf(format, args...))
}
