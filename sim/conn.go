package sim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim/chart"
	"github.com/fb1e3c20/websockets/transport"
)

// Errors of a [Conn].
var (
	// ErrFull: too much waits to be sent; nothing was sent. [Drained] tells
	// when there is room again.
	ErrFull = errors.New("sim: the connection's queue is full: wait for Drained")

	// ErrAborted: [Conn.Abort] ended the connection.
	ErrAborted = errors.New("sim: the connection was aborted by its application")
)

const (
	queueLimit = 64 << 10 // bytes of output that wait for the network
	aheadLimit = 64 << 10 // bytes of messages that wait for the App
)

// A Conn is one end of a simulated connection: the protocol core and a driver
// that does no more than it must. It wakes only at deadlines and for input, takes
// input in whatever pieces the tape says, and spoils all memory that it
// lent.
type Conn struct {
	w    *World
	node *Node
	peer *Conn // the other end, once there is one
	name string
	id   uint64 // a hash of the name
	role core.Role
	m    transport.Machine

	lease transport.Releaser // m, if it must still be released

	puppet *PuppetConn // nil: this end is honest

	sock *socket
	work task

	in          []byte // lent to the machine: input that it may not have taken yet
	inAt        int
	more        bool   // the machine may have an event without more input
	barren      int    // events that took no input, one after another
	barrenBytes int64  // and how many bytes of messages these brought
	again       bool   // there is more to do at this instant
	out         []byte // taken from the machine
	outAt       int    // how much of it the network has taken
	sawEOF      bool

	armedFor deadline   // of the machine's
	tickAt   clock.Time // of the world's, when it is acted on

	message []byte // what has come of it
	pong    []byte
	queue   []Event    // for the App, which is busy
	queued  int        // bytes of messages in it
	busy    clock.Time // until when the App thinks
	held    bool       // the App takes nothing
	full    bool       // the App is waiting for Drained

	ahead   bool // what the machine was told of SetReadAhead
	stopped bool // what the machine was told of SetReading, reversed

	compresses  bool
	plain       plainPieces
	mostMessage int64 // that the machine accepts

	bare     bool // open from the start
	serving  bool
	opened   bool
	halfShut bool
	broken   bool // the network takes no more output
	released bool // the socket is gone
	over     bool // the App was told Closed
	crashed  bool

	log         ledger
	everStopped bool  // input was held back at some time
	everHeld    bool  // the App held at some time
	handedOut   int64 // bytes of output, ever
	farLane     int   // of the other end's node
	traits      *traits
	think       *Stream
	late        *Stream
	glitch      *Stream
}

type deadline struct {
	at  clock.Time
	why core.Timer
}

// dial makes both ends of a connection. The server hears of it when the first
// byte could have come.
func (w *World) dial(client, server *Node) *Conn {
	if !client.acts("dials") {
		return nil
	}
	client.dialed++
	from, to := client.name, server.name
	if client.dialed > 1 {
		from = from + "/" + strconv.Itoa(client.dialed)
	}
	if err := client.Link.check(); err != nil {
		w.misuse("%s: %v", client.name, err)
		return nil
	}
	near, far := w.connectSockets(from, to, client.Link)
	ofClient, ofServer := client.Config.Compression, server.Config.Compression
	if client.Bare {
		ofClient, ofServer = agree(client, server)
	}
	c := w.newConn(client, from+">"+to, core.Client, near, client.Bare, ofClient)
	if c == nil {
		return nil
	}
	c.farLane = server.lane
	if server.asleep > w.now {
		c.maim()
	}
	w.happened(client.lane, chart.Call, "dials %s", server.name)
	call := &task{}
	call.run = func() {
		if now := w.now; now < near.out.clogged {
			w.tasks.set(call, near.out.clogged)
			return
		}
		server.bootIfDue()
		if server.sleeps(call) {
			c.maim()
		} else {
			w.accept(server, c, far, to+">"+from, client.Bare, ofServer)
		}
	}
	w.tasks.set(call, w.now.Add(client.Link.Latency))
	c.wake()
	return c
}

