//go:build !unix

package tcp

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A wholeSocket is a socket as the carrier of a pump.
type wholeSocket struct{ socketConn }

func (c wholeSocket) Abort() error { return abort(c.socketConn) }

func openSocket(c socketConn) (transport.Stream, error) {
	return transport.NewPump(wholeSocket{c}), nil
}

func openTLS(c net.Conn, start func(net.Conn) *tls.Conn, timeout time.Duration) (*Stream, error) {
	return pumpTLS(start(c), timeout), nil
}
