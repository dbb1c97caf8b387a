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
	if !x.hasRoom(roomOf(r.Fields, r.Method, r.Target, r.Proto)) {
		return refused(abi.CodeLimit)
	}
	x.out = abi.AppendRequest(x.out, r)
	return int32(len(x.out))
}

func (x *instance) response(c *conn) int32 {
	r := c.Response()
	if r == nil {
		return 0
	}
	if !x.hasRoom(roomOf(r.Fields, r.Reason, r.Proto, c.Subprotocol())) {
		return refused(abi.CodeLimit)
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
	if !x.affordsConn(uint64(c.kept), uint64(x.call.n)*abi.RecordCost+abi.HandshakeCost) {
		return refused(abi.CodeLimit)
	}
	r, code := x.answer()
	if code < 0 {
		return code
	}
	o := r.Accept()
	if !r.Done() {
		return refused(abi.CodeRecord)
	}
	return x.answered(c, c.Accept(x.call.now, o))
}

func (x *instance) reject(c *conn) int32 {
	r, code := x.answer()
	if code < 0 {
		return code
	}
	o := r.Reject()
	if !r.Done() {
		return refused(abi.CodeRecord)
	}
	return x.answered(c, c.Reject(x.call.now, o))
}

// answer begins to read the record of an answer.
func (x *instance) answer() (*abi.Reader, int32) {
	p, ok := x.lent(x.call.ptr, x.call.n)
	switch {
	case !ok:
		return nil, refused(abi.CodeRange)
	case !x.affordsRecord(x.call.n):
		return nil, refused(abi.CodeLimit)
	}
	x.waste(x.call.n)
	return abi.NewReader(p), 0
}

// answered ends the answer to a request.
func (x *instance) answered(c *conn, err error) int32 {
	if err != nil {
		return refusal(err)
	}
	x.hold(c, x.call.n*abi.HeadCost)
	x.opened(c)
	return 0
}
