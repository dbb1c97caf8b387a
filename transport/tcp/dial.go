package tcp

import (
	"context"
	"crypto/tls"
	"net"
)

// Dial connects to an address, as [net.Dialer] does with its defaults
// (TCP_NODELAY, keep-alive, both address families). The network is "tcp", "tcp4",
// "tcp6" or "unix". The context governs connecting only.
func Dial(ctx context.Context, network, addr string) (*Stream, error) {
	c, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return adopt(c)
}

// DialTLS is Dial followed by a TLS handshake as the client. The context governs
// both; without a deadline in it the handshake may take
// [DefaultHandshakeTimeout]. A nil configuration is the zero one. Where it has
// no ServerName, the host of addr is verified; where it has no NextProtos,
// http/1.1 is offered.
func DialTLS(ctx context.Context, network, addr string, config *tls.Config) (*Stream, error) {
	c, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return handshakeTLS(ctx, c, clientConfig(config, hostOf(addr)))
}

// Client does a TLS handshake as the client over an open connection, a tunnel
// through a proxy for example, and owns c from then on; an error closes it.
// Deadlines are cleared. The context governs the handshake only, as with
// [DialTLS]. The configuration needs a ServerName or InsecureSkipVerify; where
// it has no NextProtos, http/1.1 is offered.
//
// As with [FromConn], a *net.TCPConn or *net.UnixConn is used through its
// descriptor, and every other type, a *tls.Conn included, with a pump.
func Client(ctx context.Context, c net.Conn, config *tls.Config) (*Stream, error) {
	if err := clearDeadlines(c); err != nil {
		c.Close()
		return nil, err
	}
	return handshakeTLS(ctx, c, clientConfig(config, ""))
}

// handshakeTLS does the handshake of a client on c, which it closes if there is
// an error.
func handshakeTLS(ctx context.Context, c net.Conn, config *tls.Config) (*Stream, error) {
	start := func(c net.Conn) *tls.Conn { return tls.Client(c, config) }
	timeout := DefaultHandshakeTimeout
	if _, bounded := ctx.Deadline(); bounded {
		timeout = -1
	}
	s, err := openTLS(c, start, timeout)
	if err != nil {
		c.Close()
		return nil, err
	}
	if err := s.Handshake(ctx); err != nil {
		s.Abort()
		return nil, err
	}
	return s, nil
}

func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// adopt is FromConn for a connection that nobody else has.
func adopt(c net.Conn) (*Stream, error) {
	s, err := FromConn(c, nil)
	if err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}

func clientConfig(config *tls.Config, host string) *tls.Config {
	config = withHTTP1(config)
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.Renegotiation = tls.RenegotiateNever
	return config
}

// withHTTP1 returns a copy of config that offers http/1.1 if it offered nothing.
func withHTTP1(config *tls.Config) *tls.Config {
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"http/1.1"}
	}
	return config
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
