package pipe

import (
	"context"
	"net"
	"sync"

	"github.com/fb1e3c20/websockets/transport"
)

// backlog is how many dialled connections wait for Accept before Dial waits.
const backlog = 128

// A Listener joins Dial and Accept: what Accept returns is the other end of
// what Dial returned. Its methods may be called from any goroutine.
type Listener struct {
	size    int
	waiting chan *Stream
	done    chan struct{}

	mu     sync.Mutex // orders Dial and Close, so that none is left waiting
	closed bool
}

// Listen returns a listener whose connections hold at most size unread bytes
// in each direction: [DefaultSize] if size is zero or negative.
func Listen(size int) *Listener {
	return &Listener{
		size:    size,
		waiting: make(chan *Stream, backlog),
		done:    make(chan struct{}),
	}
}

// Accept waits for the next connection and returns the server's end of it. It
// returns the context's error once that is done, and [net.ErrClosed] once the
// listener is closed.
func (l *Listener) Accept(ctx context.Context) (*Stream, error) {
	if err := l.unusable(ctx); err != nil {
		return nil, err
	}
	select {
	case s := <-l.waiting:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// AcceptStream is Accept for those who want any [transport.Stream], such as a
// server that takes listeners of every kind.
func (l *Listener) AcceptStream() (transport.Stream, error) {
	s, err := l.Accept(context.Background())
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Dial returns the client's end of a new connection. It does not wait for
// Accept unless 128 connections wait for it already. It returns the context's
// error once that is done, and [net.ErrClosed] once the listener is closed.
func (l *Listener) Dial(ctx context.Context) (*Stream, error) {
	if err := l.unusable(ctx); err != nil {
		return nil, err
	}
	client, server := New(l.size)
	select {
	case l.waiting <- server:
		l.dropIfClosed()
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close closes the listener. Connections that Accept returned live on; those
// that nobody accepted are reset. Closing again does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.done)
	l.drop()
	return nil
}

func (l *Listener) unusable(ctx context.Context) error {
	select {
	case <-l.done:
		return net.ErrClosed
	default:
		return ctx.Err()
	}
}

// dropIfClosed resets what a Dial queued while Close ran.
func (l *Listener) dropIfClosed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.drop()
	}
}

func (l *Listener) drop() {
	for {
		select {
		case s := <-l.waiting:
			s.Abort()
		default:
			return
		}
	}
}