// accept makes the server's end, if there is a server.
func (w *World) accept(server *Node, client *Conn, s *socket, name string, bare bool, z *core.Compression) {
	if s.in.vanishes {
		s.vanish()
		return
	}
	if !server.up {
		client.maim()
		s.abort()
		return
	}
	c := w.newConn(server, name, core.Server, s, bare, z)
	if c == nil {
		return
	}
	c.farLane = client.node.lane
	c.peer, client.peer = client, c
	c.wake()
}

func (w *World) newConn(n *Node, name string, role core.Role, s *socket, bare bool, z *core.Compression) *Conn {
	c := &Conn{w: w, node: n, name: name, id: hashName(name), role: role, sock: s, traits: &n.traits}
	cfg := n.Config
	cfg.Entropy, cfg.Compression = newEntropy(name), lending(z)
	c.mostMessage = limitsOf(cfg, role).messageSize
	m, err := w.machine(c, cfg, bare)
	if err != nil {
		w.misuse("%s: %v", n.name, err)
		return nil
	}
	c.m = m
	c.bare = bare
	if n.asleep > w.now {
		c.maim()
	}
	s.owner = c
	c.work.run = c.run
	c.think = w.tape.Stream(name + ".think")
	c.late = w.tape.Stream(name + ".late")
	c.glitch = w.tape.Stream(name + ".glitch")
	n.conns = append(n.conns, c)
	w.conns = append(w.conns, c)
	return c
}

// Node returns the node whose end c is.
func (c *Conn) Node() *Node { return c.node }

// Peer returns the node at the other end, nil while it has not accepted.
func (c *Conn) Peer() *Node {
	if c.peer == nil {
		return nil
	}
	return c.peer.node
}

// Name returns the name of the connection, such as "ann>room" at ann's end and
// "room>ann" at the room's.
func (c *Conn) Name() string { return c.name }

// Open reports whether messages can be sent: the handshake is done, and neither
// end has closed the connection or given it up.
func (c *Conn) Open() bool { return !c.released && c.m.Open() }

// Compression returns how the two ends have agreed to compress messages, as this end
// sees it; false if nothing is compressed, or not yet.
func (c *Conn) Compression() (agreed deflate.Params, ok bool) { return compressionOf(c.m) }

// Buffered returns how many bytes, of frames and of the handshake, wait for the
// network.
func (c *Conn) Buffered() int { return len(c.out) - c.outAt }

// Send sends a message of one frame. op is Text, whose p must be UTF-8, or
// Binary. p is not kept.
//
// The error is [ErrFull] while more than 64 KiB wait for the network, or else a
// [core.Error]; nothing was sent then, in either case. [Drained] follows every
// ErrFull once all that waited is out, if the connection lives that long.
func (c *Conn) Send(op frame.Opcode, p []byte) error {
	return c.send(op, p, true, func(dst []byte) ([]byte, error) { return c.m.AppendMessage(dst, op, p) })
}

// SendText sends a text message, as Send does.
func (c *Conn) SendText(s string) error { return c.Send(frame.Text, []byte(s)) }

// SendFragment sends a part of a message, in a frame of its own
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.4). op is that of the
// message in all of its fragments, or Continuation after the first; fin ends the
// message. The errors are those of [Conn.Send].
func (c *Conn) SendFragment(op frame.Opcode, p []byte, fin bool) error {
	return c.send(op, p, fin, func(dst []byte) ([]byte, error) { return c.m.AppendFragment(dst, op, p, fin) })
}

func (c *Conn) send(op frame.Opcode, p []byte, fin bool, appendTo func(dst []byte) ([]byte, error)) error {
	if err := c.admits(); err != nil {
		return err
	}
	c.takeOutput()
	out, err := appendTo(c.out)
	if err != nil {
		return err
	}
	c.log.send(op, p, fin)
	c.appended(out)
	return nil
}

// admits returns why nothing more can be queued now.
func (c *Conn) admits() error {
	switch {
	case c.released:
		return core.ErrNotOpen
	case c.Buffered() > queueLimit:
		c.full = true
		return ErrFull
	}
	return nil
}

// Ping sends a ping with a payload of at most 125 bytes
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2). Its answer comes as
// [Ponged]. The errors are those of [Conn.Send].
func (c *Conn) Ping(payload []byte) error {
	if err := c.admits(); err != nil {
		return err
	}
	c.takeOutput()
	out, err := c.m.AppendPing(c.out, payload)
	if err == nil {
		c.appended(out)
	}
	return err
}

