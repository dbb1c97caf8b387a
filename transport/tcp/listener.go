package tcp

import (
	"net"
)

// A Listener accepts connections and makes streams of them. Its methods may be
// called from any goroutine.
type Listener struct {
	listener net.Listener
}

// Listen listens on an address, as [net.Listen] does. The network is "tcp",
// "tcp4", "tcp6" or "unix".
func Listen(network, addr string) (*Listener, error) {
	l, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return &Listener{listener: l}, nil
}

// Accept waits for the next connection. After Close it returns an error that
// wraps [net.ErrClosed].
func (l *Listener) Accept() (*Stream, error) {
	c, err := l.listener.Accept()
	if err != nil {
		return nil, err
	}
	return adopt(c)
}

// Addr returns the address that the listener listens on.
func (l *Listener) Addr() net.Addr { return l.listener.Addr() }

// Close stops listening. Accepted connections live on.
func (l *Listener) Close() error { return l.listener.Close() }
