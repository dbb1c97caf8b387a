package wasm

import (
	"encoding/binary"
	"unsafe"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// MaxBatch is how many events or frames one call of a [Batch] takes.
const MaxBatch = abi.Records

// A Batch is the use of a connection for many frames at a time, in the sandbox's
// own memory: see [Conn.Batch]. It is valid until the function that got it returns.
type Batch struct {
	c      *Conn
	input  int // bytes that are lent for it, from the beginning of the buffer
	plain  plain
	events [MaxBatch]core.Event
}

// Batch calls f with the connection, and with its instance to itself: nothing is
// copied but what f copies. f reads input into memory of the sandbox, has it taken,
// finds the events in the same memory, and writes output from where the sandbox has
// put it:
//
//	c.Batch(func(b *wasm.Batch) {
//		n := read(b.Input(64 << 10))
//		b.SetReadAhead(now, true) // a close is answered behind what is sent here
//		taken, events, more, err := b.Recv(now, n)
//		...
//		out, sent, err := b.Send(events) // an echo
//		b.Wrote(now, write(out))
//		b.SetReadAhead(now, false)
//		out, err = b.Output()
//		b.Wrote(now, write(out))
//	})
//
// Without reading ahead a close frame among the events is answered at once, and
// nothing can be sent behind the answer: not what was to answer the messages before it.
//
// Other connections of the instance wait meanwhile, so f must not block, and must
// not call methods of a Conn. What Input returns, and the data of events in it, is valid
// until Input is called again; output, until the next call of the Batch; nothing is when
// f has returned. If the instance has trapped, or traps, the calls return a
// *[TrapError].
func (c *Conn) Batch(f func(b *Batch)) {
	defer c.lock().Unlock()
	b := c.x.batch
	if b == nil {
		b = &Batch{}
		c.x.batch = b
	}
	c.x.input = input{}
	b.c, b.input, c.batching = c, 0, true
	defer func() {
		b.c, c.batching = nil, false
		b.plain = plain{}
		clear(b.events[:])
	}()
	f(b)
}

// conn returns the connection that the batch is of.
func (b *Batch) conn() *Conn {
	if b.c == nil {
		panic("wasm: a Batch was used after its function had returned")
	}
	return b.c
}

// Input returns memory for n bytes of input, or of payloads to be sent; nil if the
// sandbox has not so much. What was in it before may still be there.
func (b *Batch) Input(n int) []byte {
	x := b.conn().x
	if !b.c.live() || n < 0 || !x.needs(n) {
		return nil
	}
	b.input = max(b.input, n)
	return x.mem[x.buffer : int(x.buffer)+n]
}

// Recv takes the first n bytes of Input and returns how many were consumed and the
// events that came of it, up to [MaxBatch]. It stops behind an event that leaves
// output pending, and behind [core.EventRequest] and [core.EventOpen]. more tells
// that what was not consumed must be moved to the beginning and given again.
func (b *Batch) Recv(now clock.Time, n int) (taken int, events []core.Event, more bool, err error) {
	c := b.conn()
	x := c.x
	if !c.live() {
		return 0, nil, false, c.gone()
	}
	if n < 0 || n > b.input {
		return 0, nil, false, errBatchInput
	}
	b.plain = plain{}
	r := c.do(fnRecv, c.handle, uint64(now), uint64(x.buffer), uint64(n), MaxBatch, 0)
	if r < 0 && c.err == nil {
		c.end(refusal(abi.Code(-r)))
	}
	if c.err != nil {
		c.ended = true
		return 0, nil, false, c.err
	}
	if r > MaxBatch || x.taken() > n {
		x.die(errBroken)
		return 0, nil, false, c.err
	}
	events = b.events[:r]
	records := x.at(abi.RecordsAt, int(r)*abi.RecordSize)
	for i := range events {
		ev := &events[i]
		r := records[i*abi.RecordSize:][:abi.RecordSize]
		setEvent(ev, r)
		ev.Data = x.named(r[abi.RecordPtr:])
		if c.compresses() && ev.Kind == core.EventMessage {
			b.plain.add(x, binary.LittleEndian.Uint32(r[abi.RecordPtr:]), len(ev.Data))
		}
		if ev.Kind == core.EventClose || ev.Kind == core.EventFailed {
			c.ended = true
		}
	}
	return x.taken(), events, c.status.flags&abi.FlagMore != 0, nil
}

// Send puts out a frame for each event that is a chunk of a message, up to
// [MaxBatch], and returns the output, which was pending before or is those frames, and
// how many events are done with: less than all with the error of the one that
// follows, or if more does not fit into one call. Op, First, Last and Data count. Data
// may lie anywhere; it is copied if it does not lie in Input and is not of the latest
// Recv, behind that, as far as there is room: ask Input for more. First matters together
// with Last alone: such an event is a whole message and is refused inside of another.
func (b *Batch) Send(events []core.Event) (output []byte, n int, err error) {
	c := b.conn()
	x := c.x
	if !c.live() {
		return nil, 0, c.gone()
	}
	events = events[:min(len(events), MaxBatch)]
	count, err := b.place(events)
	switch {
	case err != nil:
		return nil, 0, err
	case count == 0:
		return nil, len(events), nil
	}
	r := c.do(fnSendRecords, c.handle, uint64(count))
	switch {
	case c.err != nil:
		return nil, 0, c.err
	case r < 0:
		return nil, 0, refusal(abi.Code(-r))
	}
	if int(r) == len(events) {
		return x.output(), len(events), nil
	}
	return x.output(), nth(events, int(r)), nil
}

// place writes a record for each chunk of a message, and copies what does not lie in
// the buffer behind the input, as far as there is room. It returns how many records there
// are.
func (b *Batch) place(events []core.Event) (count int, err error) {
	x := b.c.x
	if b.input == 0 && !x.needs(sizeOf(events)) {
		return 0, ErrTooLong
	}
	room := x.mem[x.buffer : uint64(x.buffer)+uint64(x.length)]
	base := uintptr(unsafe.Pointer(unsafe.SliceData(room)))
	end := b.input
	records := x.at(abi.RecordsAt, len(events)*abi.RecordSize)
	for i := range events {
		ev := &events[i]
		if ev.Kind != core.EventMessage {
			continue
		}
		off := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(ev.Data))) - base)
		at, decompressed := b.plain.find(ev.Data)
		switch {
		case len(ev.Data) == 0:
			off = 0
		case decompressed:
			off = uint64(at - x.buffer)
		case off < uint64(b.input) && off+uint64(len(ev.Data)) <= uint64(b.input): // it lies there
		case len(ev.Data) <= len(room)-end:
			off = uint64(end)
			end += copy(room[end:], ev.Data)
		default:
			return count, tooLong(count)
		}
		r := records[count*abi.RecordSize:][:abi.RecordSize]
		binary.LittleEndian.PutUint64(r, uint64(ev.Kind)|uint64(ev.Op)<<(8*abi.RecordOp)|uint64(flagsOf(ev))<<(8*abi.RecordFlags))
		binary.LittleEndian.PutUint64(r[abi.RecordPtr:], uint64(x.buffer+uint32(off))|uint64(len(ev.Data))<<32)
		count++
	}
	return count, nil
}