// Close begins the closing handshake
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2). Messages may still
// come before [Closed]. reason is UTF-8 of at most 123 bytes. The error is a
// [core.Error].
func (c *Conn) Close(code frame.CloseCode, reason string) error {
	if c.released {
		return core.ErrNotOpen
	}
	c.takeOutput()
	out, err := c.m.AppendClose(c.now(), c.out, code, reason)
	if err != nil {
		return err
	}
	c.appended(out)
	return nil
}

// Abort ends the connection at once, with a reset for the peer. The App is told
// [Closed] with [ErrAborted] when the present call of it has returned, and
// before that the messages that waited for it.
func (c *Conn) Abort() {
	if c.released {
		return
	}
	c.w.happened(c.node.lane, chart.Call, "aborts %s", c.name)
	c.log.cut = true
	c.release((*socket).abort)
}

// Hold stops, or resumes, the taking of events by the App, as a program does that
// is busy elsewhere: what comes meanwhile is kept, up to 64 KiB of messages, then
// the peer is held back. Pings are answered and timers run meanwhile. [Drained]
// is told to an App that holds as well.
func (c *Conn) Hold(on bool) {
	c.w.mix(c.id)
	c.held = on
	c.everHeld = c.everHeld || on
	c.wake()
}

// now is what the driver takes for the time: the node's clock, which a fault
// may make it misread.
func (c *Conn) now() clock.Time {
	now := c.node.Now()
	if c.w.on(ClockGlitches) && c.glitch.Chance(1, 16) {
		back := c.glitch.Scale(1, time.Minute)
		c.w.happened(c.node.lane, chart.Fault, "reads a clock that is %v behind", back)
		now = now.Add(-back)
	}
	return now
}

// wake has the driver look at the connection.
func (c *Conn) wake() {
	if !c.serving && !c.crashed {
		c.w.tasks.setBy(&c.work, c.w.now)
	}
}

// stir is wake for what comes from outside of the driver: it is looked at anew
// even if the driver is at work.
func (c *Conn) stir() {
	c.again = c.again || c.serving
	c.wake()
}

// run is the whole driver: take what came, tick if it is time, send what is
// to be sent, do to the socket what the machine decided.
func (c *Conn) run() {
	if c.node.sleeps(&c.work) {
		return
	}
	c.serving = true
	if c.bare && !c.opened {
		c.becameOpen()
	}
	for _, do := range [...]func(*Conn){(*Conn).deliver, (*Conn).read, (*Conn).tick, (*Conn).flush, (*Conn).settle} {
		if c.node.suspended() {
			c.again = true // when the node wakes
			break
		}
		do(c)
	}
	c.serving = false
	c.arm()
	c.w.noteState(c)
	if c.released && len(c.queue) == 0 {
		c.w.forget(c)
	}
}

// forget drops a connection that has ended.
func (w *World) forget(c *Conn) {
	w.endLease(c)
	is := func(other *Conn) bool { return other == c }
	w.conns = slices.DeleteFunc(w.conns, is)
	c.node.conns = slices.DeleteFunc(c.node.conns, is)
	c.in, c.out, c.outAt = nil, nil, 0
	w.wires = slices.DeleteFunc(w.wires, func(x *wire) bool { return x.from.closed && x.to.closed })
}

// deliver gives the App what waited for it.
func (c *Conn) deliver() {
	for len(c.queue) > 0 && c.listens() {
		ev := c.queue[0]
		c.queue = c.queue[1:]
		c.queued -= len(ev.Data)
		c.give(ev)
	}
	c.tellReading()
}

func (c *Conn) thinks() bool { return c.held || c.w.now < c.busy }

// listens reports whether the App can be told something.
func (c *Conn) listens() bool { return !c.thinks() && c.node.listens() }

// tellReading tells the machine how far the App has come.
func (c *Conn) tellReading() {
	if c.released {
		return
	}
	if ahead := c.thinks() || len(c.queue) > 0; ahead != c.ahead {
		c.ahead = ahead
		c.m.SetReadAhead(c.now(), ahead)
	}
	full := c.ahead && c.queued+len(c.message) >= c.aheadLimit()
	if stopped := full || c.puppet != nil && c.held; stopped != c.stopped {
		c.stopped = stopped
		c.everStopped = c.everStopped || stopped
		c.m.SetReading(c.now(), !stopped)
	}
}

