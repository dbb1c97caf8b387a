package sim

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// A Stater is an [App] or a machine that can write down its state: two that
// write the same behave alike from then on, and make the same of the world's
// properties. [Exhaust] does not explore a state of the world twice, if all of
// its Apps are Staters. What is kept outside of Apps is for [World.State].
type Stater interface {
	AppendState(dst []byte) []byte
}

// State says what else belongs to the state of the world: variables of the
// function that builds it, which properties look at or functions of [World.At]
// change. f appends them to dst. Without it [Exhaust] recognises no state in a
// world with functions of [World.At].
func (w *World) State(f func(dst []byte) []byte) { w.state = f }

// stateOf returns a hash of all that decides what can happen from here on.
// opaque tells what of that cannot be written down; it is empty when nothing is.
// Instants count from now, so that the same situation at another time is the same
// state.
func (w *World) stateOf() (hash uint64, opaque string) {
	d := dump{b: w.dumped[:0], now: w.now}
	d.bool(w.healed, w.settled)
	d.int(int64(w.struck))
	d.int(int64(w.active))
	switch {
	case w.posted > 0:
		d.opaque = "a value that was posted is on its way, and cannot be written down"
	case w.hasCalls && w.state == nil:
		d.opaque = "the world has functions of World.At, and no World.State tells what they change"
	}
	if w.state != nil {
		d.bytes(w.state(nil))
	}
	d.time(w.end)
	for _, list := range [...][]property{w.eventually, w.sometimes} {
		for i := range list {
			d.bool(list[i].done)
		}
	}
	for _, n := range w.nodes {
		d.node(n)
	}
	for _, c := range w.conns {
		d.conn(c)
	}
	for _, x := range w.wires {
		d.wire(x)
	}
	d.tasks(w)
	w.dumped = d.b
	keep := w.hash
	w.hash = hashStart
	w.mixBytes(d.b)
	hash, w.hash = w.hash, keep
	return hash, d.opaque
}

// A dump writes down a state.
type dump struct {
	b      []byte
	now    clock.Time
	opaque string // what could not be written down

	part []byte
}

func (d *dump) int(v int64) { d.b = binary.AppendVarint(d.b, v) }

func (d *dump) bool(list ...bool) {
	for _, v := range list {
		if v {
			d.b = append(d.b, 1)
		} else {
			d.b = append(d.b, 0)
		}
	}
}

// time writes how far off t is; all that has passed is alike.
func (d *dump) time(t clock.Time) { d.int(int64(max(t, d.now) - d.now)) }

func (d *dump) bytes(p []byte) {
	d.int(int64(len(p)))
	d.b = append(d.b, p...)
}

// stater writes the state of v, which is the App of n or one of its machines, if
// that can be had.
func (d *dump) stater(n *Node, what string, v any) {
	for v != nil {
		if s, ok := v.(Stater); ok {
			d.part = s.AppendState(d.part[:0])
			d.bytes(d.part)
			return
		}
		u, ok := v.(interface{ Unwrap() transport.Machine })
		if !ok {
			if d.opaque == "" {
				d.opaque = fmt.Sprintf("the %s of node %q is a %T, which is no Stater", what, n.name, v)
			}
			return
		}
		v = u.Unwrap()
	}
}

// link writes what a stream is carried by: the tape may have chosen that.
func (d *dump) link(l *Link) {
	for _, v := range [...]int64{int64(l.Carrier), int64(l.Latency), int64(l.Jitter), int64(l.Bandwidth), int64(l.Buffer)} {
		d.int(v)
	}
}

// config writes how the machines of a node are made: likewise.
func (d *dump) config(c *core.Config) {
	for _, v := range [...]time.Duration{c.PingInterval, c.PongTimeout, c.CloseTimeout, c.ConnectionTimeout, c.HandshakeTimeout} {
		d.int(int64(v))
	}
	for _, v := range [...]int64{
		c.MaxFrameSize, c.MaxMessageSize, int64(c.MaxFragments), int64(c.MaxControlRate),
		int64(c.MaxHeadBytes), int64(c.MaxHeadLines), int64(c.Pings),
	} {
		d.int(v)
	}
	d.bool(c.Compression != nil)
	if z := c.Compression; z != nil {
		d.bool(z.NoSendTakeover, z.NoReceiveTakeover)
		d.int(int64(z.SendWindowBits)<<8 | int64(z.ReceiveWindowBits))
		d.int(int64(z.Level))
		d.int(int64(z.Threshold))
	}
}

