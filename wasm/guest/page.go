package main

import (
	"unsafe"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// page is what the host and the module share besides the buffer. Its fields lie
// where docs/wasm-abi.md says: integers of WebAssembly are little-endian, and lie at
// multiples of their size, as Go has it.
var page struct {
	status    status
	next, end uint32 // of the words
	_         [56]byte
	scratch   [core.ScratchSize]byte
	_         [3]byte
	records   [abi.Records]core.Record
	words     [abi.Words]uint32
}

// A status is the status record.
type status struct {
	deadline    clock.Time
	taken       uint32
	records     uint32
	output      uint32
	length      uint32
	pending     uint32
	timer       core.Timer
	transport   core.Transport
	flags       uint8
	err         core.Error
	mask        frame.Mask
	wanted      uint32
	connections uint32
	held        uint32
	garbage     uint32
	_           [12]byte
}

// set makes r the record of an event.
func set(r *core.Record, ev *core.Event) {
	r.Kind, r.Op, r.Code = ev.Kind, ev.Op, ev.Code
	r.Flags = 0
	if ev.First {
		r.Flags = core.RecordFirst
	}
	if ev.Last {
		r.Flags |= core.RecordLast
	}
	r.Addr, r.Len = addressOf(ev.Data), uint32(len(ev.Data))
}

// addressOf returns where p begins in linear memory. Go's collector moves
// nothing.
func addressOf(p []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(p))))
}

// tell writes what of the status is of the whole instance.
func (x *instance) tell() {
	s := &page.status
	s.connections, s.held, s.garbage = uint32(x.conns), x.held, x.garbage
	s.output, s.length = addressOf(x.out), uint32(len(x.out))
}

// tellOf writes what of the status is of a connection.
func (x *instance) tellOf(c *conn) {
	s := &page.status
	if !c.Calm() {
		x.tellAll(c)
	} else {
		s.err, s.flags, s.transport, s.pending = 0, c.more|c.role|abi.FlagOpen, core.TransportOpen, 0
		s.deadline, s.timer = c.CalmDeadline()
	}
	c.more = 0
	s.length, s.output = uint32(len(x.out)), addressOf(x.out)
}

// tellAll does the same for a connection in any state.
//
//go:noinline
func (x *instance) tellAll(c *conn) {
	s := &page.status
	s.deadline, s.timer = c.Deadline()
	s.transport = c.Transport()
	s.pending = uint32(c.Pending())
	s.err, _ = c.Err().(core.Error)
	s.flags = c.more | c.role
	if c.Open() {
		s.flags |= abi.FlagOpen
	}
	if c.shaking {
		s.flags |= shows(c)
	}
	if c.agreed != 0 {
		s.flags |= abi.FlagCompressed
	}
}

// shows tells what of its handshake a connection has to show.
func shows(c *conn) (f uint8) {
	if c.Request() != nil {
		f = abi.FlagRequest
	}
	if c.Response() != nil {
		f |= abi.FlagResponse
	}
	c.shaking = f != 0 || !c.Open()
	return f
}