func (c *Conn) aheadLimit() int {
	if c.w.on(SlowApps) {
		return c.traits.ahead
	}
	return aheadLimit
}

// read takes what has come, as long as the App lets it.
func (c *Conn) read() {
	for !c.released && !c.stopped && !c.node.suspended() {
		if c.drain() {
			continue
		}
		p, eof, err := c.sock.read()
		switch {
		case err != nil:
			c.broke(err)
			return
		case len(p) > 0:
			c.in = append(c.in[:0], p...)
			c.inAt = 0
			c.more = true
			c.w.took(c, p)
			if c.sock.in.arrived > 0 {
				c.again = true // a read that returns a part is a step of its own
				c.drain()
				return
			}
		case eof && !c.sawEOF:
			c.sawEOF = true
			c.w.happened(c.node.lane, chart.Receive, "end of file on %s", c.name)
			c.handle(c.m.RecvEOF(c.now()))
		default:
			return
		}
	}
}

// drain has the machine take the input that it was lent, as long as the App
// lets it. It reports whether there was any.
func (c *Conn) drain() bool {
	any := false
	for !c.released && !c.stopped && !c.node.suspended() && (c.more || c.inAt < len(c.in)) {
		c.parse()
		any = true
	}
	return any
}

func (c *Conn) broke(err error) {
	what := "reset"
	if err == errLost {
		what = "loss"
	}
	c.w.happened(c.node.lane, chart.Receive, "%s of %s", what, c.name)
	c.handle(c.m.Lost(c.now()))
	c.release((*socket).abort)
}

// parse has the machine take input up to one event.
func (c *Conn) parse() {
	scratch := c.scratch()
	rest := c.in[c.inAt:]
	n, ev := c.m.Recv(c.now(), rest, scratch)
	c.more = ev.Kind != core.EventNone
	if err := c.checkRecv(n, len(rest), len(ev.Data)); err != nil {
		c.w.violate("input is taken", fmt.Errorf("%s: %w", c.name, err))
		c.in, c.inAt, c.more = nil, 0, false
		return
	}
	c.inAt += n
	c.handle(ev)
	spoil(ev.Data)
	spoil(rest[:n])
	if c.more || c.compresses {
		spoil(scratch)
	}
	c.flush()
}

// mostBarren is how many events may come of the input that was taken before.
const mostBarren = 16

// checkRecv checks what Recv said against its contract, which the driver relies
// on: without an event all input is taken, and input runs out, and so does what was
// compressed in it.
func (c *Conn) checkRecv(n, of, data int) error {
	switch {
	case n != 0 || !c.more:
		c.barren, c.barrenBytes = 0, 0
	case c.compresses && data > 0:
		c.barrenBytes += int64(data)
	default:
		c.barren++
	}
	switch {
	case n < 0 || n > of:
		return fmt.Errorf("%d bytes of %d were taken", n, of)
	case !c.more && n != of:
		return fmt.Errorf("only %d bytes of %d were taken, without an event", n, of)
	case c.barren > mostBarren:
		return fmt.Errorf("%d events in a row took no input", c.barren)
	case c.barrenBytes > c.mostMessage:
		return fmt.Errorf("%d bytes of a message came without input, more than it may have", c.barrenBytes)
	}
	return nil
}

// poison is what lent memory is filled with when it goes back.
const poison = 0xDB

var poisoned = bytes.Repeat([]byte{poison}, 512)

// spoil makes sure that whoever kept memory that was lent notices.
func spoil(p []byte) {
	for len(p) > 0 {
		p = p[copy(p, poisoned):]
	}
}