func (d *dump) node(n *Node) {
	d.link(&n.Link)
	d.config(&n.Config)
	d.bool(n.up, n.Bare)
	if n.puppet != nil {
		d.bytes([]byte(n.puppet.Extensions))
	}
	d.int(int64(n.dialed))
	d.time(n.asleep)
	d.int(int64(n.clock.read(d.now) - d.now))
	d.int(n.clock.ppm)
	d.int(int64(n.clock.behind(d.now)))
	d.int(int64(n.traits.slowest))
	d.int(int64(n.traits.ahead))
	d.int(int64(n.traits.lateness))
	for _, t := range n.timers {
		if t.index != 0 {
			d.bytes([]byte(t.name))
			d.int(int64(t.number))
		}
	}
	if n.app != nil {
		d.stater(n, "App", n.app)
	}
	d.int(int64(len(n.conns)))
	d.int(int64(len(n.ghosts)))
}

func (d *dump) conn(c *Conn) {
	d.bytes([]byte(c.name))
	d.bool(c.peer != nil, c.everHeld, c.opened, c.halfShut, c.broken, c.released, c.over, c.crashed, c.held, c.full, c.ahead, c.stopped, c.more, c.sawEOF, c.everStopped)
	d.stater(c.node, "machine", c.m)
	d.bytes(c.in[c.inAt:])
	d.bytes(c.out[c.outAt:])
	d.bytes(c.message)
	d.bytes(c.pong)
	for _, ev := range c.queue {
		d.int(int64(ev.Code)<<16 | int64(ev.Kind)<<8 | int64(ev.Op))
		d.bytes(ev.Data)
		d.bytes([]byte(ev.Reason))
		e, _ := ev.Err.(core.Error)
		d.int(int64(e))
	}
	d.time(c.busy)
	d.int(int64(c.armedFor.why))
	d.time(c.tickAt)
	l := &c.log
	d.int(int64(c.plain.length))
	d.bool(c.plain.cut != nil)
	d.bool(l.closed, l.cut, l.isBegun)
	d.int(int64(l.code))
	d.bytes(l.begun.data)
	for _, m := range l.sent[l.next:] {
		d.int(int64(m.op))
		d.bytes(m.data)
	}
}

func (d *dump) wire(x *wire) {
	d.link(x.link)
	d.bytes(x.buf[x.start:])
	d.int(int64(x.arrived))
	d.int(int64(x.used))
	d.int(int64(x.room))
	d.int(int64(x.fault.rate))
	d.int(int64(x.fault.delay))
	d.int(int64(x.fault.pieces))
	for _, a := range x.acks {
		d.time(a.at)
		d.int(int64(a.n))
	}
	d.bool(x.to.lingering.index != 0, x.to.closed, x.vanishes, x.fin, x.broken != nil, x.ended, x.stopped, x.hurt, x.short, x.swallowed)
	d.time(x.last)
	d.time(x.free)
	d.time(x.clogged)
	for _, g := range x.flying {
		d.time(g.at)
		d.time(g.from)
		d.int(int64(g.n)<<2 | int64(g.kind))
	}
}

// tasks writes what is going to happen, in order. A task of no object, such as
// that of [World.At], is known by how many there were before it.
func (d *dump) tasks(w *World) {
	list := append(w.sorted[:0], w.tasks.heap...)
	slices.SortFunc(list, func(a, b *task) int {
		if a.at != b.at {
			return int(min(max(a.at-b.at, -1), 1))
		}
		return int(min(max(int64(a.order-b.order), -1), 1))
	})
	for _, t := range list {
		d.time(t.at)
		d.int(int64(t.number))
	}
	w.sorted = list
}
