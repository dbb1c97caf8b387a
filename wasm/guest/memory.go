package main

import (
	"math/bits"
	"runtime"
	"unsafe"

	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// lent returns the range of the buffer that the host names. An empty one may
// be anywhere.
func (x *instance) lent(ptr, n uint32) (p []byte, ok bool) {
	if n == 0 {
		return nil, true
	}
	at := uint64(ptr - addressOf(x.buffer))
	end := at + uint64(n)
	if end > uint64(len(x.buffer)) {
		return nil, false
	}
	return x.buffer[at:end:end], true
}

// payload is lent for what is sent, which may also be what came, where it was
// decompressed to.
func (x *instance) payload(ptr, n uint32) (p []byte, ok bool) {
	at := uint64(ptr - addressOf(x.plain))
	if end := at + uint64(n); n > 0 && end <= uint64(len(x.plain)) {
		return x.plain[at:end:end], true
	}
	return x.lent(ptr, n)
}

// text shows p as a string, for a call that does not keep it.
func text(p []byte) string { return unsafe.String(unsafe.SliceData(p), len(p)) }

// grow makes the buffer at least as long as asked, keeps what is in it, and
// returns its address.
func (x *instance) grow() int32 {
	n := x.call.a
	if n <= uint32(len(x.buffer)) {
		return int32(addressOf(x.buffer))
	}
	size := uint64(1) << bits.Len32(n-1)
	if size > uint64(x.memory/4) {
		return refused(abi.CodeLimit)
	}
	x.waste(uint32(len(x.buffer)))
	x.tidy()
	buffer := make([]byte, size)
	copy(buffer, x.buffer)
	x.buffer = buffer
	return int32(addressOf(x.buffer))
}

// hasRoom has the output hold n bytes, and reports whether the limit allows it.
func (x *instance) hasRoom(n uint64) bool { return n <= uint64(cap(x.out)) || x.makesRoom(n) }

func (x *instance) makesRoom(n uint64) bool {
	size := uint64(1) << bits.Len64(n-1)
	if size > uint64(x.memory/4) {
		return false
	}
	x.waste(uint32(cap(x.out)))
	x.tidy()
	x.out = append(make([]byte, 0, size), x.out...)
	return true
}

// affords reports whether n more bytes may be held, by handshakes and for compression.
// Half of the memory is theirs, and a quarter each the buffer's and the output's, so that
// neither can take from the others.
func (x *instance) affords(n uint64) bool { return uint64(x.held)+n <= uint64(x.memory/2) }

// affordsConn is affords for a connection that will keep windows besides: those leave a
// quarter to messages that come in, or connections that are open could not go on.
func (x *instance) affordsConn(windows, n uint64) bool {
	if windows == 0 {
		return x.affords(n)
	}
	return uint64(x.held)+windows+n <= uint64(x.memory/8*3)
}

// affordsRecord reports whether a record of n bytes may be read: one that is made
// of nothing but short strings takes many times as much.
func (x *instance) affordsRecord(n uint32) bool {
	return x.affords(uint64(n)*abi.RecordCost + abi.HandshakeCost)
}

// hold counts n bytes for c.
func (x *instance) hold(c *conn, n uint32) {
	c.held += n
	x.held += n
}

// letGo counts what was held for c as garbage.
func (x *instance) letGo(c *conn) {
	x.held -= c.held
	x.waste(c.held)
	c.held, c.lent = 0, 0
}

// waste counts n bytes of garbage.
func (x *instance) waste(n uint32) { x.garbage = min(x.garbage+min(n, 1<<30), 1<<30) }

// mostGarbage is how much garbage is left to the host to collect, at most: a quarter
// of the memory, if that is less.
const mostGarbage = 8 << 20

// tidy collects garbage if the host has not done so for too long. What makes
// garbage begins with it.
func (x *instance) tidy() {
	if x.garbage > min(mostGarbage, x.memory/4) {
		x.collect()
	}
}

func (x *instance) collect() {
	x.garbage = 0
	runtime.GC()
}

// keptOutput is the space for output that outlives ws_maintain.
const keptOutput = 256 << 10

// maintain gives back what it can.
func (x *instance) maintain() int32 {
	if cap(x.out) > keptOutput {
		x.out = nil
	}
	x.collect()
	return 0
}