// handle acts on an event of the machine.
func (c *Conn) handle(ev core.Event) {
	if ev.Kind == core.EventNone {
		return
	}
	c.w.noteEvent(c, ev)
	switch ev.Kind {
	case core.EventRequest:
		if err := c.m.Accept(c.now(), core.AcceptOptions{}); err != nil {
			c.w.violate("handshake", err)
		}
		c.becameOpen()
	case core.EventOpen:
		c.becameOpen()
	case core.EventMessage:
		c.message = append(c.message, ev.Data...)
		if ev.Last {
			data := c.message
			c.message = nil
			c.tell(Event{Kind: Message, Op: ev.Op, Data: data})
			return
		}
		c.tellReading()
	case core.EventPing:
		c.tell(Event{Kind: Pinged, Op: frame.Ping, Data: bytes.Clone(ev.Data)})
	case core.EventPong:
		c.pong = append(c.pong, ev.Data...)
		if ev.Last {
			c.tell(Event{Kind: Ponged, Op: frame.Pong, Data: c.pong})
			c.pong = nil
		}
	case core.EventClose:
		c.tell(Event{Kind: Closed, Op: frame.Close, Code: ev.Code, Reason: string(ev.Data)})
	case core.EventFailed:
		c.tell(Event{Kind: Closed, Code: frame.Abnormal, Err: c.m.Err()})
	}
}

func (c *Conn) becameOpen() {
	c.opened = true
	if _, c.compresses = c.Compression(); c.compresses {
		c.choosePieces()
	}
	c.w.checkAgreement(c)
	if c.puppet != nil {
		c.puppet.open()
	}
	c.tell(Event{Kind: Opened})
}

// tell hands an event to the App, or keeps it while that is busy. After Closed
// there is none.
func (c *Conn) tell(ev Event) {
	ev.Conn = c
	if c.over || c.endQueued() {
		return
	}
	if ev.Kind == Message {
		c.w.arrived(c, ev)
	}
	if len(c.queue) > 0 || !c.listens() {
		c.queue = append(c.queue, ev)
		c.queued += len(ev.Data)
		c.tellReading()
		return
	}
	c.give(ev)
	c.tellReading()
}

// endQueued reports whether Closed waits for the App.
func (c *Conn) endQueued() bool {
	return len(c.queue) > 0 && c.queue[len(c.queue)-1].Kind == Closed
}

func (c *Conn) give(ev Event) {
	if ev.Kind == Closed {
		c.w.checkEnd(c, ev)
		c.over = true
	}
	c.w.noteGiven(c, ev)
	if ev.Kind == Message && c.w.on(SlowApps) {
		c.busy = c.w.now.Add(c.think.Scale(0, c.traits.slowest))
	}
	c.node.tell(ev)
}

// tick tells the machine the time, when the driver has noticed that it is due.
func (c *Conn) tick() {
	if c.released {
		return
	}
	spurious := c.w.on(SpuriousTicks) && c.late.Chance(1, 8)
	switch due := c.armedFor.why != core.TimerNone && c.w.now >= c.tickAt; {
	case due:
		c.w.ticked(c, c.armedFor.at, c.armedFor.why)
	case spurious:
		c.w.happened(c.node.lane, chart.Note, "a tick for no reason")
	default:
		return
	}
	c.handle(c.m.Tick(c.now()))
}

// takeOutput takes what the machine itself has to say, unless the network is
// blocked: then a newer pong may replace an older one.
func (c *Conn) takeOutput() {
	if len(c.out) == 0 && !c.released && c.m.Pending() > 0 {
		c.out = c.m.AppendOutput(c.out)
		c.w.sent(c, c.out)
		if n := c.m.Pending(); n > 0 {
			c.w.violate("output is handed out", fmt.Errorf("%s: %d bytes are still pending", c.name, n))
		}
	}
}

// appended notes that the machine has appended a frame to out.
func (c *Conn) appended(out []byte) {
	c.w.sent(c, out[len(c.out):])
	c.out = out
	c.wake()
}

// flush writes what the network takes.
func (c *Conn) flush() {
	for !c.released && !c.node.suspended() {
		c.takeOutput()
		if len(c.out) == 0 && (!c.full || c.broken) {
			return
		}
		if len(c.out) == 0 {
			c.full = false
			c.drained()
			continue
		}
		n := c.write()
		spoil(c.out[c.outAt : c.outAt+n])
		if c.outAt += n; c.outAt < len(c.out) {
			return
		}
		c.out, c.outAt = c.out[:0], 0
	}
}

// drained tells the App that there is room, also when it takes no messages:
// those may be what it lacked the room for.
func (c *Conn) drained() {
	if c.over {
		return
	}
	ev := Event{Kind: Drained, Conn: c}
	if c.held && c.w.now >= c.busy && c.node.listens() {
		c.give(ev)
		return
	}
	c.tell(ev)
}

