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

// birth makes a connection with the settings that are named.
func (x *instance) birth() int64 {
	x.tidy()
	k := &x.call
	set := x.table.settings(k.h)
	record, ok := x.lent(k.ptr, k.n)
	switch next, end := words(); {
	case set == nil:
		return int64(refused(abi.CodeHandle))
	case !ok:
		return int64(refused(abi.CodeRange))
	case x.conns >= x.most || k.n > 0 && !x.affordsRecord(k.n):
		return int64(refused(abi.CodeLimit))
	case k.kind == client && end-next < abi.EntropyOfBirth:
		page.status.wanted = abi.EntropyOfBirth
		return int64(refused(abi.CodeEntropy))
	}
	c, code := newConn(set, k, record)
	if code < 0 {
		x.waste(k.n)
		return int64(code)
	}
	p, made := x.table.add()
	x.conns++
	p.conn = conn{Conn: c, shaking: true}
	if c.Role() == core.Client {
		p.role = abi.FlagClient
	}
	if !c.Open() {
		p.room = uint32(set.Config().MaxHeadBytes)
	}
	switch {
	case k.kind == restored && (!c.Open() || c.Response() != nil):
		x.hold(&p.conn, k.n*abi.RecordCost)
	case k.kind == client:
		x.hold(&p.conn, k.n*abi.HeadCost+abi.HandshakeCost)
	}
	x.tellOf(&p.conn)
	return int64(made)
}

func newConn(set *core.Settings, k *call, record []byte) (c *core.Conn, code int32) {
	var err error
	switch k.kind {
	case server:
		c = core.NewServer(set, k.now)
	case client:
		r := abi.NewReader(record)
		o := r.Client()
		if !r.Done() {
			return nil, refused(abi.CodeRecord)
		}
		c, err = core.NewClient(set, k.now, o)
	case opened:
		if k.a > uint32(core.Client) {
			return nil, refused(abi.CodeArgument)
		}
		c, err = core.NewOpen(set, k.now, core.Role(k.a))
	case restored:
		c, err = core.RestoreConn(set, record)
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
