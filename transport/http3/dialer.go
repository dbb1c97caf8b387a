package http3

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/internal/pool"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/internal/quicconn"
)

// A Dialer opens WebSockets over HTTP/3 for a websockets.Dialer, whose
// Options.Carrier it is. The sockets of one server share a connection as long as the
// server allows one more stream on it; then there is another one. A connection ends,
// in order, with its last socket; nothing is kept for later.
//
//	dialer := &websockets.Dialer{Options: &websockets.Options{Carrier: &http3.Dialer{}}}
//	c, err := dialer.Dial(ctx, "wss://example.com/chat")
//
// There is no way back to HTTP/1.1: a server that does not speak HTTP/3 cannot be
// reached, and one that takes no WebSockets over it gives [ErrNoExtendedConnect].
//
// The zero Dialer is ready. Its field must not be changed once it is in use; its
// method may be called from any goroutine.
type Dialer struct {
	// Config has the settings of QUIC; nil: those of package transport/quic,
	// quic.Defaults.
	Config *quicgo.Config

	pool pool.Pool[*conn]
}

var errNoTLS = errors.New("http3: there is no HTTP/3 without TLS: the URL must begin with wss, not with ws")

// OpenStream opens a WebSocket as r asks for, by extended CONNECT
// (https://www.rfc-editor.org/rfc/rfc9220#section-3), at the port 443 if its URL names
// none. With a response of 2xx there is a *[Stream]; any other response comes without
// one, and with as much of its body as came within a second, at most 4 KiB. ctx
// governs opening alone. t must not be nil; its NextProtos are replaced.
//
// A request that the server refuses to look at is sent once more, on another
// connection, before it is an [ErrRefused].
//
// Connections are shared where address, ServerName, InsecureSkipVerify, RootCAs and
// Certificates are the same. Functions in t cannot be compared: those who verify in
// different ways need a Dialer each.
func (d *Dialer) OpenStream(ctx context.Context, r *http.Request, t *tls.Config) (transport.Stream, *http.Response, error) {
	if t == nil {
		return nil, nil, errNoTLS
	}
	addr := quicconn.Address(r.URL)
	for refused := false; ; {
		c, err := d.pool.Get(ctx, quicconn.Key(addr, t), func(ctx context.Context) (*conn, error) {
			return dial(ctx, addr, t, d.Config)
		})
		if err != nil {
			return nil, nil, err
		}
		s, response, err := c.ask(ctx, r)
		switch {
		case err == errFull:
			continue
		case errors.Is(err, ErrRefused) && !refused:
			refused = true
			c.shun()
			continue
		}
		return s, response, err
	}
}

// Wait waits until the connections of d have ended, which they do with their last
// sockets, or ctx has, whose error it then returns. A program that exits before
// leaves servers behind that wait for its last packets.
func (d *Dialer) Wait(ctx context.Context) error { return d.pool.Wait(ctx) }
