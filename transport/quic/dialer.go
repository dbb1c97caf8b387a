package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"sync"

	"github.com/fb1e3c20/websockets/internal/pool"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/internal/quicconn"
)

// A Dialer opens streams for a websockets.Dialer, whose Options.Carrier it is. The
// sockets of one server share a connection as long as the server allows one more
// stream on it; then there is another one. A connection ends, in order, with its last
// socket.
//
//	dialer := &websockets.Dialer{Options: &websockets.Options{Carrier: &quic.Dialer{}}}
//	c, err := dialer.Dial(ctx, "wss://example.com:4433/chat")
//
// The zero Dialer is ready. Its field must not be changed once it is in use; its
// method may be called from any goroutine.
type Dialer struct {
	Config *Config // nil: that of [Defaults]

	pool pool.Pool[*sharedConn]
}

var errNoTLS = errors.New("quic: there is no QUIC without TLS: the URL must begin with wss, not with ws")

// OpenStream opens a stream to the server of r, the port 443 if its URL names none.
// The response is nil, since the handshake is still to be done on the stream. ctx
// governs opening alone. t must not be nil.
//
// Connections are shared where address, ServerName, InsecureSkipVerify, RootCAs and
// Certificates are the same. Functions in t cannot be compared: those who verify in
// different ways need a Dialer each.
func (d *Dialer) OpenStream(ctx context.Context, r *http.Request, t *tls.Config) (transport.Stream, *http.Response, error) {
	if t == nil {
		return nil, nil, errNoTLS
	}
	addr := quicconn.Address(r.URL)
	c, err := d.pool.Get(ctx, quicconn.Key(addr, t), func(ctx context.Context) (*sharedConn, error) {
		return d.dial(ctx, addr, t)
	})
	if err != nil {
		return nil, nil, err
	}
	return c.take(), nil, nil
}

func (d *Dialer) dial(ctx context.Context, addr string, t *tls.Config) (*sharedConn, error) {
	conn, err := dial(ctx, addr, t, d.Config, quicconn.Settle)
	if err != nil {
		return nil, err
	}
	s, err := conn.OpenStream(ctx)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &sharedConn{Conn: conn, places: []*Stream{s}}, nil
}

// A sharedConn is a Conn of a Dialer. The places that are held on it are streams,
// opened in advance: quic-go does not tell otherwise whether there is room.
type sharedConn struct {
	*Conn
	pulse quicconn.Pulse

	mu     sync.Mutex
	places []*Stream
}

// Reserve opens a stream, for take.
func (c *sharedConn) Reserve() bool {
	if !c.pulse.Beats(c.quic) || !c.life.Enter() {
		return false
	}
	s, err := c.quic.OpenStream()
	if err != nil {
		c.life.Leave()
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.places = append(c.places, newStream(&carrier{conn: c.Conn, stream: s}))
	return true
}

// take returns one of the streams that are there.
func (c *sharedConn) take() *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.places) - 1
	s := c.places[last]
	c.places = c.places[:last]
	return s
}

// Wait waits until the connections of d have ended, which they do with their last
// sockets, or ctx has, whose error it then returns. A program that exits before
// leaves servers behind that wait for its last packets.
func (d *Dialer) Wait(ctx context.Context) error { return d.pool.Wait(ctx) }
