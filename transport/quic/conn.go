package quic

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

// A Conn is a connection to a server, for any number of streams. Its methods may
// be called from any goroutine.
type Conn struct {
	quic     *quicgo.Conn
	patience time.Duration // how long it may be without streams; 0: until Close
	done     chan struct{}

	mu      sync.Mutex
	streams int         // that have not left
	closing bool        // there will be no more
	alone   *time.Timer // runs while there are none and that must end
	visits  int         // how many streams there were
}

func newConn(c *quicgo.Conn, patience time.Duration) *Conn {
	conn := &Conn{quic: c, patience: patience, done: make(chan struct{})}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	conn.rest()
	return conn
}

// OpenStream opens a stream, for one WebSocket. The server hears of it with the
// first byte. If the server allows no more streams at a time, OpenStream waits
// until one has ended or ctx does; the stream has nothing to do with ctx.
func (c *Conn) OpenStream(ctx context.Context) (*Stream, error) {
	if !c.enter() {
		return nil, errClosed
	}
	s, err := c.quic.OpenStreamSync(ctx)
	if err != nil {
		c.leave()
		if err == ctx.Err() {
			return nil, fmt.Errorf("quic: the peer allows no more streams at a time: %w", err)
		}
		return nil, ended(err)
	}
	return newStream(&carrier{conn: c, stream: s}), nil
}

// Close opens no more streams, and closes the connection when the last one has
// been closed and its end has arrived. It does not wait for that; [Conn.Done]
// does. Closing again does nothing.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.closing = true
		c.rest()
	}
	return nil
}

// Abort closes the connection at once, and its streams with it. The peer's match
// [ErrAborted].
func (c *Conn) Abort() error {
	return c.quic.CloseWithError(ConnAborted, "")
}

// Done returns a channel that is closed when the connection has ended, by Close or
// otherwise.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns how the connection ended, nil while it has not. When this side has
// closed it, the error wraps [net.ErrClosed].
func (c *Conn) Err() error {
	return ended(context.Cause(c.quic.Context()))
}

// LocalAddr returns the local address.
func (c *Conn) LocalAddr() net.Addr { return c.quic.LocalAddr() }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.quic.RemoteAddr() }

// QUIC returns the connection of quic-go, for looking, and for moving it to
// another path with AddPath. Its streams and its end belong to c.
func (c *Conn) QUIC() *quicgo.Conn { return c.quic }

// enter counts a stream, unless there are to be no more.
func (c *Conn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.streams++
	c.visits++
	c.stopTimer()
	return true
}

func (c *Conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams--
	c.rest()
}

// rest sees to it that a connection without streams ends in time. The lock is
// held.
func (c *Conn) rest() {
	c.stopTimer()
	wait := c.patience
	if c.closing {
		wait = c.settling()
	}
	if c.streams > 0 || wait == 0 {
		return
	}
	visits := c.visits
	c.alone = time.AfterFunc(wait, func() { c.expire(visits) })
}

func (c *Conn) stopTimer() {
	if c.alone != nil {
		c.alone.Stop()
	}
}

// expire closes the connection, unless the timer was stopped too late, because of
// one more visit.
func (c *Conn) expire(visits int) {
	c.mu.Lock()
	over := c.visits == visits
	c.closing = c.closing || over
	c.mu.Unlock()
	if over {
		c.quic.CloseWithError(ConnClosed, "")
	}
}

// settling returns how long the last packets may take to arrive: long enough for
// them to be lost and sent again twice
// (https://www.rfc-editor.org/rfc/rfc9002#section-6.2).
func (c *Conn) settling() time.Duration {
	const timeouts, maxAckDelay = 1 + 2 + 4, 25 * time.Millisecond
	s := c.quic.ConnectionStats()
	return timeouts * (s.SmoothedRTT + 4*s.MeanDeviation + maxAckDelay)
}
