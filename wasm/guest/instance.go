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
	plain  []byte // for what is decompressed, once there are settings that compress
	out    []byte // what the latest call put out
	lender lender

	under   bool // way is a call
	call    call
	one     [1]core.Record // what ws_send sends
	attempt attempt

	limited bool   // the host has told its limits
	most    int    // connections
	memory  uint32 // bytes of buffer, output, and what is held
	held    uint32 // by handshakes, and for compression
	garbage uint32 // about
}

// it is the instance: a module has one.
var it = instance{most: abi.DefaultConns, memory: abi.DefaultMemory}

// A call is what an export was given besides the handle of a connection. Each
// export sets what its function looks at.
type call struct {
	h      handle
	kind   kind
	now    clock.Time
	ptr, n uint32 // a range of the buffer
	a, b   uint32 // what else there is
	agreed uint32
	flags  uint32
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

// onConn makes a call for the connection that h names. A panic is a mistake of
// this module: the connection that it met is freed, its state is not to be trusted.
func (x *instance) onConn(h uint64, f func(*instance, *conn) int32) (r int32) {
	r = refused(abi.CodePanic) // if f does not return
	defer rescue()
	c := x.enter(h)
	if c == nil {
		return x.unknown()
	}
	return x.leave(c, f(x, c))
}

// enter begins a call for the connection that h names, and returns it, nil if there
// is none.
func (x *instance) enter(h uint64) *conn {
	x.under, x.call.h, x.attempt.under = true, handle(h), false
	x.out = x.out[:0]
	return x.table.conn(handle(h))
}

// leave ends a call for c, whose result is r.
func (x *instance) leave(c *conn, r int32) int32 {
	if r < 0 {
		x.out = x.out[:0]
	}
	if c.agreed != 0 {
		x.settle(c)
		x.tell()
	}
	x.tellOf(c)
	x.under = false
	return r
}

// unknown ends a call for a connection that is not there.
//
//go:noinline
func (x *instance) unknown() int32 {
	x.tell()
	x.under = false
	return refused(abi.CodeHandle)
}

// onInstance makes a call that is for no connection.
func (x *instance) onInstance(f func(*instance) int32) int32 {
	return int32(x.making(func(x *instance) int64 { return int64(f(x)) }))
}

// making makes a call that returns a handle.
func (x *instance) making(f func(*instance) int64) (r int64) {
	r = int64(refused(abi.CodePanic)) // if f does not return
	x.under = true
	defer rescue()
	x.out = x.out[:0]
	done := f(x)
	x.tell()
	x.under = false
	return done
}

// rescue ends a call that panicked, if it did. The result is what the call has set it
// to at its beginning: were it set here, this would be a closure, at twice the price.
func rescue() {
	if it.under && recover() != nil {
		it.drop(it.call.h)
		it.out = it.out[:0]
		it.tell()
	}
}

// limits bounds the instance.
func (x *instance) limits() int32 {
	conns, memory := x.call.a, x.call.b
	switch {
	case conns < 1 || conns > abi.MostConns || memory > abi.MostMemory,
		x.limited && (int(conns) > x.most || memory > x.memory):
		return refused(abi.CodeArgument)
	case memory/2 < x.held || int(memory/4) < max(len(x.buffer), cap(x.out)):
		return refused(abi.CodeLimit)
	}
	x.most, x.memory, x.limited = int(conns), memory, true
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
