package quic

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/fb1e3c20/websockets/transport/internal/quicconn"
)

// Dial connects to the server at addr, host:port. The context governs that alone;
// without a deadline in it, a server that says nothing is given up after twice
// HandshakeIdleTimeout, 10 seconds. Where the TLS configuration has no ServerName,
// the host of addr is verified; its NextProtos are replaced by [ALPN]. Both
// configurations may be nil.
//
// Each connection has a socket of its own. A host of several addresses is tried
// at all of them, each a moment after the one before, and the first to answer is
// taken.
func Dial(ctx context.Context, addr string, tlsConfig *tls.Config, config *Config) (*Conn, error) {
	return dial(ctx, addr, tlsConfig, config, quicconn.Forever)
}

func dial(ctx context.Context, addr string, t *tls.Config, config *Config, patience time.Duration) (*Conn, error) {
	c, released, err := quicconn.Dial(ctx, addr, withALPN(t), clientConfig(config))
	if err != nil {
		return nil, &quicconn.EndError{What: "quic: " + quicconn.Failure(addr, ALPN, err), Err: err}
	}
	return newConn(c, patience, released), nil
}

// DialStream is Dial for one stream: the connection ends with it.
func DialStream(ctx context.Context, addr string, tlsConfig *tls.Config, config *Config) (*Stream, error) {
	c, err := Dial(ctx, addr, tlsConfig, config)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.OpenStream(ctx)
}
