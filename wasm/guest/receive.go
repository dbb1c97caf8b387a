package main

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// controlRoom is what a pong, a ping and a close frame take.
const controlRoom = mostDrawn * (frame.MaxHeaderLen + frame.MaxControlPayload)

// refusalRoom is more than what the refusal of a handshake takes.
const refusalRoom = 1 << 10

// recv takes input and writes a record for each event.
func (x *instance) recv(c *conn) int32 {
	events, takes := x.call.a, x.call.flags == abi.TakeOutput
	in, ok := x.lent(x.call.ptr, x.call.n)
	switch {
	case !ok:
		return refused(abi.CodeRange)
	case events < 1 || events > abi.Records || x.call.flags > abi.TakeOutput:
		return refused(abi.CodeArgument)
	case c.room > 0 && !x.admits(c):
		return refused(abi.CodeLimit)
	}
	if takes {
		if !x.hasRoom(uint64(c.Pending()) + refusalRoom + uint64(events)*controlRoom) {
			return refused(abi.CodeLimit)
		}
		x.try(c, mostDrawn*events)
	}
	taken, count, more := x.recvEach(c, in, events, takes)
	if takes && x.lacks(c) {
		return refused(abi.CodeEntropy)
	}
	if c.room > 0 {
		x.progress(c, uint32(taken))
	}
	if more {
		c.more = abi.FlagMore
	}
	page.status.taken, page.status.records = uint32(taken), count
	return int32(count)
}

// recvEach takes messages in a bunch, as far as they go, and whatever comes behind
// them one at a time.
func (x *instance) recvEach(c *conn, in []byte, events uint32, takes bool) (taken int, count uint32, more bool) {
	now := x.call.now
	for count < events {
		if c.Pending() == 0 {
			n, k := c.RecvRecords(now, in[taken:], addressOf(in)+uint32(taken), page.records[count:events])
			taken += n
			count += uint32(k)
			if count == events {
				break
			}
		}
		n, ev := c.Recv(now, in[taken:], page.scratch[:])
		taken += n
		if ev.Kind != core.EventNone {
			set(&page.records[count], &ev)
			count++
		}
		if ev.Kind == core.EventMessage && c.Pending() == 0 {
			continue
		}
		if takes {
			x.out = c.AppendOutput(x.out)
		}
		switch {
		case ev.Kind == core.EventNone:
			return taken, count, false
		case ev.Kind == core.EventRequest, ev.Kind == core.EventOpen, c.Pending() > 0:
			return taken, count, true
		}
	}
	return taken, count, true
}

// admits tells whether a handshake may go on with the input.
func (x *instance) admits(c *conn) bool {
	x.tidy()
	return x.affords(uint64(min(x.call.n, c.room))*abi.HeadCost + abi.HandshakeCost)
}

// progress counts what a handshake has taken. Once the connection is open that
// is garbage.
func (x *instance) progress(c *conn, taken uint32) {
	if taken > 0 && c.held == 0 {
		x.hold(c, abi.HandshakeCost)
	}
	taken = min(taken, c.room)
	x.hold(c, taken*abi.HeadCost)
	c.room -= taken
	x.opened(c)
}

// opened lets go of the handshake if it is over.
func (x *instance) opened(c *conn) {
	if c.Open() {
		c.room = 0
		x.letGo(c)
	}
	x.tell()
}

func (x *instance) eof(c *conn) int32  { return x.timed(c, (*core.Conn).RecvEOF) }
func (x *instance) tick(c *conn) int32 { return x.timed(c, (*core.Conn).Tick) }
func (x *instance) lost(c *conn) int32 { return x.timed(c, (*core.Conn).Lost) }

// timed makes a call that takes the time alone, and of which one event may come.
func (x *instance) timed(c *conn, f func(*core.Conn, clock.Time) core.Event) int32 {
	takes := x.call.flags == abi.TakeOutput
	switch {
	case x.call.flags > abi.TakeOutput:
		return refused(abi.CodeArgument)
	case takes && !x.hasRoom(uint64(c.Pending())+refusalRoom+controlRoom):
		return refused(abi.CodeLimit)
	case takes:
		x.try(c, mostDrawn)
	}
	ev := f(c.Conn, x.call.now)
	if takes {
		x.out = c.AppendOutput(x.out)
	}
	if x.lacks(c) {
		return refused(abi.CodeEntropy)
	}
	page.status.taken, page.status.records = 0, 0
	if ev.Kind != core.EventNone {
		set(&page.records[0], &ev)
		page.status.records = 1
	}
	return int32(page.status.records)
}

func (x *instance) reading(c *conn) int32 {
	if x.call.a > 1 {
		return refused(abi.CodeArgument)
	}
	c.SetReading(x.call.now, x.call.a == 1)
	return 0
}

func (x *instance) readAhead(c *conn) int32 {
	if x.call.a > 1 {
		return refused(abi.CodeArgument)
	}
	c.SetReadAhead(x.call.now, x.call.a == 1)
	return 0
}
