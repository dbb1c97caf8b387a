package websockets

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// NetConn returns c as a [net.Conn], for protocols that run on a stream of
// bytes. Each Write sends one message of the type; Read reads the content of the
// messages one after the other, wherever they are cut.
//
// Read returns [io.EOF] when the peer has closed with 1000, 1001 or without a
// code. A message of the other type closes the connection with 1003. With Text
// each Write must be UTF-8 by itself. A Write of more than the peer's limit of a
// message, 1 MiB in this package by default, has the peer close with 1009: put a
// [bufio.Writer] before it, or write less at a time.
//
// Deadlines bound waits and harm nothing: they can be moved on, and what has
// come is read then. (A Write of 32 KiB and more that meets its deadline may
// have been sent, as may be with any net.Conn.) They go by real time, whatever
// Options.Clock is. The end of ctx ends all reads and writes, now and later.
//
// Close closes the connection with 1000 and waits as [Conn.Close] does. Use c
// itself for other codes; receive and send through one of the two only.
func NetConn(ctx context.Context, c *Conn, typ MessageType) net.Conn {
	n := &netConn{c: c, typ: typ, ctx: ctx, turn: make(chan struct{}, 1)}
	n.read.begin(ctx)
	n.write.begin(ctx)
	return n
}

type netConn struct {
	c           *Conn
	typ         MessageType
	ctx         context.Context
	read, write deadline

	closed atomic.Bool   // by Close
	turn   chan struct{} // full while a Read is under way
	reader Reader        // of the message that is being read; by whoever has the turn
	inside bool
}

func (n *netConn) Read(p []byte) (int, error) {
	ctx := n.read.context()
	select {
	case n.turn <- struct{}{}:
		defer func() { <-n.turn }()
	case <-ctx.Done():
		return 0, n.failure(ctx.Err())
	}
	if err := ctx.Err(); err != nil {
		return 0, n.failure(err)
	}
	got, err := n.readMessages(ctx, p)
	if closedWell(err) {
		return got, io.EOF
	}
	if closed, ok := errors.AsType[*transport.CloseError](err); ok && closed.Incomplete {
		return got, n.ended(io.ErrUnexpectedEOF)
	}
	return got, n.failure(err)
}

// readMessages reads of this message or, at its end, of the next.
func (n *netConn) readMessages(ctx context.Context, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if !n.inside {
			if err := n.nextMessage(ctx); err != nil {
				return 0, err
			}
		}
		got, err := n.reader.WithContext(ctx).Read(p)
		if err == io.EOF {
			n.inside = false
			if err = nil; got == 0 {
				continue
			}
		}
		return got, err
	}
}

func (n *netConn) nextMessage(ctx context.Context) error {
	typ, r, err := n.c.Reader(ctx)
	if err != nil {
		return err
	}
	if typ != n.typ {
		r.Close()
		e := &Error{Kind: ErrProtocol, Code: UnsupportedData, Reason: "want " + n.typ.String() + " messages", Remote: true, Err: errOtherType, conn: n.c}
		go n.c.Close(e.Code, e.Reason) // which may take longer than the deadline
		return e
	}
	n.reader, n.inside = r, true
	return nil
}

var errOtherType = errors.New("websocket: a message of the other type came; the connection is closed with 1003")

func (n *netConn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := n.c.Send(n.write.context(), n.typ, p); err != nil {
		return 0, n.failure(err)
	}
	return len(p), nil
}

// failure returns err as a net.Conn has it.
func (n *netConn) failure(err error) error {
	switch {
	case err == nil:
		return nil
	case n.closed.Load(), closedWell(err):
		return n.ended(net.ErrClosed)
	case n.ctx.Err() != nil && errors.Is(err, n.ctx.Err()):
		return err
	case errors.Is(err, context.Canceled):
		return os.ErrDeadlineExceeded
	}
	return err
}

// ended returns err as an error of the connection, which has ended.
func (n *netConn) ended(err error) error {
	e := &Error{Kind: ErrClosed, Code: Abnormal, Err: err, conn: n.c}
	if last, ok := errors.AsType[*Error](n.c.Err()); ok {
		e.Code, e.Reason, e.Remote = last.Code, last.Reason, last.Remote
	}
	return e
}

func (n *netConn) Close() error {
	n.closed.Store(true)
	defer n.read.end()
	defer n.write.end()
	return n.c.Close(NormalClosure, "")
}

func (n *netConn) LocalAddr() net.Addr  { return addrOr(n.c.LocalAddr()) }
func (n *netConn) RemoteAddr() net.Addr { return addrOr(n.c.RemoteAddr()) }

func addrOr(a net.Addr) net.Addr {
	if a == nil {
		return noAddr{}
	}
	return a
}

// noAddr is the address of a transport that has none.
type noAddr struct{}

func (noAddr) Network() string { return "websocket" }
func (noAddr) String() string  { return "websocket" }

func (n *netConn) SetDeadline(t time.Time) error {
	n.read.set(t)
	n.write.set(t)
	return nil
}

func (n *netConn) SetReadDeadline(t time.Time) error {
	n.read.set(t)
	return nil
}

func (n *netConn) SetWriteDeadline(t time.Time) error {
	n.write.set(t)
	return nil
}

// A deadline is a context that is cancelled at a time that can be moved.
type deadline struct {
	mu      sync.Mutex
	parent  context.Context
	ctx     context.Context
	cancel  context.CancelFunc
	timer   *time.Timer
	expired bool // or about to
}

func (d *deadline) begin(parent context.Context) {
	d.parent = parent
	d.ctx, d.cancel = context.WithCancel(parent)
}

// end lets go of the parent.
func (d *deadline) end() {
	d.set(time.Time{})
	d.cancel()
}

func (d *deadline) context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx
}

// set moves the deadline to t; the zero t is never. Waits that are under way go
// by it as well.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		d.expired = true
	}
	d.timer = nil
	if d.expired {
		d.cancel()
		d.ctx, d.cancel = context.WithCancel(d.parent)
		d.expired = false
	}
	if t.IsZero() {
		return
	}
	if left := time.Until(t); left > 0 {
		d.timer = time.AfterFunc(left, d.cancel)
		return
	}
	d.cancel()
	d.expired = true
}
