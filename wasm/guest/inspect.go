package main

import "github.com/fb1e3c20/websockets/wasm/internal/abi"

// openState is more than what the state of an open connection takes.
const openState = 2 << 10

func (x *instance) status(*conn) int32 { return 0 }

func (x *instance) compression(c *conn) int32 { return int32(c.agreed) }

// state puts out a dump of the state.
func (x *instance) state(c *conn) int32 {
	if !x.hasRoom(openState + 2*uint64(c.held)) {
		return refused(abi.CodeLimit)
	}
	x.wasteSaving(c)
	x.out = c.AppendState(x.out)
	return int32(len(x.out))
}

// snapshot puts out the whole state.
func (x *instance) snapshot(c *conn) int32 {
	if !x.hasRoom(openState + uint64(c.held)) {
		return refused(abi.CodeLimit)
	}
	x.wasteSaving(c)
	x.out = c.AppendSnapshot(x.out)
	return int32(len(x.out))
}

// wasteSaving counts what saving the state of compression takes: copies that grow.
func (x *instance) wasteSaving(c *conn) {
	if c.agreed != 0 {
		x.tidy()
		x.waste(openState + 6*c.lent)
	}
}
