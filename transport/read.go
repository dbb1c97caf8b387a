package transport

import (
	"context"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// input is what was read and not yet parsed, in a buffer that is borrowed when
// input has come and given back when it is used up. It belongs to whoever has
// the turn to read.
type input struct {
	buf    *buffer
	r, w   int32
	at     clock.Time // when it came
	direct *buffer    // where the next read goes, instead

	more       bool // the machine may have another event without more input
	bigger     bool // the last read filled its buffer
	compressed bool // messages may be compressed, in both directions
}

// Borrow and Return are for the stream: it borrows a buffer when there is
// something to read into it.
func (in *input) Borrow() []byte {
	if in.direct != nil {
		in.buf = in.direct
		return in.buf.b
	}
	in.buf = borrow(in.bigger)
	return in.space()
}

func (in *input) Return() {
	b := in.buf
	in.buf = nil
	if plain := b.plain; plain != nil {
		b.plain = nil
		giveBack(plain)
	}
	switch {
	case b.lent:
		b.left = true
		return
	case b.direct:
		if in.direct == nil { // it has been read to
			b.b = nil
			directBuffers.Put(b)
		}
		return
	}
	giveBack(b)
}

// space is the part of the buffer for input; the rest is the machine's scratch.
func (in *input) space() []byte   { return in.buf.b[:len(in.buf.b)-core.ScratchSize] }
func (in *input) scratch() []byte { return in.buf.b[len(in.buf.b)-core.ScratchSize:] }

// plainScratch is scratch for a machine that compresses, for pieces of at most limit
// bytes.
func (in *input) plainScratch(limit int) []byte {
	if in.buf.plain == nil {
		in.buf.plain = borrow(true)
	}
	b := in.buf.plain.b
	return b[:core.ScratchSize+min(limit, len(b)-core.ScratchSize)]
}

func (in *input) filled(n int, at clock.Time) {
	in.r, in.w, in.at = 0, int32(n), at
	in.more = true
	if in.direct != nil {
		in.direct, in.bigger = nil, false
		return
	}
	in.bigger = n == len(in.space()) || in.bigger && n > smallBuffer
}

// waits reports whether there is input that the machine does not take yet.
func (in *input) waits() bool { return in.buf != nil && !in.more }

func (in *input) unread() []byte {
	if in.buf == nil {
		return nil
	}
	return in.buf.b[in.r:in.w]
}

func (in *input) release() {
	if in.buf != nil {
		in.Return()
	}
	in.r, in.w = 0, 0
}

// parse asks the machine for the next event in at most limit bytes of input.
// With no event all of it has been used, or a request waits for its answer.
func (c *Conn) parse(limit int) core.Event {
	in := &c.in
	if c.released {
		in.release()
		in.more = false
	}
	if !in.more {
		return core.Event{}
	}
	var p, scratch []byte
	if in.buf != nil {
		p, scratch = in.buf.b[in.r:min(int(in.w), int(in.r)+limit)], in.scratch()
		if in.compressed {
			scratch = in.plainScratch(limit)
		}
	}
	if c.handshaking {
		c.lendOpening()
	}
	n, ev := c.m.Recv(in.at, p, scratch)
	in.r += int32(n)
	if ev.Kind == core.EventMessage {
		c.within = !ev.Last
	}
	if ev.Kind == core.EventNone {
		in.more = n > 0 && n == len(p) && in.r < in.w // limit cut it short
		if in.r == in.w {
			in.release()
		}
	}
	c.takeOutput()
	return ev
}

// recvWholes takes at most so many messages that lie in the input in whole, if nothing
// stands before them. The addresses in the records are those in the input that it
// returns; both are valid until the buffer is given back or recvWholes is called again.
func (c *Conn) recvWholes(most int) (input []byte, records []core.Record) {
	in := &c.in
	if !in.more || in.r == in.w || c.handshaking || c.ahead.kept != nil || c.discarding || c.incoming.waits() || c.closedBy() != nil {
		return nil, nil
	}
	m, ok := c.m.(Batcher)
	if !ok || c.released {
		return nil, nil
	}
	input = in.buf.b[in.r:in.w]
	n, count := m.RecvRecords(in.at, input, 0, in.buf.records[:most])
	in.r += int32(n)
	records = in.buf.records[:count]
	c.stats.MessagesReceived += int64(count)
	for i := range records {
		c.stats.PayloadReceived += int64(records[i].Len)
	}
	return input, records
}

// takeOutput queues what the machine has to say to the last input before it
// gets more: a newer ping would replace the pong. That is wanted only when the
// carrier is blocked.
func (c *Conn) takeOutput() {
	if n := c.m.Pending(); n > 0 && !c.blocked && c.out.len() < queueSize {
		c.out.set(c.m.AppendOutput(c.out.room(n)))
	}
}

// Receive waits for the next message and appends it to dst: its opcode, Text
// or Binary, and the extended slice are returned. With enough capacity in dst
// nothing is allocated. Messages are received whole and in order, however many
// goroutines call.
//
// ctx bounds the wait and nothing else: after its error the connection and any
// part of a message that has come are as before, and a later Receive goes on.
// Every other error tells how the connection ended.
func (c *Conn) Receive(ctx context.Context, dst []byte) (frame.Opcode, []byte, error) {
	if err := ctx.Err(); err != nil {
		return 0, dst, err
	}
	c.mu.Lock()
	defer c.unlockAndTell()
	c.received()
	if err := c.takeReceiving(ctx); err != nil {
		return 0, dst, err
	}
	defer c.receiving.pass()
	return c.receive(ctx, dst)
}

// receive is Receive with the turn to receive.
func (c *Conn) receive(ctx context.Context, dst []byte) (frame.Opcode, []byte, error) {
	if err := c.takeReading(ctx); err != nil {
		return 0, dst, err
	}
	defer c.passReading()
	if in, records := c.recvWholes(1); len(records) > 0 {
		r := &records[0]
		return r.Op, append(dst, in[r.Addr:][:r.Len]...), nil
	}
	return c.assemble(ctx, dst)
}

// assemble is receive for a message that may come in pieces.
func (c *Conn) assemble(ctx context.Context, dst []byte) (frame.Opcode, []byte, error) {
	if c.handshaking {
		return 0, dst, core.ErrNotOpen
	}
	var op frame.Opcode
	start := len(dst)
	dst = append(dst, c.incoming.begun()...)
	for {
		dst = c.readTo(dst)
		ev, err := c.next(ctx, largeBuffer)
		if err != nil {
			c.in.leave()
			c.keepPart(op, dst[start:])
			return 0, dst[:start], err
		}
		if ev.Kind != core.EventMessage {
			continue
		}
		op = ev.Op
		dst = extend(dst, ev.Data)
		if ev.Last {
			c.incoming.reset()
			c.stats.MessagesReceived++
			c.stats.PayloadReceived += int64(len(dst) - start)
			return ev.Op, dst, nil
		}
	}
}

// keepPart keeps the part of a message whose receiver gives up, if there can
// be another receiver. op is 0 if nothing has come to add to what was kept before.
func (c *Conn) keepPart(op frame.Opcode, p []byte) {
	switch {
	case c.closedBy() != nil:
		c.incoming.reset()
	case op != 0:
		m := c.partial()
		m.op, m.part = op, append(m.part[:0], p...)
	}
}

// takeReceiving waits for the turn to take messages, unless a Sink gets them. A Reader may
// be left open for ever, so the end of the connection ends the wait as well.
func (c *Conn) takeReceiving(ctx context.Context) error {
	switch err := c.closedBy(); {
	case (c.delivering || c.incoming.hasReader()) && err != nil:
		return err
	case c.delivering:
		return ErrDelivering
	}
	err := c.receiving.take(ctx, &c.mu)
	switch {
	case err == errDismissed:
		return c.closedBy()
	case err != nil && c.incoming.hasReader():
		return &TurnError{"a Reader that is neither read to its end nor closed has the message before", err}
	}
	return err
}

// closedBy tells why no message will come: how the connection ended, or the
// peer's close frame that is held.
func (c *Conn) closedBy() error {
	if c.err != nil {
		return c.err
	}
	return c.fate.heldClose()
}

// takeReading waits for the turn to read.
func (c *Conn) takeReading(ctx context.Context) error {
	err := c.reading.take(ctx, &c.mu)
	if err != nil {
		c.leaveReading()
	}
	return err
}

// passReading hands the turn to read to the next who waits for it.
func (c *Conn) passReading() {
	c.reading.pass()
	c.leaveReading()
}

// leaveReading has the attendant look after a connection that nobody reads.
func (c *Conn) leaveReading() {
	if c.reading.held() {
		return
	}
	if c.released {
		c.in.release()
		return
	}
	c.becomeBusy()
	if c.pings.wait() {
		c.lookSoon()
	}
}

// next returns the next event that is the caller's: a chunk of a message, of at
// most limit bytes, or a step of the handshake. The turn to read and the lock
// are held; the lock is released while waiting.
func (c *Conn) next(ctx context.Context, limit int) (core.Event, error) {
	for {
		if c.incoming.interrupted() {
			return core.Event{}, ErrReaderClosed
		}
		if ev, ok := c.ahead.pop(limit); ok {
			return ev, nil
		}
		c.catchUp()
		if err := c.closedBy(); err != nil {
			c.flush()
			c.settle()
			c.rearm()
			return core.Event{}, err
		}
		ev := c.parse(limit)
		switch ev.Kind {
		case core.EventMessage, core.EventRequest, core.EventOpen:
			if c.wants(ev) {
				return ev, nil
			}
		case core.EventNone:
			if err := c.await(ctx); err != nil {
				return core.Event{}, err
			}
		default:
			c.observe(ev)
			if c.out.len() >= corkSize {
				c.flush()
			}
		}
	}
}

// await writes what is to be written and then waits for input, for ctx, or for
// the end of the connection.
func (c *Conn) await(ctx context.Context) error {
	if c.in.more { // a limit cut it short
		return nil
	}
	c.flush()
	c.settle()
	c.rearm()
	if c.err != nil || c.incoming.interrupted() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.requested() {
		return core.ErrNotOpen
	}
	if c.polling != nil {
		return c.polling.poll()
	}
	c.read(ctx)
	return nil
}

// read waits for input. The end of ctx wakes it.
func (c *Conn) read(ctx context.Context) {
	c.watchFor(ctx)
	c.parked = true
	n, err := c.awaitInput()
	c.parked = false
	c.readDone(n, err)
}

// readDone takes what a read has come to.
func (c *Conn) readDone(n int, err error) {
	switch {
	case n > 0:
		c.filled(n)
	case c.released || err == ErrKicked:
	default:
		c.inputEnded(err)
	}
}

// awaitInput lets the lock go while the stream waits.
func (c *Conn) awaitInput() (int, error) {
	c.unlockAndTell()
	defer c.mu.Lock()
	return c.stream.AwaitRead(&c.in)
}

// Limits of what is read ahead of a busy application.
const (
	aheadBytes  = largeBuffer
	aheadEvents = 1024
	aheadReads  = 32 // reads a visit
)

// readAhead reads and parses what is there, without waiting, for an
// application that is not reading: control frames are acted on, messages are
// kept up to a bound; beyond it the peer is held back. The turn to read and
// the lock are held.
func (c *Conn) readAhead() {
	if c.atEOF || c.released || c.handshaking {
		return
	}
	if c.ahead.len() == 0 && !c.following {
		c.catchUp()
	}
	if c.in.waits() {
		c.in.release() // it followed a request that was refused
	}
	c.in.at = c.now() // nothing that waited so long is held against the peer
	c.setReadAhead(true)
	for range aheadReads {
		if !c.parseAhead() {
			c.setReading(false)
			return
		}
		if c.atEOF || !c.readSome() {
			break
		}
	}
	if c.ahead.len() == 0 && !c.following {
		c.setReadAhead(false)
	}
}

// setReading tells the machine whether the peer is held back.
func (c *Conn) setReading(on bool) {
	if !c.released {
		c.m.SetReading(c.now(), on)
	}
}

// setReadAhead tells the machine whether it may answer a close frame.
func (c *Conn) setReadAhead(on bool) {
	if !c.released {
		c.m.SetReadAhead(c.now(), on || c.holds)
	}
}

// parseAhead parses what has been read. It reports false when the bound is
// reached.
func (c *Conn) parseAhead() bool {
	for c.in.more {
		room := c.ahead.room()
		if room == 0 {
			return false
		}
		ev := c.parse(room)
		switch {
		case ev.Kind == core.EventNone:
		case ev.Kind != core.EventMessage:
			c.observe(ev)
		case c.wants(ev):
			c.ahead.push(ev)
		}
	}
	return true
}

// wants reports whether somebody may want what was parsed: not after Discard,
// and not the rest of a message whose Reader was closed.
func (c *Conn) wants(ev core.Event) bool {
	return !c.incoming.skips(ev.Last) && !c.discarding
}

func (c *Conn) tryInput(space []byte) (int, error) {
	c.mu.Unlock()
	defer c.mu.Lock()
	return c.stream.TryRead(space)
}

// filled notes that n bytes have come.
func (c *Conn) filled(n int) {
	c.in.filled(n, c.now())
	c.stats.BytesReceived += int64(n)
}

// readSome reads once without waiting and reports whether something came.
func (c *Conn) readSome() bool {
	n, err := c.tryInput(c.in.Borrow())
	if n > 0 {
		c.filled(n)
		return true
	}
	c.in.release()
	if err != ErrWouldBlock && err != ErrKicked && !c.released {
		c.inputEnded(err)
	}
	return false
}

// catchUp ends reading ahead: the application has taken all that was kept.
func (c *Conn) catchUp() {
	if c.ahead.kept == nil {
		return
	}
	end := c.ahead.end
	c.ahead.release()
	c.setReadAhead(false)
	c.setReading(true)
	if end != nil {
		c.closedByPeer(end)
	}
}
