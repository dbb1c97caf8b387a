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
func (x *instance) recv(c *conn, now clock.Time, ptr, n, events, flags uint32) int32 {
	in, ok := x.lent(ptr, n)
	switch {
	case !ok:
		return refused(abi.CodeRange)
	case events < 1 || events > abi.Records || flags&(1<<abi.RoomShift-1) > abi.TakeOutput:
		return refused(abi.CodeArgument)
	case c.room > 0 && !x.admits(c, n):
		return refused(abi.CodeLimit)
	case c.agreed != 0 && !x.admitsMessage(c, in):
		return refused(abi.CodeLimit)
	case flags&abi.TakeOutput != 0:
		if code := x.takes(c, events); code < 0 {
			return code
		}
	}
	records := page.records[:events]
	taken, count := c.RecvRecords(now, in, ptr, records)
	if count > 0 && (count == len(records) || taken == len(in)) {
		return c.took(taken, count, count == len(records))
	}
	x.call.now, x.call.ptr, x.call.flags = now, ptr, flags
	return x.recvRest(c, in, records, taken, count)
}

// takes prepares a call that puts out what is pending behind each event. What was
// decompressed cannot be undone, so a connection that compresses has to have all words
// that it may need.
//
//go:noinline
func (x *instance) takes(c *conn, events uint32) int32 {
	switch {
	case !x.hasRoom(uint64(c.Pending()) + refusalRoom + uint64(events)*controlRoom):
		return refused(abi.CodeLimit)
	case c.agreed == 0:
		x.try(c, mostDrawn*events)
	case c.role != 0 && !x.hasWords(mostDrawn*events):
		return refused(abi.CodeEntropy)
	}
	return 0
}

// took tells what was received.
func (c *conn) took(n, count int, more bool) int32 {
	page.status.taken, page.status.records = uint32(n), uint32(count)
	if more {
		c.more = abi.FlagMore
	}
	return int32(count)
}

// recvRest goes on behind messages that came in a bunch.
//
//go:noinline
func (x *instance) recvRest(c *conn, in []byte, records []core.Record, taken, count int) int32 {
	var more bool
	if c.agreed != 0 {
		more = x.recvInflating(c, in, records, &taken, &count)
	} else {
		more = x.recvEach(c, in, records, &taken, &count)
	}
	if x.lacks(c) {
		return refused(abi.CodeEntropy)
	}
	if c.room > 0 {
		x.progress(c, uint32(taken))
	}
	return c.took(taken, count, more)
}

// recvEach takes one event at a time, and what messages are behind it.
func (x *instance) recvEach(c *conn, in []byte, records []core.Record, taken, count *int) (more bool) {
	for *count < len(records) {
		n, ev := c.Recv(x.call.now, in[*taken:], page.scratch[:])
		*taken += n
		if ev.Kind != core.EventNone {
			set(&records[*count], &ev)
			*count++
		}
		if x.call.flags&abi.TakeOutput != 0 && (ev.Kind != core.EventMessage || c.Pending() > 0) {
			x.out = c.AppendOutput(x.out)
		}
		switch {
		case ev.Kind == core.EventNone:
			return false
		case ev.Kind == core.EventRequest, ev.Kind == core.EventOpen, c.Pending() > 0:
			return true
		}
		n, k := c.RecvRecords(x.call.now, in[*taken:], x.call.ptr+uint32(*taken), records[*count:])
		*taken += n
		*count += k
	}
	return true
}

// admits tells whether a handshake may go on with the input.
func (x *instance) admits(c *conn, n uint32) bool {
	x.tidy()
	return x.affordsConn(uint64(c.kept), uint64(min(n, c.room))*abi.HeadCost+abi.HandshakeCost)
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
		x.agree(c)
	}
	x.tell()
}

func (x *instance) eof(c *conn) int32  { return x.timed(c, (*core.Conn).RecvEOF) }
func (x *instance) tick(c *conn) int32 { return x.timed(c, (*core.Conn).Tick) }
func (x *instance) lost(c *conn) int32 { return x.timed(c, (*core.Conn).Lost) }

// timed makes a call that takes the time alone, and of which one event may come.
func (x *instance) timed(c *conn, f func(*core.Conn, clock.Time) core.Event) int32 {
	takes := x.call.flags == abi.TakeOutput
	if x.call.flags > abi.TakeOutput {
		return refused(abi.CodeArgument)
	}
	if takes {
		if code := x.takes(c, 1); code < 0 {
			return code
		}
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