// write hands out to the network. When that takes no more, ever, what is left
// counts as written: reading tells how the connection ended.
func (c *Conn) write() int {
	rest := c.out[c.outAt:]
	n, err := 0, error(nil)
	if !c.broken {
		n, err = c.sock.write(rest)
	}
	if err != nil {
		c.w.happened(c.node.lane, chart.Note, "%s takes no more output: %v", c.name, err)
		c.broken = true
	}
	if c.broken {
		n = len(rest)
	}
	c.m.Wrote(c.now(), n)
	return n
}

// settle does to the socket what the machine decided.
func (c *Conn) settle() {
	if c.released {
		return
	}
	switch c.m.Transport() {
	case core.TransportHalfClose:
		if !c.halfShut && len(c.out) == 0 {
			c.halfShut = true
			c.endOutput()
		}
	case core.TransportClose:
		if len(c.out) == 0 {
			c.w.happened(c.node.lane, chart.Call, "closes %s", c.name)
			c.release((*socket).close)
		}
	case core.TransportAbort:
		c.w.happened(c.node.lane, chart.Call, "resets %s", c.name)
		c.release((*socket).abort)
	}
}

// endOutput ends the output. A carrier that cannot do that alone is closed, but is
// read on after a failure, as package transport does it.
func (c *Conn) endOutput() {
	switch {
	case !c.sock.noHalfClose:
		c.w.happened(c.node.lane, chart.Call, "ends the output of %s", c.name)
		c.sock.closeWrite()
	case c.m.Err() == nil:
		c.w.happened(c.node.lane, chart.Call, "closes %s, whose output has no end of its own", c.name)
		c.release((*socket).close)
	}
}

func (c *Conn) release(how func(*socket)) {
	if c.released {
		return
	}
	c.released = true
	c.out, c.outAt = nil, 0
	how(c.sock)
	c.w.tasks.stop(&c.work)
	c.tell(Event{Kind: Closed, Code: frame.Abnormal, Err: c.reason()})
	c.wake() // for the App, and to be forgotten
}

// errUntold is a mistake of the machine.
var errUntold = errors.New("the machine let go of the connection and reported nothing")

// reason returns why a connection ended of whose end nothing was reported.
func (c *Conn) reason() error {
	if c.log.cut {
		return ErrAborted
	}
	if err := c.m.Err(); err != nil {
		return err
	}
	return errUntold
}

// arm decides when the driver looks again.
func (c *Conn) arm() {
	if c.released {
		if len(c.queue) > 0 && !c.held {
			c.w.tasks.set(&c.work, max(c.busy, c.w.now))
		}
		return
	}
	at, why := c.m.Deadline()
	if d := (deadline{at, why}); d != c.armedFor {
		c.armedFor = d
		c.w.mix(c.id ^ uint64(d.at)<<8 ^ uint64(d.why))
		c.tickAt = c.node.clock.when(at, c.w.now)
		if c.w.on(LateTicks) && why != core.TimerNone {
			c.tickAt = c.tickAt.Add(c.late.Scale(0, c.traits.lateness))
		}
	}
	if c.again {
		c.again = false
		c.wake()
		return
	}
	next := clock.Latest
	if why != core.TimerNone {
		next = max(c.tickAt, c.w.now)
	}
	if len(c.queue) > 0 && !c.held {
		next = min(next, max(c.busy, c.w.now))
	} else if c.w.now < c.busy {
		next = min(next, c.busy)
	}
	if next == clock.Latest {
		c.w.tasks.stop(&c.work)
		return
	}
	c.w.tasks.set(&c.work, next)
}

// crash ends the connection with its node.
func (c *Conn) crash(silent bool) {
	c.crashed = true
	c.over = true
	c.log.cut = true
	c.queue = nil
	c.w.tasks.stop(&c.work)
	c.maim()
	if !c.released {
		c.released = true
		if silent {
			c.sock.vanish()
			c.node.ghosts = append(c.node.ghosts, c.sock)
		} else {
			c.sock.close()
		}
	}
	c.w.forget(c)
}

// maim notes that something happens to the connection that may end it.
func (c *Conn) maim() {
	c.sock.out.hurt = true
	c.sock.in.hurt = true
}
