package quic

import (
	"context"
	"fmt"
	"net"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport/internal/quicconn"
)

// A Conn is a connection to a server, for any number of streams. Its methods may
// be called from any goroutine.
type Conn struct {
	quic *quicgo.Conn
	life *quicconn.Life
	done <-chan struct{}
}

// newConn returns a Conn that may be without streams for as long as patience says,
// and ends with done.
func newConn(c *quicgo.Conn, patience time.Duration, done <-chan struct{}) *Conn {
	return &Conn{quic: c, life: quicconn.NewLife(c, ConnClosed, patience), done: done}
}

// OpenStream opens a stream, for one WebSocket. The server hears of it with the
// first byte. If the server allows no more streams at a time, OpenStream waits
// until one has ended or ctx does; the stream has nothing to do with ctx.
func (c *Conn) OpenStream(ctx context.Context) (*Stream, error) {
	if !c.life.Enter() {
		return nil, errClosed
	}
	s, err := c.quic.OpenStreamSync(ctx)
	if err != nil {
		c.life.Leave()
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
	c.life.Close()
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
