package main

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// An instance is the state of the module.
type instance struct {
	table  table
	conns  int // in the table
	buffer []byte
	out    []byte // what the latest call put out

	most    int    // connections
	memory  uint32 // bytes of buffer, output and handshakes
	held    uint32 // by handshakes
	garbage uint32 // about

	call    call   // that is under way
	data    []byte // the range that its ptr and n name
	more    bool   // it has left input that has come
	attempt attempt
}

// it is the instance: a module has one.
var it = instance{most: abi.DefaultConns, memory: abi.DefaultMemory}

// A call is what an export was given besides a handle.
type call struct {
	h     handle // of what is no connection yet, or no more
	kind  kind
	now   clock.Time
	ptr   uint32
	n     uint32
	a, b  uint32 // what else there is
	flags uint32
}

// refused makes a result of an error code.
func refused(code abi.Code) int32 { return -int32(code) }

// refusal makes a result of an error of the core.
//
//go:noinline
func refusal(err error) int32 {
	switch e := err.(type) {
	case core.Error:
		return refused(abi.Code(e))
	case *core.SnapshotError:
		return refused(abi.CodeSnapshot)
	}
	return refused(abi.CodeArgument)
}

// onConn makes a call for the connection that h names.
func (x *instance) onConn(h uint64, f func(*instance, *conn) int32) (r int32) {
	defer x.recovered(handle(h), &r)
	c := x.table.conn(handle(h))
	switch {
	case c == nil:
		r = refused(abi.CodeHandle)
	case !x.begin():
		r = refused(abi.CodeRange)
	default:
		r = f(x, c)
	}
	x.end(r < 0)
	if c != nil {
		x.tellOf(c.Conn)
	}
	return r
}

// onInstance makes a call that is for no connection.
func (x *instance) onInstance(f func(*instance) int32) (r int32) {
	defer x.recovered(0, &r)
	if r = refused(abi.CodeRange); x.begin() {
		r = f(x)
	}
	x.end(false)
	return r
}

// making makes a call that returns a handle.
func (x *instance) making(f func(*instance) int64) (made int64) {
	r := x.onInstance(func(x *instance) int32 {
		made = f(x)
		return 0
	})
	if r < 0 {
		return int64(r)
	}
	return made
}

// begin reports whether the range that a call names lies in the buffer.
func (x *instance) begin() (ok bool) {
	x.out, x.more = x.out[:0], false
	x.data, ok = x.lent(x.call.ptr, x.call.n)
	return ok
}

// end ends a call, which leaves no output if it was refused, unless that says
// why.
func (x *instance) end(refused bool) {
	if refused {
		x.out = x.out[:0]
	}
	x.data = nil
	x.tell()
}

// recovered makes an error of a panic, which is a mistake of this module. The
// connection that it met is freed: its state is not to be trusted. It is
// deferred.
func (x *instance) recovered(h handle, r *int32) {
	if recover() != nil {
		x.drop(h)
		x.end(true)
		*r = refused(abi.CodePanic)
	}
}

// tell writes what of the status record is not a connection's.
func (x *instance) tell() {
	abi.PutUint32(page[abi.StatusOutput:], addressOf(x.out))
	abi.PutUint32(page[abi.StatusLength:], uint32(len(x.out)))
	abi.PutUint32(page[abi.StatusConnections:], uint32(x.conns))
	abi.PutUint32(page[abi.StatusHeld:], x.held)
	abi.PutUint32(page[abi.StatusGarbage:], x.garbage)
}

// tellOf writes the rest of it.
func (x *instance) tellOf(c *core.Conn) {
	at, why := c.Deadline()
	abi.PutUint64(page[abi.StatusDeadline:], uint64(at))
	abi.PutUint32(page[abi.StatusPending:], uint32(c.Pending()))
	page[abi.StatusTimer] = byte(why)
	page[abi.StatusTransport] = byte(c.Transport())
	page[abi.StatusFlags] = x.flagsOf(c)
	e, _ := c.Err().(core.Error)
	page[abi.StatusError] = byte(e)
}

func (x *instance) flagsOf(c *core.Conn) (f byte) {
	if c.Open() {
		f = abi.FlagOpen
	}
	if c.Request() != nil {
		f |= abi.FlagRequest
	}
	if c.Response() != nil {
		f |= abi.FlagResponse
	}
	if c.Role() == core.Client {
		f |= abi.FlagClient
	}
	if x.more {
		f |= abi.FlagMore
	}
	return f
}

// limits bounds the instance.
func (x *instance) limits() int32 {
	conns, memory := x.call.a, x.call.b
	switch {
	case conns < 1 || conns > abi.MostConns || memory > abi.MostMemory:
		return refused(abi.CodeArgument)
	case uint64(memory) < uint64(x.held)+uint64(len(x.buffer))+uint64(cap(x.out)):
		return refused(abi.CodeLimit)
	}
	x.most, x.memory = int(conns), memory
	return 0
}

// errorText puts out what an error code means.
func (x *instance) errorText() int32 {
	text := abi.Code(x.call.a).Text()
	if x.call.a < uint32(abi.CodeHandle) {
		text = core.Error(x.call.a).Reason()
	}
	x.out = append(x.out, text...)
	return int32(len(x.out))
}
