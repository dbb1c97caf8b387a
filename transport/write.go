package transport

import (
	"context"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

const (
	// queueSize bounds, in bytes, what waits behind the batch that is being
	// written; the batch has the same bound. Beyond it senders wait.
	queueSize = largeBuffer

	// directSize is the payload from which on a message is written from the
	// caller's memory, without a copy (on a server).
	directSize = largeBuffer / 2

	// corkSize is how much may be held back for the replies to what has
	// been read already to leave together.
	corkSize = 16 << 10

	// mostBatches is how many batches one caller writes.
	mostBatches = 4

	headerRoom = frame.MaxHeaderLen
)

// Send sends p as one message of one frame. op is Text, whose p must be UTF-8,
// or Binary. p is not kept.
//
// Send may return before the carrier has taken the message: up to 64 KiB wait
// behind what is being written, then Send blocks until there is room, which is
// how a slow peer slows its senders. ctx bounds that wait. Once a part of the
// message has been handed to the carrier it is completed even if ctx ends, from
// a copy of what is left of it; the error of ctx then says only that Send did
// not wait for that.
//
// On a connection that compresses, a message of 32 KiB or more goes in fragments of 64 KiB, so
// that nobody waits for all of it to be compressed.
func (c *Conn) Send(ctx context.Context, op frame.Opcode, p []byte) error {
	if len(p) < directSize {
		return c.sendQueued(ctx, op, message{p: p})
	}
	if op == frame.Text && !frame.ValidUTF8(p) {
		return core.ErrInvalidText
	}
	if c.Compressed() {
		return c.sendParts(ctx, op, p)
	}
	return c.sendDirect(ctx, op, p)
}

// SendUncompressed is [Conn.Send] for a message that is not compressed, whatever has
// been agreed on.
func (c *Conn) SendUncompressed(ctx context.Context, op frame.Opcode, p []byte) error {
	if op == frame.Text && !frame.ValidUTF8(p) {
		return core.ErrInvalidText
	}
	return c.SendShared(ctx, Shared{Op: op, Payload: p})
}

// A Shared is a message for many connections: what can be done once has been done.
type Shared struct {
	Op      frame.Opcode
	Payload []byte // UTF-8 where Op is Text; that is not checked again

	// Compressed is Payload as [core.Conn.AppendCompressed] wants it. If it is nil,
	// or nothing is compressed, Payload is sent as it is.
	Compressed []byte
}

// SendShared is [Conn.Send] for such a message.
func (c *Conn) SendShared(ctx context.Context, s Shared) error {
	compressed := s.Compressed != nil && c.Compressed()
	if len(s.Payload) >= directSize {
		_, once := c.m.(Precompressor)
		switch {
		case !compressed:
			return c.sendDirect(ctx, s.Op, s.Payload)
		case !once:
			return c.sendParts(ctx, s.Op, s.Payload)
		}
	}
	m := message{p: s.Payload, plain: !compressed}
	if compressed {
		m.compressed = s.Compressed
	}
	return c.sendQueued(ctx, s.Op, m)
}

// A message is what is to be queued, and how.
type message struct {
	p          []byte
	compressed []byte // p, or nil
	plain      bool   // it is sent as it is, and a text is known to be UTF-8
}

// len returns about how long it is on the wire.
func (m *message) len() int {
	if m.compressed != nil {
		return len(m.compressed)
	}
	return len(m.p)
}

// sendQueued appends a message to the queue, when there is room, and sees to its
// being written.
func (c *Conn) sendQueued(ctx context.Context, op frame.Opcode, m message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := m.len() + headerRoom
	if err := c.awaitRoom(ctx, n); err != nil {
		return err
	}
	if c.composing.held() {
		if err := c.takeComposing(ctx); err != nil {
			return err
		}
		defer c.composing.pass()
		if err := c.awaitRoom(ctx, n); err != nil {
			return err
		}
	}
	if err := c.appendMessage(op, m); err != nil {
		return err
	}
	c.stats.MessagesSent++
	c.stats.PayloadSent += int64(len(m.p))
	c.sendOff()
	return nil
}

func (c *Conn) appendMessage(op frame.Opcode, m message) error {
	dst := c.out.room(m.len() + headerRoom)
	var err error
	switch {
	case m.compressed != nil:
		dst, err = c.appendCompressed(dst, op, m)
	case m.plain:
		dst, err = c.appendValid(dst, op, m.p)
	default:
		dst, err = c.m.AppendMessage(dst, op, m.p)
	}
	if err != nil {
		c.releaseIfEmpty()
		return c.misuse(err)
	}
	c.out.set(dst)
	return nil
}

func (c *Conn) appendCompressed(dst []byte, op frame.Opcode, m message) ([]byte, error) {
	if p, ok := c.m.(Precompressor); ok {
		return p.AppendCompressed(dst, op, m.p, m.compressed)
	}
	return c.m.AppendMessage(dst, op, m.p)
}

func (c *Conn) appendValid(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	dst, mask, err := c.m.AppendHeader(dst, op, core.HeaderOptions{}, len(p))
	if err != nil {
		return dst, err
	}
	at := len(dst)
	dst = append(dst, p...)
	if c.m.Role() == core.Client {
		mask.XOR(dst[at:], 0)
	}
	return dst, nil
}

// sendOff sees to it that what was queued is written, now or soon.
func (c *Conn) sendOff() {
	if c.corks() {
		c.lookSoon()
		return
	}
	c.flush()
}

// corks reports whether output may wait: the application is answering what has
// been read, and more of that is there.
func (c *Conn) corks() bool {
	if c.reading.held() || c.out.len() >= corkSize {
		return false
	}
	return c.following || c.ahead.len() > 0 || c.in.more && c.in.r < c.in.w
}

// awaitRoom waits until n bytes fit into the queue.
func (c *Conn) awaitRoom(ctx context.Context, n int) error {
	for {
		if err := c.sendable(); err != nil {
			return err
		}
		if c.out.len() == 0 || c.out.len()+n <= queueSize {
			return nil
		}
		if !c.writing.held() {
			c.flush()
			continue
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
			c.mu.Lock()
		case <-ctx.Done():
			c.mu.Lock()
			return ctx.Err()
		}
	}
}

// sendable tells why nothing more can be sent.
func (c *Conn) sendable() error {
	if c.err != nil {
		return c.err
	}
	if err := c.fate.outputErr(); err != nil {
		return &LostError{core.ErrLost, err}
	}
	return nil
}

func (c *Conn) freeRoom() {
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// flush writes what is queued and pending, unless someone is writing, who will
// see it. When the carrier takes no more, a goroutine goes on.
func (c *Conn) flush() {
	if c.released || c.out.len() == 0 && c.m.Pending() == 0 || !c.writing.try() {
		return
	}
	c.write()
}

// write writes what is queued and pending, holding the turn to write, which it
// passes on.
func (c *Conn) write() {
	if c.writeSome() {
		go c.writeOn()
		return
	}
	c.doneWriting()
}

func (c *Conn) doneWriting() {
	c.batch.release()
	c.releaseIfEmpty()
	c.writing.pass()
	c.settle()
}

func (c *Conn) releaseIfEmpty() {
	if c.out.len() == 0 {
		c.out.release()
	}
}

// writeSome writes batch after batch until nothing is left or another waits for
// the turn. It reports true when there is more to write: the carrier takes no
// more for now, or others have queued so much that the caller, who has a
// purpose of its own, has done enough for them.
func (c *Conn) writeSome() (unfinished bool) {
	for range mostBatches {
		if c.writeBatch() {
			return true
		}
		if c.writing.wanted() || !c.nextBatch() {
			return false
		}
	}
	return true
}

// nextBatch makes what is queued and pending the batch.
func (c *Conn) nextBatch() bool {
	if n := c.m.Pending(); n > 0 && !c.released {
		c.out.set(c.m.AppendOutput(c.out.room(n)))
	}
	if c.out.len() == 0 {
		return false
	}
	c.batch.release()
	c.batch, c.out = c.out, queue{}
	c.freeRoom()
	return true
}

// writeBatch writes the rest of the batch; it reports true when the carrier
// takes no more for now.
func (c *Conn) writeBatch() (blocked bool) {
	for c.batch.len() > 0 {
		n, err := c.tryWrite(c.batch.rest())
		c.batch.wrote(n)
		if err == ErrWouldBlock {
			return true
		}
	}
	return false
}

// tryWrite writes p, tells the machine how far it came, and keeps the carrier's
// error: p counts as written then, and what the peer sent before can still be
// read.
func (c *Conn) tryWrite(p []byte) (int, error) {
	if c.fate.outputErr() == nil && !c.released {
		n, err := c.tryFinish(p)
		c.blocked = err == ErrWouldBlock
		if err == nil || c.blocked {
			c.stats.BytesSent += int64(n)
			c.wrote(n)
			c.rearm()
			return n, err
		}
		c.cutWriting(err)
	}
	c.wrote(len(p))
	return len(p), nil
}

// wrote tells the machine how far writing has come.
func (c *Conn) wrote(n int) {
	if !c.released {
		c.m.Wrote(c.now(), n)
	}
}

// tryStream lets the lock go while the stream writes. A panic in a stream of
// the user's passes.
func (c *Conn) tryStream(p []byte) (int, error) {
	c.mu.Unlock()
	defer c.mu.Lock()
	return c.stream.TryWrite(p)
}

// cutWriting notes that the carrier takes no more output. Reading tells how
// the connection ended: the peer's close frame may still be there.
func (c *Conn) cutWriting(err error) {
	f := c.ends()
	if f.output != nil {
		return
	}
	f.output = err
	f.broken(err)
	c.freeRoom()
}

// writeOn waits for the carrier and writes on, holding the turn to write. It is
// the one goroutine of a Conn, and lives while the carrier is stalled or senders
// bring more than it takes.
func (c *Conn) writeOn() {
	for {
		err := c.stream.AwaitWrite()
		c.mu.Lock()
		if err != nil && err != ErrKicked {
			c.cutWriting(err)
		}
		if !c.writeSome() {
			break
		}
		c.mu.Unlock()
	}
	c.doneWriting()
	c.mu.Unlock()
}

// sendDirect sends a large message, its payload from the caller's memory. That
// a text is UTF-8 has been checked.
func (c *Conn) sendDirect(ctx context.Context, op frame.Opcode, p []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d, err := c.beginDirect(ctx, op, p)
	if err != nil {
		return err
	}
	c.stats.MessagesSent++
	c.stats.PayloadSent += int64(len(p))
	return d.write(ctx)
}

// beginDirect makes what is queued and the beginning of the message the batch;
// it takes the turn to write, unless there is an error.
func (c *Conn) beginDirect(ctx context.Context, op frame.Opcode, p []byte) (direct, error) {
	composing, err := c.takeWriting(ctx)
	if composing {
		defer c.composing.pass()
	}
	if err != nil {
		return direct{}, err
	}
	if err := c.sendable(); err != nil {
		c.write()
		return direct{}, err
	}
	const first = corkSize
	dst, mask, err := c.m.AppendHeader(c.out.room(c.out.len()+headerRoom+first), op, core.HeaderOptions{}, len(p))
	if err != nil {
		c.write()
		return direct{}, c.misuse(err)
	}
	d := direct{c: c, p: p, mask: mask, masked: c.m.Role() == core.Client}
	c.out.set(d.appendTo(dst, first))
	c.batch.release()
	c.batch, c.out = c.out, queue{}
	c.freeRoom()
	return d, nil
}

// takeWriting waits for the turn to write, in a moment in which no Writer has a
// message open. It reports whether the turn to compose was taken for that.
func (c *Conn) takeWriting(ctx context.Context) (composing bool, err error) {
	for {
		if c.composing.held() && !composing {
			if err := c.takeComposing(ctx); err != nil {
				return false, err
			}
			composing = true
		}
		if err := c.writing.take(ctx, &c.mu); err != nil {
			c.flush()
			return composing, err
		}
		if composing || !c.composing.held() {
			return composing, nil
		}
		c.write() // a Writer came first
	}
}

// direct is a large payload on its way from the caller's memory.
type direct struct {
	c      *Conn
	p      []byte
	off    int
	mask   frame.Mask
	masked bool
}

func (d *direct) rest() []byte { return d.p[d.off:] }

// appendTo appends the next n bytes of the payload as they go on the wire.
func (d *direct) appendTo(dst []byte, n int) []byte {
	p := d.rest()
	p = p[:min(n, len(p))]
	at := len(dst)
	dst = append(dst, p...)
	if d.masked {
		d.mask.XOR(dst[at:], d.off)
	}
	d.off += len(p)
	return dst
}

// write writes the batch and then the payload, waiting for the carrier in the
// caller's goroutine. It holds the turn to write, and passes it on.
func (d *direct) write(ctx context.Context) error {
	c := d.c
	for {
		blocked := c.writeBatch()
		if !blocked && len(d.rest()) == 0 {
			err := c.givenUp()
			c.write()
			return err
		}
		if !blocked && d.masked {
			c.batch.release()
			c.batch.set(d.appendTo(c.batch.room(largeBuffer), largeBuffer))
			continue
		}
		if !blocked {
			n, err := c.tryWrite(d.rest())
			d.off += n
			blocked = err == ErrWouldBlock
		}
		if !blocked {
			continue
		}
		c.lent = len(d.rest())
		stays := d.await(ctx)
		c.lent = 0
		if !stays {
			d.leave()
			return ctx.Err()
		}
	}
}

// givenUp tells why output that counts as written was given up, if it was.
func (c *Conn) givenUp() error {
	if c.released || c.fate.outputErr() != nil {
		return c.sendable()
	}
	return nil
}

// await waits for the carrier. It reports false when ctx has ended.
func (d *direct) await(ctx context.Context) bool {
	c := d.c
	if ctx.Err() != nil {
		return false
	}
	err := c.awaitStream(ctx)
	if err != nil && err != ErrKicked {
		c.cutWriting(err)
	}
	return true
}

func (c *Conn) awaitStream(ctx context.Context) error {
	c.mu.Unlock()
	defer c.mu.Lock()
	defer context.AfterFunc(ctx, c.stream.KickWrite)()
	return c.stream.AwaitWrite()
}

// leave copies what is left of the payload, because its owner goes: a frame
// that was begun must be completed. One message a connection can be in this
// state.
func (d *direct) leave() {
	c := d.c
	rest := append([]byte(nil), c.batch.rest()...)
	c.batch.release()
	c.batch = queueOf(d.appendTo(rest, len(d.rest())))
	go c.writeOn()
}

// flushed reports whether all output has been taken by the carrier.
func (c *Conn) flushed() bool {
	return !c.writing.held() && c.out.len() == 0 && c.batch.len() == 0 && c.m.Pending() == 0
}