// plain is where in the sandbox what the latest Recv has decompressed lies.
type plain struct {
	p  []byte // as it was seen then: memory that grows is seen elsewhere
	at uint32 // its address
}

// add adds the n bytes at an address, unless they lie in the buffer.
func (d *plain) add(x *instance, ptr uint32, n int) {
	switch {
	case n == 0 || ptr-x.buffer < x.length:
	case d.p == nil:
		d.p, d.at = x.mem[ptr:int(ptr)+n], ptr
	case ptr >= d.at:
		d.p = x.mem[d.at : int(ptr)+n]
	}
}

// find returns the address of data, if it lies in d.
func (d *plain) find(data []byte) (at uint32, ok bool) {
	off := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(data))) - uintptr(unsafe.Pointer(unsafe.SliceData(d.p))))
	return d.at + uint32(off), off+uint64(len(data)) <= uint64(len(d.p)) && len(data) > 0
}

// tooLong returns the error of a batch in which nothing comes before what does not fit.
func tooLong(count int) error {
	if count > 0 {
		return nil
	}
	return ErrTooLong
}

// sizeOf returns how many bytes the chunks of messages have.
func sizeOf(events []core.Event) (n int) {
	for i := range events {
		if events[i].Kind == core.EventMessage {
			n += len(events[i].Data)
		}
	}
	return n
}

func flagsOf(ev *core.Event) (f byte) {
	if ev.First {
		f = abi.First
	}
	if ev.Last {
		f |= abi.Last
	}
	return f
}

// nth returns where in events the chunk of a message with the number n is.
func nth(events []core.Event, n int) int {
	for i := range events {
		if events[i].Kind != core.EventMessage {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return len(events)
}

// Output puts out what is pending, and returns it.
func (b *Batch) Output() ([]byte, error) {
	if !b.conn().live() {
		return nil, b.c.gone()
	}
	if b.c.do(fnOutput, b.c.handle); b.c.err != nil {
		return nil, b.c.err
	}
	return b.c.x.output(), nil
}

// Wrote tells that the transport took n more bytes.
func (b *Batch) Wrote(now clock.Time, n int) {
	if b.conn().live() {
		b.c.do(fnWrote, b.c.handle, uint64(now), uint64(clamp(n)))
	}
}

// SetReadAhead tells whether the caller reads ahead of what it sends.
func (b *Batch) SetReadAhead(now clock.Time, on bool) {
	if b.conn().live() {
		b.c.do(fnReadAhead, b.c.handle, uint64(now), bit(on))
	}
}
