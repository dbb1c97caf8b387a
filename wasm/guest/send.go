package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// mostDrawn is how many frames of its own a connection may have pending, a pong,
// a ping and a close frame, each with a mask.
const mostDrawn = 3

// begins prepares a call of c that puts out at most n bytes besides what is
// pending, and draws at most draws words.
func (x *instance) begins(c *conn, n, draws uint32) bool {
	if !x.hasRoom(uint64(n) + frame.MaxHeaderLen + uint64(c.Pending())) {
		return false
	}
	if c.role != 0 {
		x.try(c, draws)
	}
	return true
}

// ends ends a call that began so.
func (x *instance) ends(c *conn, out []byte, err error) int32 {
	switch {
	case x.lacks(c):
		return refused(abi.CodeEntropy)
	case err != nil:
		return refusal(err)
	}
	x.out = out
	return int32(len(out))
}

func (x *instance) output(c *conn) int32 {
	if !x.begins(c, 0, mostDrawn) {
		return refused(abi.CodeLimit)
	}
	return x.ends(c, c.AppendOutput(x.out), nil)
}

// isFrame reports whether an opcode fits and flags are any that there are. Which
// opcodes may be sent is the core's to say.
func isFrame(op, flags uint32) bool { return op <= 0xFF && flags <= abi.First|abi.Last }

// send puts out a frame: a message, if nothing is in its way, or whatever it is.
func (x *instance) send(c *conn, op, flags, ptr, n uint32) int32 {
	r := &x.one[0]
	r.Len, r.Addr, r.Flags, r.Op = n, ptr, core.RecordFlags(flags), frame.Opcode(op)
	if isFrame(op, flags) {
		out, k := c.AppendRecords(x.out, x.buffer, addressOf(x.buffer), x.one[:])
		if k > 0 {
			x.out = out
			return int32(len(out))
		}
	}
	return x.sendFrame(c, op, flags, ptr, n)
}

//go:noinline
func (x *instance) sendFrame(c *conn, op, flags, ptr, n uint32) int32 {
	p, ok := x.payload(ptr, n)
	switch {
	case !ok:
		return refused(abi.CodeRange)
	case !isFrame(op, flags):
		return refused(abi.CodeArgument)
	case c.agreed != 0:
		return x.sendDeflated(c, frame.Opcode(op), flags, p)
	case !x.begins(c, n, 1):
		return refused(abi.CodeLimit)
	}
	out, err := appendFrame(c, x.out, frame.Opcode(op), flags, p)
	return x.ends(c, out, err)
}

// appendFrame appends a message, or a fragment of one.
func appendFrame(c *conn, dst []byte, op frame.Opcode, flags uint32, p []byte) ([]byte, error) {
	if flags == abi.First|abi.Last {
		return c.AppendMessage(dst, op, p)
	}
	return c.AppendFragment(dst, op, p, flags&abi.Last != 0)
}

// sendRecords puts out a frame for each record, up to one that is refused.
func (x *instance) sendRecords(c *conn) int32 {
	n := x.call.a
	if n > abi.Records {
		return refused(abi.CodeArgument)
	}
	if c.agreed == 0 {
		x.try(c, n)
	}
	done, code := uint32(0), int32(0)
	for done < n {
		room := max(min(cap(x.out), abi.MostSent), len(x.out))
		out, k := c.AppendRecords(x.out[:len(x.out):room], x.buffer, addressOf(x.buffer), page.records[done:n])
		x.out = x.out[:len(out)]
		if done += uint32(k); done == n || len(x.out) >= abi.MostSent {
			break
		}
		if code = x.sendRecord(c, &page.records[done]); code < 0 {
			break
		}
		done++
	}
	switch {
	case x.lacks(c):
		return refused(abi.CodeEntropy)
	case done > 0:
		page.status.records = done
		return int32(done)
	case code == refused(abi.CodeEntropy):
		page.status.wanted = n
	}
	return code
}

//go:noinline
func (x *instance) sendRecord(c *conn, r *core.Record) int32 {
	p, ok := x.payload(r.Addr, r.Len)
	switch {
	case !ok:
		return refused(abi.CodeRange)
	case uint32(r.Flags) > abi.First|abi.Last:
		return refused(abi.CodeArgument)
	case c.agreed != 0:
		return min(x.sendDeflated(c, r.Op, uint32(r.Flags), p), 0)
	case !x.hasRoom(uint64(len(x.out)) + uint64(r.Len) + frame.MaxHeaderLen + uint64(c.Pending())):
		return refused(abi.CodeLimit)
	}
	out, err := appendFrame(c, x.out, r.Op, uint32(r.Flags), p)
	if err != nil {
		return refusal(err)
	}
	x.out = out
	return 0
}

func (x *instance) header(c *conn) int32 {
	op, flags := x.call.a, x.call.flags
	switch {
	case !isFrame(op, flags):
		return refused(abi.CodeArgument)
	case !x.begins(c, 0, 1):
		return refused(abi.CodeLimit)
	}
	o := core.HeaderOptions{More: flags&abi.Last == 0}
	out, mask, err := c.AppendHeader(x.out, frame.Opcode(op), o, int(x.call.b))
	page.status.mask = mask
	return x.ends(c, out, err)
}

func (x *instance) ping(c *conn) int32 { return x.control(c, (*core.Conn).AppendPing) }
func (x *instance) pong(c *conn) int32 { return x.control(c, (*core.Conn).AppendPong) }

func (x *instance) control(c *conn, f func(*core.Conn, []byte, []byte) ([]byte, error)) int32 {
	p, ok := x.lent(x.call.ptr, x.call.n)
	switch {
	case !ok:
		return refused(abi.CodeRange)
	case !x.begins(c, x.call.n, 1):
		return refused(abi.CodeLimit)
	}
	out, err := f(c.Conn, x.out, p)
	return x.ends(c, out, err)
}

func (x *instance) close(c *conn) int32 {
	reason, ok := x.lent(x.call.ptr, x.call.n)
	switch {
	case !ok:
		return refused(abi.CodeRange)
	case x.call.a > 1<<16-1:
		return refused(abi.CodeArgument)
	case !x.begins(c, x.call.n, mostDrawn):
		return refused(abi.CodeLimit)
	}
	out, err := c.AppendClose(x.call.now, x.out, frame.CloseCode(x.call.a), text(reason))
	return x.ends(c, out, err)
}
