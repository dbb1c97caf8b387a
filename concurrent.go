package websockets

import (
	"context"
	"sync"

	"github.com/fb1e3c20/websockets/transport"
)

// A MessageFunc handles one message, which belongs to it. Several calls of it
// run at once for one connection, each in a goroutine of its own; they may use
// c in every way but to receive, which [HandleConcurrent] does. ctx carries the
// values of the request's context, and ends when another call fails and when
// the connection ends.
type MessageFunc func(ctx context.Context, c *Conn, m Message) error

// The number of workers that Options.Workers stands for when it is 0, and the
// most that it may be.
const (
	defaultWorkers = 8
	maxWorkers     = 1 << 16
)

// HandleConcurrent returns a Server that receives the messages of each
// connection one after the other and calls h for them side by side, in up to
// [Options.Workers] goroutines; while all of these are busy nothing is
// received, and the peer is held back. Messages are worked on, and answered, in
// no particular order, unless [Options.Ordered] has the answers leave in the
// order of the messages.
//
// A connection that waits for a message has one goroutine. A close frame of the
// peer is answered when the calls under way have returned, so that their answers
// arrive, and at the close timeout at the latest. Once the connection has ended,
// then or for another reason, the ctx of the calls ends, and messages that wait
// for a free worker are given up; the Handler returns after the last call.
//
// The first call that returns an error, panics or ends its goroutine ends the
// ctx of the others and receiving; with Ordered it does so in its turn, behind
// the answers to earlier messages. When all have returned, the connection is
// closed as after a [HandlerFunc] with that error. An error of the connection
// itself gives way to one of h's own, which is reported.
func HandleConcurrent(h MessageFunc, o *Options) *Server {
	s := &Server{Options: o, serving: []transport.Option{transport.HoldClose()}}
	if h != nil {
		s.Handler = func(ctx context.Context, c *Conn) error { return s.handleSideBySide(ctx, c, h) }
	}
	return s
}

func (s *Server) handleSideBySide(ctx context.Context, c *Conn, h MessageFunc) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := s.options.Workers
	if workers == 0 {
		workers = defaultWorkers
	}
	c.ordered = s.options.Ordered
	w := &crew{server: s, conn: c, handle: h, ctx: ctx, cancel: cancel, busy: make(chan struct{}, workers)}
	err := w.receive()
	w.dissolve()
	if w.err != nil {
		return w.err
	}
	return err
}

// A crew is the workers of one connection.
type crew struct {
	server *Server
	conn   *Conn
	handle MessageFunc
	ctx    context.Context
	cancel context.CancelFunc

	busy chan struct{} // has an element for each worker that works or is about to
	line line

	mu  sync.Mutex
	err error // of the workers
	own bool  // it is the user's
}

// receive gives each message to a worker, until the connection or ctx ends. A
// goroutine a message costs a quarter of a microsecond more than handing it to
// one that waits, and leaves none behind in a connection that is idle.
func (w *crew) receive() error {
	for {
		if err := w.hire(); err != nil {
			return err
		}
		typ, p, err := w.conn.Receive(w.ctx)
		if err != nil {
			<-w.busy
			return err
		}
		ctx, t := w.ctx, (*turn)(nil)
		if w.conn.ordered {
			t = w.line.join()
			ctx = context.WithValue(ctx, turnOf{w.conn}, t)
		}
		go w.work(ctx, t, Message{typ, p})
	}
}

// hire waits for a free worker.
func (w *crew) hire() error {
	select {
	case w.busy <- struct{}{}:
		return nil
	default:
	}
	select {
	case w.busy <- struct{}{}:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	case <-w.conn.Done():
		return w.conn.Err()
	}
}

// dissolve waits until all workers are free. Their ctx ends when the connection
// does, which has not if the peer's close frame waits for them.
func (w *crew) dissolve() {
	ended := w.conn.Done()
	for free := 0; free < cap(w.busy); {
		select {
		case w.busy <- struct{}{}:
			free++
		case <-ended:
			w.cancel()
			ended = nil
		}
	}
}

func (w *crew) work(ctx context.Context, t *turn, m Message) {
	err := errGoexit
	defer func() {
		if err != nil {
			w.conn.inTurn(ctx)
			w.fail(err)
		}
		if t != nil {
			t.leave()
		}
		<-w.busy
	}()
	err = w.call(ctx, m)
}

// call calls the handler; a panic becomes an error.
func (w *crew) call(ctx context.Context, m Message) (err error) {
	defer w.server.recoverIn("the handler", w.conn, &err)
	return w.handle(ctx, w.conn, m)
}

// fail ends the work. What one worker fails of because another did, or because
// the connection has ended, does not hide what is the user's own.
func (w *crew) fail(err error) {
	code, why := w.conn.verdict(err, w.ctx)
	own := code == InternalError
	w.mu.Lock()
	defer w.mu.Unlock()
	if why != nil && (w.err == nil || own && !w.own) {
		w.err, w.own = err, own
	}
	w.cancel()
}

// inTurn waits until the work on all earlier messages has returned, if ctx is
// that of a worker of an ordered connection. If one of these has failed, ctx
// has ended by then, which is for who sends to see.
func (c *Conn) inTurn(ctx context.Context) error {
	if !c.ordered {
		return nil
	}
	return c.awaitTurn(ctx)
}

func (c *Conn) awaitTurn(ctx context.Context) error {
	t, ok := ctx.Value(turnOf{c}).(*turn)
	if !ok {
		return nil
	}
	first := t.behind()
	if first == nil {
		return nil
	}
	select {
	case <-first:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.Done():
		return c.Err()
	}
}

// turnOf is the key of the turn in the context of a worker.
type turnOf struct{ c *Conn }

// A line is the messages that are being worked on, in their order.
type line struct {
	mu   sync.Mutex
	last *turn
}

// A turn is the place of one message in the line.
type turn struct {
	line       *line
	prev, next *turn
	first      chan struct{} // closed when there is no earlier one; nil until somebody waits
}

func (l *line) join() *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &turn{line: l, prev: l.last}
	if t.prev != nil {
		t.prev.next = t
	}
	l.last = t
	return t
}

// leave takes t out of the line.
func (t *turn) leave() {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	if t.prev != nil {
		t.prev.next = t.next
		t.wake()
	}
	switch {
	case t.next == nil:
		t.line.last = t.prev
	case t.prev == nil:
		t.next.prev = nil
		t.next.wake()
	default:
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
}

func (t *turn) wake() {
	if t.first != nil {
		close(t.first)
	}
}

// behind returns a channel that is closed when t is the first in its line or
// has left it; nil if it is or has.
func (t *turn) behind() <-chan struct{} {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	if t.prev == nil {
		return nil
	}
	if t.first == nil {
		t.first = make(chan struct{})
	}
	return t.first
}
