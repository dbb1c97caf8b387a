package tcp

import (
	"crypto/tls"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A pumpedTLS is a *tls.Conn as the carrier of a pump: there is no way to read
// or write it without waiting.
type pumpedTLS struct {
	*tls.Conn
	timeout   time.Duration
	once      sync.Once
	handshake *handshake
}

func pumpTLS(c *tls.Conn, timeout time.Duration) *Stream {
	carrier := &pumpedTLS{Conn: c, timeout: timeout, handshake: newHandshake()}
	if c.ConnectionState().HandshakeComplete {
		carrier.shake()
	}
	return &Stream{Stream: transport.NewPump(carrier), conn: c, handshake: carrier.handshake}
}

func (c *pumpedTLS) Read(p []byte) (int, error) {
	if err := c.shake(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *pumpedTLS) Write(p []byte) (int, error) {
	if err := c.shake(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// shake runs the handshake, unless it was run, and returns its error.
func (c *pumpedTLS) shake() error {
	c.once.Do(func() { c.handshake.finish(c.handshake.do(c.Conn, c.timeout)) })
	return c.handshake.err
}

func (c *pumpedTLS) Abort() error { return abort(c.Conn) }
