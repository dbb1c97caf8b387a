package tcp

import (
	"errors"
	"net"
)

// abort closes a connection with a reset, where it can be had.
func abort(c net.Conn) error {
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
