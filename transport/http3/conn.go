package http3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport/internal/quicconn"
)

// maxResponseHeader is how many bytes the fields of a response may have.
const maxResponseHeader = 32 << 10

// A conn is a connection to a server, for any number of sockets. It ends, in order,
// when there are none.
type conn struct {
	quic  *quicgo.Conn
	http  *h3.RawClientConn
	life  *quicconn.Life
	pulse quicconn.Pulse
	done  <-chan struct{}

	controlled atomic.Bool   // a control stream has come
	settings   chan struct{} // closed when the server's have come
	extended   bool          // they allow extended CONNECT; valid then

	mu      sync.Mutex
	held    int  // places
	open    int  // of them, with a stream
	full    bool // the server allowed no more when it was asked last
	leaving bool // the server takes no more
}

// dial returns a connection, on which a place is held, to a server that takes
// WebSockets.
func dial(ctx context.Context, addr string, t *tls.Config, config *quicgo.Config) (*conn, error) {
	t = t.Clone()
	t.NextProtos = []string{h3.NextProtoH3}
	q, released, err := quicconn.Dial(ctx, addr, t, clientConfig(config))
	if err != nil {
		return nil, &quicconn.EndError{What: "http3: " + quicconn.Failure(addr, "HTTP/3", err), Err: err}
	}
	client := &h3.Transport{DisableCompression: true, MaxResponseHeaderBytes: maxResponseHeader}
	c := &conn{
		quic:     q,
		http:     client.NewRawClientConn(q),
		life:     quicconn.NewLife(q, connClosed, quicconn.Settle),
		done:     released,
		settings: make(chan struct{}),
	}
	c.Reserve()
	go c.acceptStreams()
	if err := c.awaitSettings(ctx); err != nil {
		q.CloseWithError(connClosed, "")
		return nil, fmt.Errorf("http3: cannot open WebSockets on %s: %w", addr, err)
	}
	return c, nil
}

// awaitSettings waits for what the server must tell before an extended CONNECT may be
// sent (https://www.rfc-editor.org/rfc/rfc8441#section-3).
func (c *conn) awaitSettings(ctx context.Context) error {
	select {
	case <-c.settings:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the server's settings: %w", ctx.Err())
	case <-c.quic.Context().Done():
		return ended(context.Cause(c.quic.Context()))
	}
	if !c.extended {
		return ErrNoExtendedConnect
	}
	return nil
}

// Done returns a channel that is closed when the connection is gone.
func (c *conn) Done() <-chan struct{} { return c.done }

// Reserve holds a place for a stream. That there is none shows only when a stream is
// opened.
func (c *conn) Reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full || c.leaving || c.quic.Context().Err() != nil || !c.pulse.Beats(c.quic) || !c.life.Enter() {
		return false
	}
	c.held++
	return true
}

// shun lets no stream be opened any more.
func (c *conn) shun() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = true
}

// errFull: the server allows no more streams on this connection for now.
var errFull = errors.New("http3: the server allows no more streams on the connection")

// openStream opens a stream for the place that is held, or gives that back.
func (c *conn) openStream(ctx context.Context) (*h3.RequestStream, error) {
	bounded, cancel := c.impatient(ctx)
	defer cancel()
	s, err := c.http.OpenRequestStream(bounded)
	switch {
	case err == nil:
		c.opened()
		return s, nil
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", errFull, ctx.Err())
	case bounded.Err() != nil:
		err = errFull
	default:
		err = ended(err)
	}
	c.failed(err == errFull)
	return nil, err
}

// impatient bounds the wait for a stream where there may be others, on whose end it
// would wait: for what the server says of those that ended just now there is time.
func (c *conn) impatient(ctx context.Context) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == 1 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, 2*quicconn.ProbeTimeout(c.quic))
}

func (c *conn) opened() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
}

// failed ends the place of a stream that was not opened.
func (c *conn) failed(full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held--
	c.full = c.full || full && c.open > 0
	c.life.Leave()
}

// leave ends the place of a stream that was opened.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held--
	c.open--
	c.full = false // soon
	c.life.Leave()
}
