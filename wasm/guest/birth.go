package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// connSize is about what a connection takes.
const connSize = 320

// A kind is how a connection begins.
type kind uint8

const (
	server kind = iota
	client
	opened
	restored
)

// birth makes a connection with the settings that x.call.h names.
func (x *instance) birth() int64 {
	of := x.call.kind
	x.tidy()
	set := x.table.settings(x.call.h)
	switch next, end := words(); {
	case set == nil:
		return int64(refused(abi.CodeHandle))
	case x.conns >= x.most || x.call.n > 0 && !x.affordsRecord(x.call.n):
		return int64(refused(abi.CodeLimit))
	case of == client && end-next < abi.EntropyOfBirth:
		x.wants(abi.EntropyOfBirth)
		return int64(refused(abi.CodeEntropy))
	}
	c, code := x.newConn(set)
	if code < 0 {
		x.waste(x.call.n)
		return int64(code)
	}
	p, made := x.table.add()
	x.conns++
	p.conn = conn{Conn: c}
	if !c.Open() {
		p.room = uint32(set.Config().MaxHeadBytes)
	}
	switch {
	case of == restored && (!c.Open() || c.Response() != nil):
		x.hold(&p.conn, x.call.n*abi.RecordCost)
	case of == client:
		x.hold(&p.conn, x.call.n*abi.HeadCost+abi.HandshakeCost)
	}
	x.tellOf(c)
	return int64(made)
}

func (x *instance) newConn(set *core.Settings) (c *core.Conn, code int32) {
	var err error
	switch x.call.kind {
	case server:
		c = core.NewServer(set, x.call.now)
	case client:
		r := abi.NewReader(x.data)
		o := r.Client()
		if !r.Done() {
			return nil, refused(abi.CodeRecord)
		}
		c, err = core.NewClient(set, x.call.now, o)
	case opened:
		if x.call.a > uint32(core.Client) {
			return nil, refused(abi.CodeArgument)
		}
		c, err = core.NewOpen(set, x.call.now, core.Role(x.call.a))
	case restored:
		c, err = core.RestoreConn(set, x.data)
	}
	if err != nil {
		return nil, refusal(err)
	}
	return c, 0
}

// drop takes a connection out of the table.
func (x *instance) drop(h handle) {
	c := x.table.conn(h)
	if c == nil {
		return
	}
	x.letGo(c)
	x.waste(connSize)
	x.table.remove(h)
	x.conns--
}

func (x *instance) free() int32 {
	if x.table.conn(x.call.h) == nil {
		return refused(abi.CodeHandle)
	}
	x.drop(x.call.h)
	return 0
}
