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
	case k.kind == opened && !agrees(set, k.agreed):
		return int64(refused(abi.CodeArgument))
	case x.conns >= x.most || k.n > 0 && !x.affordsRecord(k.n) || k.kind == opened && !x.affordsConn(keptBy(k.agreed), 0):
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
	if k.kind == restored && !x.affords(uint64(abi.RecordCost*k.n)+holds(c)) {
		x.waste(k.n + uint32(holds(c)))
		return int64(refused(abi.CodeLimit))
	}
	born := conn{Conn: c, shaking: true, kept: x.table.at(k.h).kept}
	if c.Role() == core.Client {
		born.role = abi.FlagClient
	}
	if !c.Open() {
		born.room = x.table.at(k.h).room
	}
	p, made := x.table.add()
	x.conns++
	p.conn = born
	switch {
	case k.kind == restored && (!c.Open() || c.Response() != nil):
		x.hold(&p.conn, k.n*abi.RecordCost)
	case k.kind == client:
		x.hold(&p.conn, k.n*abi.HeadCost+abi.HandshakeCost)
	}
	if k.kind == opened || k.kind == restored {
		x.agree(&p.conn)
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
		c, err = newOpen(set, k)
	case restored:
		c, err = core.RestoreConn(set, record)
	}
	if err != nil {
		return nil, refusal(err)
	}
	return c, 0
}

func newOpen(set *core.Settings, k *call) (*core.Conn, error) {
	c, err := core.NewOpen(set, k.now, core.Role(k.a))
	if err == nil && k.agreed != 0 {
		p, _ := abi.ParamsOf(k.agreed)
		err = c.Compress(p)
	}
	return c, err
}

// agrees reports whether connections with these settings may have agreed so.
func agrees(set *core.Settings, agreed uint32) bool {
	if agreed == 0 {
		return true
	}
	_, ok := abi.ParamsOf(agreed)
	return ok && set.Offers() != ""
}

// keptBy returns how many bytes of windows a connection keeps that has agreed so.
func keptBy(agreed uint32) uint64 {
	p, _ := abi.ParamsOf(agreed)
	return uint64(keeps(p))
}

// holds returns what a connection that was restored holds for compression.
func holds(c *core.Conn) (n uint64) {
	if p, ok := c.Compression(); ok {
		n = uint64(keeps(p))
	}
	if c.Inflating() {
		p, _ := c.Compression()
		n += uint64(inflating(p))
	}
	return n
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
