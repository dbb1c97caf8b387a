package tcp

import (
	"crypto/tls"
	"errors"
	"net"
)

// abort closes a connection with a reset, where it can be had. What is around it
// is not told: closing TLS might have to wait to say so.
func abort(c net.Conn) error {
	for {
		around, ok := c.(*tls.Conn)
		if !ok {
			break
		}
		c = around.NetConn()
	}
	if c, ok := c.(*net.TCPConn); ok {
		c.SetLinger(0)
	}
	return closeOnce(c)
}

func closeOnce(c net.Conn) error {
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
