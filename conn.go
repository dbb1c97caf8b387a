package websockets

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// A Conn is one WebSocket connection, of a server or of a client. Any method
// may be called from any goroutine at any time.
//
// While nobody is in Receive, control frames are still answered and the peer's
// liveness is judged, within half a second, and messages wait: up to 64 KiB of
// them in memory, the rest at the peer. A close frame behind messages that wait
// is answered when they have been received, or at the close timeout, when the
// peer has mostly given up; a handler that only sends calls [Conn.Discard].
//
// A Conn must be closed, with Close or CloseNow; a handler given to [Handle]
// need not.
type Conn struct {
	t         *transport.Conn
	server    *Server // nil at a client
	asked     asked
	extras    *extras    // nil: none
	recording *recording // nil: none

	next, prev *Conn // in the Server's ring; guarded by its mu, as released is
	released   bool

	ordered bool        // what is sent waits until it is inTurn
	closing atomic.Bool // this side has begun to close
}

// Receive waits for the next message and returns its type and its content,
// which belongs to the caller. Messages come whole and in order; several
// receivers get different messages.
//
// ctx bounds the wait and nothing else: after its error the connection is as
// before, nothing is lost, and another Receive may follow. Every other error
// is an *[Error] and final: it tells how the connection ended.
func (c *Conn) Receive(ctx context.Context) (MessageType, []byte, error) {
	return c.ReceiveInto(ctx, nil)
}

// ReceiveInto is Receive into the caller's memory: it appends the message to
// dst and returns the extended slice. With enough capacity in dst nothing is
// allocated. Begin with buf[:0] to use buf again for every message.
func (c *Conn) ReceiveInto(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	typ, p, err := c.t.Receive(ctx, dst)
	return typ, p, c.wrap(err)
}

// Send sends p as one message. A Text must be UTF-8. p is not kept.
//
// Send may return before the message is on the wire. A peer that does not read
// makes Send wait, once 64 KiB are queued: that is backpressure, and ctx bounds
// that wait. A message of which a part has been handed to the transport is
// completed even if ctx ends; what is left of it is copied for that.
func (c *Conn) Send(ctx context.Context, typ MessageType, p []byte) error {
	if err := c.inTurn(ctx); err != nil {
		return err
	}
	if k := c.compression(); k != nil && c.Compressed() && !k.wants(typ, p) {
		return c.wrap(c.t.SendUncompressed(ctx, typ, p))
	}
	return c.wrap(c.t.Send(ctx, typ, p))
}

// Ping sends a ping and waits for the pong; it returns the time between. A peer
// that does not answer pings, as a server of this package with the zero Options,
// lets it wait until ctx or the connection ends, and one whose application does
// not receive may answer only half a second later. The PongTimeout, if there is
// one, judges the answer.
func (c *Conn) Ping(ctx context.Context) (time.Duration, error) {
	rtt, err := c.t.Ping(ctx)
	return rtt, c.wrap(err)
}

// Close closes the connection with a code and a reason of at most 123 bytes,
// and waits for the peer to do the same, for at most the close timeout. The
// code is one of 1000-1003, 1007-1014 and 3000-4999; [NoStatus] with no reason
// sends none. Another one, or a reason that is too long or not UTF-8, is an
// [ErrMisuse] and changes nothing.
//
// It returns nil when the peer has closed too, with the same code, with 1000,
// 1001 or none; otherwise it returns how the connection ended. Messages that
// come meanwhile can still be received, then or later: 64 KiB of what nobody
// receives is kept, and what exceeds that is discarded when nobody has come for
// it for a second.
func (c *Conn) Close(code CloseCode, reason string) error {
	var p [frame.MaxControlPayload]byte
	if _, err := frame.AppendClosePayload(p[:0], code, reason); err == nil {
		c.closing.Store(true)
	}
	defer c.awaitRelease(time.Now(), c.patience())
	return c.wrap(c.t.Close(code, reason))
}

// Discard throws away all messages of the peer from now on, for an application
// that only sends. Without it a message that nobody receives stands before the
// peer's close frame, which is then answered, and Done closed, only at the close
// timeout. A Receive, and a Reader that is open, return only how the connection
// ended.
func (c *Conn) Discard() { c.t.Discard() }

// CloseNow ends the connection at once, without a closing handshake; what has
// not been sent is given up. After a finished closing handshake it only frees
// what is left, so it is good to be deferred.
func (c *Conn) CloseNow() error {
	c.closing.Store(true)
	defer c.awaitRelease(time.Now(), abortTime)
	return c.wrap(c.t.CloseNow())
}

// Done returns a channel that is closed when the connection has ended, for
// whatever reason; where an HTTP handler holds it, as over HTTP/2, when that may
// return.
func (c *Conn) Done() <-chan struct{} {
	if released := c.held(); released != nil {
		return released
	}
	return c.t.Done()
}

// Err returns how the connection ended, an *[Error]; nil while it has not.
func (c *Conn) Err() error { return c.wrap(c.t.Err()) }

// Compressed reports whether both sides have agreed to compress messages: see
// Options.Compression.
func (c *Conn) Compressed() bool { return c.t.Compressed() }

// Subprotocol returns the subprotocol that was agreed on, "" for none.
func (c *Conn) Subprotocol() string {
	if c.extras == nil {
		return ""
	}
	return c.extras.subprotocol
}

// Driver returns how the messages of the connection are waited for: [Evented] where a server
// with that Driver has got what it takes, and otherwise [Blocking].
func (c *Conn) Driver() Driver {
	if c.server != nil && c.server.isEvented(c) {
		return Evented
	}
	return Blocking
}

// Request returns the handshake request that a server accepted, nil at a
// client. Its body is empty. Where no HTTP server has made it, the first call does, and
// keeps it, in about 1.2 KiB.
func (c *Conn) Request() *http.Request { return c.asked.request(c) }

// Response returns the handshake response that a client received, nil at a
// server. Its Request tells the URL that redirects led to, its TLS what was
// agreed on.
func (c *Conn) Response() *http.Response {
	if c.extras == nil {
		return nil
	}
	return c.extras.response
}

// LocalAddr returns the local network address, nil if the transport has none.
func (c *Conn) LocalAddr() net.Addr {
	if s, ok := c.t.Stream().(interface{ LocalAddr() net.Addr }); ok {
		return s.LocalAddr()
	}
	return nil
}

// RemoteAddr returns the peer's network address, or that of the proxy if there
// is one; nil if the transport has none.
func (c *Conn) RemoteAddr() net.Addr {
	if s, ok := c.t.Stream().(interface{ RemoteAddr() net.Addr }); ok {
		return s.RemoteAddr()
	}
	return nil
}

// wrap makes an *Error of c of what the driver returned.
func (c *Conn) wrap(err error) error {
	err = wrap(err)
	if e, ok := err.(*Error); ok {
		e.conn = c
	}
	return err
}
