package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// request puts out the request that waits, or that was refused.
func (x *instance) request(c *conn) int32 {
	r := c.Request()
	if r == nil {
		return 0
	}
	if code := x.makeRoom(roomOf(r.Fields, r.Method, r.Target, r.Proto)); code != 0 {
		return refused(code)
	}
	x.out = abi.AppendRequest(x.out, r)
	return int32(len(x.out))
}

func (x *instance) response(c *conn) int32 {
	r := c.Response()
	if r == nil {
		return 0
	}
	if code := x.makeRoom(roomOf(r.Fields, r.Reason, r.Proto, c.Subprotocol())); code != 0 {
		return refused(code)
	}
	x.out = abi.AppendResponse(x.out, r, c.Subprotocol())
	return int32(len(x.out))
}

// roomOf returns how long a record of fields and three other strings may be.
func roomOf(list []core.Field, more ...string) uint64 {
	n := 32
	for _, s := range more {
		n += len(s)
	}
	for _, f := range list {
		n += 8 + len(f.Name) + len(f.Value)
	}
	return uint64(n)
}

func (x *instance) accept(c *conn) int32 {
	if !x.affordsRecord(x.call.n) {
		return refused(abi.CodeLimit)
	}
	r := abi.NewReader(x.data)
	o := r.Accept()
	return x.answer(c, r, func(c *core.Conn) error { return c.Accept(x.call.now, o) })
}

func (x *instance) reject(c *conn) int32 {
	if !x.affordsRecord(x.call.n) {
		return refused(abi.CodeLimit)
	}
	r := abi.NewReader(x.data)
	o := r.Reject()
	return x.answer(c, r, func(c *core.Conn) error { return c.Reject(x.call.now, o) })
}

// answer answers a request, from a record that was read.
func (x *instance) answer(c *conn, r *abi.Reader, f func(*core.Conn) error) int32 {
	x.waste(x.call.n)
	if !r.Done() {
		return refused(abi.CodeRecord)
	}
	if err := f(c.Conn); err != nil {
		return refusal(err)
	}
	x.hold(c, x.call.n*abi.HeadCost)
	x.opened(c)
	return 0
}
