package sim

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim/chart"
)

// An App is what runs on a node: your program, written for events. A node that
// crashes and comes up again gets a new App.
//
// Calls come one at a time. An App must do the same whenever it is called with
// the same: it reads no clock but [Node.Now], draws no random number but from
// [Node.Choose], starts no goroutine, and does not range over a map where the
// order can be seen.
type App interface {
	OnEvent(n *Node, ev Event)
	OnTimer(n *Node, name string)
}

// AppFunc is an App without timers.
type AppFunc func(n *Node, ev Event)

func (f AppFunc) OnEvent(n *Node, ev Event) { f(n, ev) }
func (f AppFunc) OnTimer(*Node, string)     {}

// EventKind tells what an [Event] reports.
type EventKind uint8

const (
	Started EventKind = iota + 1 // the node is up; there is no Conn yet
	Opened                       // a handshake is done
	Message                      // a message has come: Op and Data
	Pinged                       // a ping has come, with the payload Data
	Ponged                       // a pong has come, with the payload Data
	Drained                      // after ErrFull: all that was sent has left
	Closed                       // the connection has ended; no event of it follows
	Posted                       // another node has posted Value
)

func (k EventKind) String() string {
	names := [...]string{"none", "Started", "Opened", "Message", "Pinged", "Ponged", "Drained", "Closed", "Posted"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// An Event is what an [App] is told. Data is the App's to keep.
type Event struct {
	Kind EventKind
	Conn *Conn
	Op   frame.Opcode
	Data []byte

	// How a connection ended: the code and reason of the peer's close frame
	// and a nil Err, or an Err, which is mostly a [core.Error], and
	// [frame.Abnormal].
	Code   frame.CloseCode
	Reason string
	Err    error

	From  *Node // of Posted
	Value any
}

// A Node is a machine in a [World]: an App, a clock, and connections to other
// nodes.
type Node struct {
	// Config is the configuration of the node's connections. It is the
	// world's when the node is made; change it before the world runs.
	// Entropy and Compression.Lend are the world's own.
	Config core.Config

	// Link is the network between this node and those that it dials.
	Link Link

	// Bare connections begin without an HTTP handshake, as those do whose
	// handshake HTTP/2 or HTTP/3 carries. It holds for what this node dials.
	Bare bool

	w      *World
	puppet *Puppet // nil: the node is honest
	name   string
	lane   int
	newApp func() App
	app    App
	dials  []*Node
	clock  nodeClock
	conns  []*Conn
	ghosts []*socket // of connections that vanished with the node
	timers []*nodeTimer

	up      bool
	calling bool       // the App is being called
	dialed  int        // connections, ever
	asleep  clock.Time // until when nothing of the node runs
	naps    []*task    // what runs when it wakes
	start   task
	traits  traits
	own     *Stream
	posts   *Stream
}

func (w *World) newNode(name string, app func() App) *Node {
	n := &Node{Config: w.Config, Link: w.Link, w: w, name: name, lane: len(w.nodes), newApp: app}
	for _, other := range w.nodes {
		if other.name == name {
			w.misuse("two nodes are named %q", name)
		}
	}
	if err := checkNodeName(name); err != nil {
		w.misuse("%w", err)
	}
	if app == nil {
		w.misuse("node %q has no App", name)
	}
	n.start.run = n.boot
	n.own = w.tape.Stream(appStreams + name)
	w.nodes = append(w.nodes, n)
	if w.started {
		n.choose()
	}
	w.tasks.set(&n.start, w.now)
	return n
}

// Server adds a node that others may dial. app makes its App, at once and after
// each crash. A name is one of a kind, and has no space, control character, > or
// slash.
func (w *World) Server(name string, app func() App) *Node { return w.newNode(name, app) }

// Client adds a node that dials server whenever it comes up.
func (w *World) Client(name string, server *Node, app func() App) *Node {
	n := w.newNode(name, app)
	n.dials = append(n.dials, server)
	return n
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// World returns the node's world.
func (n *Node) World() *World { return n.w }

// Now returns what the node's clock shows.
func (n *Node) Now() clock.Time { return n.clock.read(n.w.now) }

// Up reports whether the node runs: it has not crashed.
func (n *Node) Up() bool { return n.up }

// App returns the App that runs on the node, nil while it is down.
func (n *Node) App() App { return n.app }

// Conns returns the node's connections that have not ended, in the order in
// which they were made.
func (n *Node) Conns() []*Conn {
	var list []*Conn
	for _, c := range n.conns {
		if !c.over {
			list = append(list, c)
		}
	}
	return list
}

// Choose returns a number from 0 to below k that the world's tape decides: 0 in
// an undisturbed run. It is for decisions of the App's own.
func (n *Node) Choose(k int) int {
	if k < 1 {
		n.w.misuse("Choose(%d): there must be at least one answer", k)
		return 0
	}
	return int(n.own.Choose(uint64(k)))
}

// boot brings the node up.
func (n *Node) boot() {
	if n.up || n.newApp == nil || n.sleeps(&n.start) {
		return
	}
	n.up = true
	if n.app = n.newApp(); n.app == nil {
		n.w.misuse("the function that makes the App of node %q returned none", n.name)
		return
	}
	n.w.happened(n.lane, chart.Note, "up")
	n.w.noteUp(n)
	for _, s := range n.ghosts {
		s.comeBack()
	}
	n.ghosts = nil
	n.tell(Event{Kind: Started})
	for _, server := range n.dials {
		if n.up {
			n.Dial(server)
		}
	}
}

// bootIfDue brings the node up if it comes up at this instant anyway: whether
// somebody meets it down does not depend on the order of what happens at once.
func (n *Node) bootIfDue() {
	if n.start.index != 0 && n.start.at <= n.w.now {
		n.w.tasks.stop(&n.start)
		n.boot()
	}
}

// acts reports whether the node is up, as it must be to do what it does. One that
// comes up at this instant does so first.
func (n *Node) acts(does string) bool {
	if n.w.stepping && !n.calling {
		n.bootIfDue()
	}
	if !n.up {
		n.w.misuse("%s %s while it is down: see Node.Up", n.name, does)
	}
	return n.up
}

// tell hands an event to the App. What comes of that while the App is at it has
// to wait: its calls come one at a time.
func (n *Node) tell(ev Event) {
	if n.app == nil {
		return
	}
	n.calling = true
	n.app.OnEvent(n, ev)
	n.calling = false
}

// Dial begins a connection to server. Its App hears of it by Opened or Closed.
// The node must be up: before [World.Run] none is, so let its App dial, or a
// function of [World.At], which looks at [Node.Up] if nodes may crash.
func (n *Node) Dial(server *Node) *Conn {
	if server == nil || server.w != n.w {
		n.w.misuse("%s dials a node that is not of this world", n.name)
		return nil
	}
	return n.w.dial(n, server)
}

type nodeTimer struct {
	task
	node *Node
	name string
	at   clock.Time // of the node's clock
}

// After has OnTimer called with name in d of the node's time. A timer of the
// same name that still runs is replaced. The node must be up, as for
// [Node.Dial]: the timers of one that crashes are gone.
func (n *Node) After(d time.Duration, name string) {
	if !n.acts("sets a timer") {
		return
	}
	t := n.timer(name)
	t.name = name
	t.at = n.Now().Add(max(d, 0))
	t.arm()
}

// timer returns the timer of that name, or one to be used for it.
func (n *Node) timer(name string) *nodeTimer {
	var idle *nodeTimer
	for _, t := range n.timers {
		switch {
		case t.index != 0 && t.name == name:
			return t
		case t.index == 0:
			idle = t
		}
	}
	if idle == nil {
		idle = &nodeTimer{node: n}
		idle.run = idle.fire
		n.timers = append(n.timers, idle)
	}
	return idle
}

func (t *nodeTimer) arm() {
	t.node.w.tasks.set(&t.task, t.node.clock.when(t.at, t.node.w.now))
}

// Stop stops the timer of that name.
func (n *Node) Stop(name string) {
	for _, t := range n.timers {
		if t.name == name {
			n.w.tasks.stop(&t.task)
		}
	}
}

func (t *nodeTimer) fire() {
	n := t.node
	if n.sleeps(&t.task) || !n.up {
		return
	}
	n.w.happened(n.lane, chart.Expiry, "timer %q of the application", t.name)
	n.w.mixString(t.name)
	n.calling = true
	n.app.OnTimer(n, t.name)
	n.calling = false
}

// suspended reports whether nothing of the node runs now.
func (n *Node) suspended() bool { return n.asleep > n.w.now }

// sleeps reports whether the node is suspended; t then runs when it wakes.
func (n *Node) sleeps(t *task) bool {
	if !n.suspended() {
		n.naps = n.naps[:0]
		return false
	}
	n.naps = append(n.naps, t)
	n.w.tasks.set(t, n.asleep)
	return true
}

// listens reports whether the App can be told something.
func (n *Node) listens() bool { return n.up && !n.calling && !n.suspended() }

// Suspend stops everything on the node for d, as a laptop that is closed does;
// its clock runs on. An App that suspends its own node is told nothing more when
// the call has returned. A node that is down and restarts comes up when d is over.
func (n *Node) Suspend(d time.Duration) {
	n.asleep = max(n.asleep, n.w.now.Add(d))
	n.maim()
	n.w.happened(n.lane, chart.Fault, "suspended for %v", d)
}

// Crash takes the node down: its App and its timers are gone. Its machine
// closes its connections, or, when silent, vanishes without a word.
func (n *Node) Crash(silent bool) {
	if !n.up {
		return
	}
	how := "crashes"
	if silent {
		how = "vanishes"
	}
	n.w.happened(n.lane, chart.Fault, "%s", how)
	n.w.noteDown(n)
	n.up = false
	n.app = nil
	n.asleep = n.w.now
	for _, t := range n.timers {
		n.w.tasks.stop(&t.task)
	}
	n.timers = nil
	conns := n.conns
	n.conns = nil
	for _, c := range conns {
		c.crash(silent)
	}
}

// maim notes that something happens to the node that may end its connections.
func (n *Node) maim() {
	for _, c := range n.conns {
		c.maim()
	}
}

// Restart brings a node that has crashed up again in d, with a new App.
func (n *Node) Restart(d time.Duration) {
	if !n.up {
		n.w.tasks.setBy(&n.start, n.w.now.Add(max(d, 0)))
	}
}

// AdjustClock moves the node's clock by d, backwards when it is negative.
func (n *Node) AdjustClock(d time.Duration) {
	n.clock.jump(n.w.now, d)
	n.maim()
	n.w.happened(n.lane, chart.Fault, "clock moved by %v", d)
	n.rearm()
}

// DriftClock makes the node's clock run faster from now on by that many
// millionths, slower when it is negative: from -900,000 to 1,000,000.
func (n *Node) DriftClock(ppm int) {
	if ppm < -900_000 || ppm > million {
		n.w.misuse("DriftClock(%d): from -900,000 to 1,000,000 millionths are possible", ppm)
		return
	}
	n.clock.drift(n.w.now, int64(ppm))
	n.w.happened(n.lane, chart.Fault, "clock drifts by %d millionths", ppm)
	n.rearm()
}

// rearm sets what waits for the node's clock anew.
func (n *Node) rearm() {
	for _, t := range n.timers {
		if t.index != 0 {
			t.arm()
		}
	}
	for _, c := range n.conns {
		c.armedFor = deadline{}
		c.wake()
	}
}
