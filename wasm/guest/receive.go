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
	switch {
	case events < 1 || events > abi.Records || x.call.flags > abi.TakeOutput:
		return refused(abi.CodeArgument)
	case c.room > 0 && !x.admits(c):
		return refused(abi.CodeLimit)
	}
	if takes {
		if code := x.makeRoom(uint64(c.Pending()) + refusalRoom + uint64(events)*controlRoom); code != 0 {
			return refused(code)
		}
		x.try(c, mostDrawn*events)
	}
	scratch := page[abi.ScratchAt : abi.ScratchAt+core.ScratchSize]
	taken, count := 0, uint32(0)
	x.more = true
	for x.more && count < events {
		n, ev := c.Recv(x.call.now, x.data[taken:], scratch)
		taken += n
		if x.more = ev.Kind != core.EventNone; x.more {
			record(count, &ev)
			count++
		}
		pending := c.Pending() > 0
		if pending && takes {
			x.out = c.AppendOutput(x.out)
		}
		if pending && !takes || ev.Kind == core.EventRequest || ev.Kind == core.EventOpen {
			break
		}
	}
	if takes && x.lacks(c) {
		return refused(abi.CodeEntropy)
	}
	if c.room > 0 {
		x.progress(c, uint32(taken))
	}
	abi.PutUint32(page[abi.StatusTaken:], uint32(taken))
	abi.PutUint32(page[abi.StatusRecords:], count)
	return int32(count)
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
}

// record writes an event record.
func record(i uint32, ev *core.Event) {
	r := page[abi.RecordsAt+i*abi.RecordSize:][:abi.RecordSize]
	flags := uint32(0)
	if ev.First {
		flags |= abi.First
	}
	if ev.Last {
		flags |= abi.Last
	}
	abi.PutUint32(r[abi.RecordKind:], uint32(ev.Kind)|uint32(ev.Op)<<8|flags<<16)
	abi.PutUint32(r[abi.RecordCode:], uint32(ev.Code))
	abi.PutUint32(r[abi.RecordPtr:], addressOf(ev.Data))
	abi.PutUint32(r[abi.RecordLength:], uint32(len(ev.Data)))
}

func (x *instance) eof(c *conn) int32  { return x.timed(c, (*core.Conn).RecvEOF) }
func (x *instance) tick(c *conn) int32 { return x.timed(c, (*core.Conn).Tick) }
func (x *instance) lost(c *conn) int32 { return x.timed(c, (*core.Conn).Lost) }

// timed makes a call that takes the time alone, and of which one event may come.
func (x *instance) timed(c *conn, f func(*core.Conn, clock.Time) core.Event) int32 {
	switch {
	case x.call.flags > abi.TakeOutput:
		return refused(abi.CodeArgument)
	case x.call.flags == abi.TakeOutput:
		if code := x.makeRoom(uint64(c.Pending()) + refusalRoom + controlRoom); code != 0 {
			return refused(code)
		}
		x.try(c, mostDrawn)
	}
	ev := f(c.Conn, x.call.now)
	if x.call.flags == abi.TakeOutput {
		x.out = c.AppendOutput(x.out)
	}
	if x.lacks(c) {
		return refused(abi.CodeEntropy)
	}
	count := uint32(0)
	if ev.Kind != core.EventNone {
		record(0, &ev)
		count = 1
	}
	abi.PutUint32(page[abi.StatusTaken:], 0)
	abi.PutUint32(page[abi.StatusRecords:], count)
	return int32(count)
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
