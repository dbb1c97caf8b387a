package wasm

import (
	"encoding/binary"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// mostInput is how much input the module is given in a call. It is as much as a driver
// reads at a time.
const mostInput = firstBuffer

// Recv takes input and reports at most one event. Of more than 64 KiB a chunk of a
// message has no more than that.
func (c *Conn) Recv(now clock.Time, in, scratch []byte) (n int, ev core.Event) {
	defer c.lock().Unlock()
	for {
		part := c.x.portion(c, in[n:])
		k, ev, waits := c.recvPart(now, in[n:n+part], scratch)
		n += k
		if ev.Kind != core.EventNone || n == len(in) || waits {
			return n, ev
		}
	}
}

// recvPart is Recv for what fits into a call. waits tells that no more is taken for
// now: a request waits for its answer.
func (c *Conn) recvPart(now clock.Time, in, scratch []byte) (n int, ev core.Event, waits bool) {
	if !c.live() {
		return len(in), c.report(), false
	}
	scratch, flags := c.scratch(scratch)
	count := c.recv(now, in, 1, flags)
	if count < 0 {
		return len(in), c.report(), false
	}
	n = c.x.taken()
	if n > len(in) || count > 1 {
		c.x.die(errBroken)
		return len(in), c.report(), false
	}
	if count > 0 {
		ev = c.event(0, in[:n], scratch)
	}
	c.x.took(n)
	return n, ev, n < len(in)
}

// scratch returns the scratch that is used for one that a caller of Recv brings, and the
// flags of ws_recv that say how much fits into it.
func (c *Conn) scratch(brought []byte) (scratch []byte, flags uint64) {
	if !c.compresses() {
		return brought, 0
	}
	if len(brought) <= core.ScratchSize {
		brought = make([]byte, core.ScratchSize+leastPlain) // what has been decompressed must go somewhere
	}
	return brought, uint64(min(len(brought)-core.ScratchSize, abi.PlainSize)) << abi.RoomShift
}

// leastPlain is how much room there is for decompressed data where the caller of Recv
// has forgotten it.
const leastPlain = 512

// recv presents input to the module and returns how many events came of it. If
// that fails the connection has ended.
func (c *Conn) recv(now clock.Time, in []byte, events, flags uint64) int32 {
	x := c.x
	off, ok := x.present(c, in)
	if !ok {
		c.end(ErrFull)
		return -1
	}
	r := c.do(fnRecv, c.handle, uint64(now), uint64(x.buffer)+uint64(off), uint64(len(in)), events, flags)
	if r < 0 && c.err == nil {
		c.end(refusal(abi.Code(-r)))
	}
	return r
}

// taken returns how much input the latest call has consumed.
func (x *instance) taken() int {
	return int(binary.LittleEndian.Uint32(x.at(abi.StatusTaken, 4)))
}

// event returns the event of record i. Its data is copied back to where the caller
// of core.Conn would find it: into the input, or into scratch.
func (c *Conn) event(i int, in, scratch []byte) core.Event {
	x := c.x
	r := x.at(abi.RecordsAt+i*abi.RecordSize, abi.RecordSize)
	var ev core.Event
	setEvent(&ev, r)
	if ev.Kind == core.EventClose || ev.Kind == core.EventFailed {
		c.ended = true
	}
	data := x.named(r[abi.RecordPtr:])
	if len(data) == 0 {
		return ev
	}
	ptr := binary.LittleEndian.Uint32(r[abi.RecordPtr:])
	if ptr-x.page < abi.PageSize {
		ev.Data = scratch[:copy(scratch, data)]
		return ev
	}
	if c.compresses() && ptr-x.buffer >= x.length {
		ev.Data = scratch[core.ScratchSize:]
		ev.Data = ev.Data[:copy(ev.Data, data)]
		return ev
	}
	off := int(ptr-x.buffer) - x.input.off
	if off < 0 || off+len(data) > len(in) {
		x.die(errBroken)
		return c.report()
	}
	ev.Data = in[off : off+len(data)]
	copy(ev.Data, data)
	return ev
}

// setEvent sets all of ev but its data from an event record.
func setEvent(ev *core.Event, r []byte) {
	v := binary.LittleEndian.Uint64(r)
	ev.Kind = core.EventKind(v)
	ev.Op = frame.Opcode(v >> (8 * abi.RecordOp))
	ev.First = v>>(8*abi.RecordFlags)&abi.First != 0
	ev.Last = v>>(8*abi.RecordFlags)&abi.Last != 0
	ev.Code = frame.CloseCode(v >> (8 * abi.RecordCode))
}

// RecvEOF tells that the peer has ended its output.
func (c *Conn) RecvEOF(now clock.Time) core.Event { return c.timed(fnEOF, now) }

// Lost tells that the transport broke.
func (c *Conn) Lost(now clock.Time) core.Event { return c.timed(fnLost, now) }

// Tick tells the time.
func (c *Conn) Tick(now clock.Time) core.Event { return c.timed(fnTick, now) }

func (c *Conn) timed(fn int, now clock.Time) core.Event {
	defer c.lock().Unlock()
	if !c.live() {
		return c.report()
	}
	switch r := c.do(fn, c.handle, uint64(now), 0); {
	case r < 0:
		return c.report()
	case r == 0:
		return core.Event{}
	}
	return c.event(0, nil, nil)
}
