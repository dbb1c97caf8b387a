package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

func (x *instance) wrote(c *conn) int32 {
	c.Wrote(x.call.now, int(x.call.a))
	return 0
}

// put has f append to the output, for which c draws at most draws words.
func (x *instance) put(c *conn, draws uint32, f func(*instance, *conn) ([]byte, error)) int32 {
	if code := x.makeRoom(uint64(x.call.n) + frame.MaxHeaderLen + uint64(c.Pending())); code != 0 {
		return refused(code)
	}
	x.try(c, draws)
	out, err := f(x, c)
	switch {
	case x.lacks(c):
		return refused(abi.CodeEntropy)
	case err != nil:
		return refusal(err)
	}
	x.out = out
	return int32(len(out))
}

// mostDrawn is how many frames of its own a connection may have pending, a pong,
// a ping and a close frame, each with a mask.
const mostDrawn = 3

func (x *instance) output(c *conn) int32 { return x.put(c, mostDrawn, (*instance).appendOutput) }
func (x *instance) ping(c *conn) int32   { return x.put(c, 1, (*instance).appendPing) }
func (x *instance) pong(c *conn) int32   { return x.put(c, 1, (*instance).appendPong) }

func (x *instance) appendOutput(c *conn) ([]byte, error) { return c.AppendOutput(x.out), nil }
func (x *instance) appendPing(c *conn) ([]byte, error)   { return c.AppendPing(x.out, x.data) }
func (x *instance) appendPong(c *conn) ([]byte, error)   { return c.AppendPong(x.out, x.data) }

func (x *instance) close(c *conn) int32 {
	if x.call.a > 1<<16-1 {
		return refused(abi.CodeArgument)
	}
	return x.put(c, mostDrawn, (*instance).appendClose)
}

func (x *instance) appendClose(c *conn) ([]byte, error) {
	return c.AppendClose(x.call.now, x.out, frame.CloseCode(x.call.a), text(x.data))
}

// isFrame reports whether an opcode fits and flags are any that there are. Which
// opcodes may be sent is the core's to say.
func isFrame(op, flags uint32) bool { return op <= 0xFF && flags <= abi.First|abi.Last }

func (x *instance) send(c *conn) int32 {
	if !isFrame(x.call.a, x.call.flags) {
		return refused(abi.CodeArgument)
	}
	return x.put(c, 1, (*instance).appendFrame)
}

// appendFrame appends a message, or a fragment of one.
func (x *instance) appendFrame(c *conn) ([]byte, error) {
	op := frame.Opcode(x.call.a)
	if x.call.flags == abi.First|abi.Last {
		return c.AppendMessage(x.out, op, x.data)
	}
	return c.AppendFragment(x.out, op, x.data, x.call.flags&abi.Last != 0)
}

func (x *instance) header(c *conn) int32 {
	if !isFrame(x.call.a, x.call.flags) {
		return refused(abi.CodeArgument)
	}
	return x.put(c, 1, (*instance).appendHeader)
}

func (x *instance) appendHeader(c *conn) ([]byte, error) {
	o := core.HeaderOptions{More: x.call.flags&abi.Last == 0}
	out, mask, err := c.AppendHeader(x.out, frame.Opcode(x.call.a), o, int(x.call.b))
	copy(page[abi.StatusMask:], mask[:])
	return out, err
}

// sendRecords puts out a frame for each record, up to one that is refused.
func (x *instance) sendRecords(c *conn) int32 {
	n := x.call.a
	if n > abi.Records {
		return refused(abi.CodeArgument)
	}
	x.try(c, n)
	done, code := uint32(0), int32(0)
	for done < n && len(x.out) < abi.MostSent {
		if code = x.sendRecord(c, done); code < 0 {
			break
		}
		done++
	}
	switch {
	case x.lacks(c):
		return refused(abi.CodeEntropy)
	case done == 0:
		return code
	}
	abi.PutUint32(page[abi.StatusRecords:], done)
	return int32(done)
}

func (x *instance) sendRecord(c *conn, i uint32) int32 {
	r := page[abi.RecordsAt+i*abi.RecordSize:][:abi.RecordSize]
	ok := false
	k := &x.call
	k.a, k.flags, k.n = uint32(r[abi.RecordOp]), uint32(r[abi.RecordFlags]), abi.Uint32(r[abi.RecordLength:])
	if x.data, ok = x.lent(abi.Uint32(r[abi.RecordPtr:]), k.n); !ok {
		return refused(abi.CodeRange)
	}
	if !isFrame(k.a, k.flags) {
		return refused(abi.CodeArgument)
	}
	if code := x.makeRoom(uint64(len(x.out)) + uint64(k.n) + frame.MaxHeaderLen + uint64(c.Pending())); code != 0 {
		return refused(code)
	}
	out, err := x.appendFrame(c)
	if err != nil {
		return refusal(err)
	}
	x.out = out
	return 0
}
