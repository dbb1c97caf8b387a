package transport

import (
	"context"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// outgoing is the message that goes out in fragments. A connection has none before the
// first.
type outgoing struct {
	id     uint64 // of the latest Writer
	op     frame.Opcode
	open   bool  // that Writer has the turn to compose
	begun  bool  // a fragment has been sent
	failed error // why the message is not complete
}

// hasWriter reports whether a Writer is open.
func (c *Conn) hasWriter() bool {
	o := c.seldom.latest()
	return o != nil && o.open
}

// A Writer sends one message in fragments, without holding it in memory
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.4). It is a value: copies are
// the same Writer. It must be closed or cancelled.
type Writer struct {
	c   *Conn
	id  uint64
	ctx context.Context
}

// Writer begins a message. op is Text or Binary. It waits while the message of
// another Writer is not finished; messages of others wait until this one is
// closed, while control frames pass between its fragments. ctx bounds this wait
// and those of the Writer.
func (c *Conn) Writer(ctx context.Context, op frame.Opcode) (Writer, error) {
	if op != frame.Text && op != frame.Binary {
		return Writer{}, core.ErrInvalidOpcode
	}
	if err := ctx.Err(); err != nil {
		return Writer{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handshaking {
		return Writer{}, core.ErrNotOpen
	}
	if err := c.takeComposing(ctx); err != nil {
		return Writer{}, err
	}
	if err := c.sendable(); err != nil {
		c.composing.pass()
		return Writer{}, err
	}
	o := c.rarely().begin()
	*o = outgoing{id: o.id + 1, op: op, open: true}
	return Writer{c, o.id, ctx}, nil
}

// takeComposing waits for the turn to send messages in fragments. A Writer may
// never be closed, so the end of the connection ends the wait as well.
func (c *Conn) takeComposing(ctx context.Context) error {
	if err := c.sendable(); err != nil {
		return err
	}
	err := c.composing.take(ctx, &c.mu)
	switch {
	case err == errDismissed:
		return c.err
	case err != nil && c.hasWriter():
		return &TurnError{"a Writer that is not closed has the message before", err}
	}
	return err
}

// Write sends p as a fragment; more than 32 KiB go in several, and nothing in
// none. p is not kept. A Text may be cut anywhere, inside a character too. It
// waits as [Conn.Send] does.
//
// After an error the message lacks the rest of p: n bytes of it have been sent.
// Every later Write returns that error, and Close gives the message up, unless
// it was the end of the context and a Write of [Writer.WithContext] has gone on.
// After Close it returns [ErrWriterClosed].
func (w Writer) Write(p []byte) (n int, err error) {
	if w.c == nil {
		return 0, ErrWriterClosed
	}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	for first := true; first || n < len(p); first = false {
		part := p[n:min(len(p), n+directSize)]
		if err := w.send(part, false); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// send sends a fragment, with the lock.
func (w Writer) send(p []byte, fin bool) error {
	c, o := w.c, w.c.seldom.outgoing
	if err := w.check(fin); err != nil || len(p) == 0 && !fin {
		return err
	}
	var err error
	if !fin || !o.begun { // the end of a message that has begun needs no room
		err = w.awaitRoom(len(p) + headerRoom)
	}
	if !w.isOpen() {
		return ErrWriterClosed // meanwhile
	}
	if err == nil {
		err = w.append(p, fin)
	}
	if err != nil {
		o.failed = err
		return err
	}
	o.begun, o.failed = true, nil
	c.stats.PayloadSent += int64(len(p))
	c.sendOff()
	return nil
}

func (w Writer) awaitRoom(n int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return w.c.awaitRoom(w.ctx, n)
}

func (w Writer) append(p []byte, fin bool) error {
	c := w.c
	if err := c.sendable(); err != nil {
		return err
	}
	dst, err := c.m.AppendFragment(c.out.room(len(p)+headerRoom), c.seldom.outgoing.op, p, fin)
	if err != nil {
		c.releaseIfEmpty()
		return c.misuse(err)
	}
	c.out.set(dst)
	return nil
}

// check tells why nothing can be sent. What failed because its context had
// ended may go on with another one, but not be taken for complete.
func (w Writer) check(fin bool) error {
	if !w.isOpen() {
		return ErrWriterClosed
	}
	o := w.c.seldom.outgoing
	if !fin && isContextError(o.failed) && w.ctx.Err() == nil {
		return nil
	}
	return o.failed
}

func isContextError(err error) bool {
	return err == context.Canceled || err == context.DeadlineExceeded
}

// Close ends the message, and others may send; without a Write before it the
// message is empty. Once a fragment has been sent it does not wait, even if the
// context has ended.
//
// A message that cannot be completed, because a Write failed or a Text ends
// within a character, is given up as by Cancel, and the error returned tells
// why. Closing again does nothing.
func (w Writer) Close() error {
	c := w.c
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !w.isOpen() {
		return nil
	}
	err := w.send(nil, true)
	if !w.isOpen() {
		return nil // another Close came first
	}
	if err != nil {
		w.giveUp()
		return err
	}
	w.finish()
	return nil
}

// finish notes that the message is complete, with the lock.
func (w Writer) finish() {
	w.c.stats.MessagesSent++
	w.c.seldom.outgoing.open = false
	w.c.composing.pass()
}

// Cancel gives the message up, and others may send. If a fragment of it has been
// sent, the connection must end with it, lest the peer take the part for the
// whole: it is closed with 1011. After Close, Cancel does nothing, so it is good
// to be deferred.
func (w Writer) Cancel() {
	c := w.c
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.isOpen() {
		w.giveUp()
	}
}

func (w Writer) isOpen() bool {
	o := w.c.seldom.outgoing
	return w.id == o.id && o.open
}

// givenUp is the reason of the close frame in place of the rest of a message.
const givenUp = "a message was not completed"

func (w Writer) giveUp() {
	c := w.c
	c.seldom.outgoing.open = false
	if c.seldom.outgoing.begun {
		_ = c.beginClose(frame.InternalError, givenUp)
	}
	c.composing.pass()
}

// WithContext returns w with another context: to go on when that of w has
// ended in the middle of a Write, with what that Write has not sent.
func (w Writer) WithContext(ctx context.Context) Writer {
	w.ctx = ctx
	return w
}
