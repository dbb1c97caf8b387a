package tcp

import (
	"context"
	"net"
)

// Dial connects to an address, as [net.Dialer] does with its defaults
// (TCP_NODELAY, keep-alive, both address families). The network is "tcp", "tcp4",
// "tcp6" or "unix". The context governs connecting only.
func Dial(ctx context.Context, network, addr string) (*Stream, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return adopt(c)
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
