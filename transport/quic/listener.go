package quic

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport"
)

// A Listener accepts the streams that clients open, on all their connections. It
// is a websockets.Listener. Its methods may be called from any goroutine.
//
// A connection that has no streams for its MaxIdleTimeout is closed; for one that
// came by [Listener.Add] that is [DefaultMaxIdleTimeout].
type Listener struct {
	addr     net.Addr
	patience time.Duration // with connections that have no streams
	stop     func()        // accepting connections
	release  func()        // the socket
	streams  chan *carrier
	stopped  chan struct{}
	done     chan struct{}
	serving  sync.WaitGroup // accepting connections, and each of them

	mu    sync.Mutex
	err   error // why nothing is accepted any more
	conns map[*Conn]struct{}
}

// Listen listens on a UDP address, such as ":4433". The TLS configuration needs a
// certificate; its NextProtos are replaced by [ALPN]. config may be nil.
func Listen(addr string, tlsConfig *tls.Config, config *Config) (*Listener, error) {
	if !hasCertificate(tlsConfig) {
		return nil, errors.New("quic: cannot listen: the TLS configuration has no certificate")
	}
	config = serverConfig(config)
	socket, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("quic: cannot listen: %w", err)
	}
	t := &quicgo.Transport{Conn: socket, StatelessResetKey: newResetKey()}
	release := func() {
		t.Close()
		socket.Close()
	}
	accepting, err := t.Listen(withALPN(tlsConfig), config)
	if err != nil {
		release()
		return nil, fmt.Errorf("quic: cannot listen on %s: %w", socket.LocalAddr(), err)
	}
	l := NewListener(socket.LocalAddr())
	l.release = release
	l.patience = config.MaxIdleTimeout
	l.stop = func() { accepting.Close() }
	l.serving.Go(func() { l.accept(accepting) })
	return l, nil
}

func hasCertificate(c *tls.Config) bool {
	return c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil || c.GetConfigForClient != nil)
}

// newResetKey makes the key by which clients learn at once that a connection is
// gone which they had not heard the end of.
func newResetKey() *quicgo.StatelessResetKey {
	var key quicgo.StatelessResetKey
	rand.Read(key[:])
	return &key
}

// NewListener returns a Listener without a socket, for connections that are
// accepted elsewhere and given to it by [Listener.Add]: from a port that serves
// other protocols, such as HTTP/3, as well. Addr returns addr.
func NewListener(addr net.Addr) *Listener {
	return &Listener{
		addr:     addr,
		patience: DefaultMaxIdleTimeout,
		stop:     func() {},
		release:  func() {},
		streams:  make(chan *carrier),
		stopped:  make(chan struct{}),
		done:     make(chan struct{}),
		conns:    make(map[*Conn]struct{}),
	}
}

func (l *Listener) accept(from *quicgo.Listener) {
	for {
		c, err := from.Accept(context.Background())
		if err != nil {
			l.close(ended(err))
			return
		}
		l.Add(c)
	}
}

// Add takes over a connection that was accepted elsewhere: with [ALPN] as its
// protocol and settings like those of [Defaults]. A connection with another
// protocol, or one that comes after Close, is closed, with an error.
func (l *Listener) Add(c *quicgo.Conn) error {
	if p := c.ConnectionState().TLS.NegotiatedProtocol; p != ALPN {
		c.CloseWithError(ConnUnwelcome, "the streams of this connection must carry "+ALPN)
		return fmt.Errorf("quic: the protocol of the connection is %q; it must be %q", p, ALPN)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		go c.CloseWithError(ConnClosed, "")
		return l.err
	}
	done := make(chan struct{})
	conn := newConn(c, l.patience, done)
	l.conns[conn] = struct{}{}
	l.serving.Go(func() {
		defer close(done)
		l.serve(conn)
	})
	return nil
}

// serve hands out the streams of a connection until its end.
func (l *Listener) serve(c *Conn) {
	defer l.forget(c)
	defer c.Close()
	for {
		s, err := c.quic.AcceptStream(context.Background())
		if err != nil {
			return
		}
		l.offer(c, s)
	}
}

func (l *Listener) forget(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// offer waits until somebody accepts the stream, or nobody will.
func (l *Listener) offer(c *Conn, s *quicgo.Stream) {
	s.ReleaseStreamCredit() // its end makes room for another, whatever the configuration says
	if !c.life.Enter() {
		s.CancelRead(StreamRefused)
		s.CancelWrite(StreamRefused)
		return
	}
	carrier := &carrier{conn: c, stream: s}
	select {
	case l.streams <- carrier:
	case <-l.stopped:
		carrier.cancel(StreamRefused)
	case <-c.quic.Context().Done():
		carrier.leave()
	}
}

// Accept waits for the next stream. After Close it returns an error that wraps
// [net.ErrClosed], and after any other error the listener is closed too.
func (l *Listener) Accept() (*Stream, error) {
	select {
	case <-l.stopped:
		return nil, l.reason()
	default:
	}
	select {
	case c := <-l.streams:
		return newStream(c), nil
	case <-l.stopped:
		return nil, l.reason()
	}
}

// AcceptStream is Accept for those who want any [transport.Stream], such as a
// server that takes listeners of every kind.
func (l *Listener) AcceptStream() (transport.Stream, error) {
	s, err := l.Accept()
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (l *Listener) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Addr returns the address that the listener listens on.
func (l *Listener) Addr() net.Addr { return l.addr }

// Close stops listening. Streams that were accepted live on; others are refused.
// Each connection is closed when its last stream has ended, as with [Conn.Close],
// and the socket after the last connection. Close does not wait for that;
// [Listener.Done] does. Closing again does nothing.
func (l *Listener) Close() error {
	l.close(errClosed)
	return nil
}

func (l *Listener) close(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = why
	close(l.stopped)
	for c := range l.conns {
		c.Close()
	}
	go func() {
		l.stop()
		l.serving.Wait()
		l.release()
		close(l.done)
	}()
}

// Abort closes the listener and all its connections at once, and their streams
// with them.
func (l *Listener) Abort() error {
	l.close(errClosed)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		go c.Abort()
	}
	return nil
}

// Done returns a channel that is closed when the listener is closed and its last
// connection and its socket are gone. A program that exits before leaves clients
// behind that do not know it.
func (l *Listener) Done() <-chan struct{} { return l.done }
