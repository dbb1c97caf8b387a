package tcp

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A Listener accepts connections and makes streams of them. Its methods may be
// called from any goroutine.
type Listener struct {
	// HandshakeTimeout is how long the TLS handshake of an accepted
	// connection may take: 0 means [DefaultHandshakeTimeout], negative
	// without limit. Set it before the first Accept.
	HandshakeTimeout time.Duration

	listener net.Listener
	config   *tls.Config // nil without TLS

	mu       sync.Mutex
	acceptor *acceptor // of a Poller, after its first Accept
	closed   bool
}

// Listen listens on an address, as [net.Listen] does. The network is "tcp",
// "tcp4", "tcp6" or "unix".
func Listen(network, addr string) (*Listener, error) {
	return ListenTLS(network, addr, nil)
}

// ListenTLS is Listen for connections with TLS, unless config is nil. Where
// the configuration has no NextProtos, http/1.1 is offered.
func ListenTLS(network, addr string, config *tls.Config) (*Listener, error) {
	l, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return NewListener(l, config), nil
}

// NewListener makes a Listener of another and owns it from then on. With a
// configuration it speaks TLS over what l accepts; see [ListenTLS].
func NewListener(l net.Listener, config *tls.Config) *Listener {
	if config != nil {
		config = withHTTP1(config)
	}
	return &Listener{listener: l, config: config}
}

// Accept waits for the next connection. With TLS it does not wait for the
// handshake; see [Stream.Handshake]. After Close it returns an error that wraps
// [net.ErrClosed]. After any other error, such as too many open files, the
// listener may still be used.
func (l *Listener) Accept() (*Stream, error) {
	c, err := l.listener.Accept()
	if err != nil {
		return nil, err
	}
	s, err := l.adopt(c)
	if err != nil {
		c.Close()
		return nil, connError{err}
	}
	return s, nil
}

func (l *Listener) adopt(c net.Conn) (*Stream, error) {
	if l.config == nil {
		return FromConn(c, nil)
	}
	return openTLS(c, l.start, l.handshakeTimeout())
}

// A connError is that of one connection: the listener can be used again.
type connError struct{ error }

func (e connError) Temporary() bool { return true }
func (e connError) Unwrap() error   { return e.error }

// AcceptStream is Accept for those who want any [transport.Stream], such as a
// server that takes listeners of every kind.
func (l *Listener) AcceptStream() (transport.Stream, error) {
	s, err := l.Accept()
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (l *Listener) start(c net.Conn) *tls.Conn { return tls.Server(c, l.config) }

func (l *Listener) handshakeTimeout() time.Duration {
	if l.HandshakeTimeout == 0 {
		return DefaultHandshakeTimeout
	}
	return l.HandshakeTimeout
}

// Addr returns the address that the listener listens on.
func (l *Listener) Addr() net.Addr { return l.listener.Addr() }

// Close stops listening. Accepted connections live on.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.acceptor != nil {
		l.acceptor.close()
	}
	return l.listener.Close()
}

// accepting returns the acceptor of l, which it makes the first time.
func (l *Listener) accepting(p *Poller, socket *net.TCPListener) (*acceptor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acceptor != nil {
		return l.acceptor, nil
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	a, err := p.accepting(socket)
	if err != nil {
		return nil, connError{err}
	}
	l.acceptor = a
	return a, nil
}
