package tcp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/streamtest"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A carrier of the client's TLS: a socket, which is used through its
// descriptor, TLS to a proxy, or any other connection.
func TestClientContract(t *testing.T) {
	t.Run("socket", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			client, server := sockets(t)
			return secured(t, client, server)
		})
	})
	t.Run("TLS", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			client, server := sockets(t)
			serverConfig, clientConfig := configs(tls.VersionTLS13)
			clientConfig.ServerName = "127.0.0.1"
			return secured(t, tls.Client(client, clientConfig), tls.Server(server, serverConfig))
		})
	})
	t.Run("other", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			client, server := sockets(t)
			return secured(t, struct{ net.Conn }{client}, struct{ net.Conn }{server})
		})
	})
}

// sockets returns both ends of a connection that nobody has taken over.
func sockets(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// secured speaks TLS over both ends of a connection.
func secured(t *testing.T, near, far net.Conn) (client, server *tcp.Stream) {
	t.Helper()
	serverConfig, clientConfig := configs(tls.VersionTLS13)
	clientConfig.ServerName = "127.0.0.1"
	server, err := tcp.FromConn(tls.Server(far, serverConfig), nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err = tcp.Client(t.Context(), near, clientConfig)
	if err != nil {
		server.Abort()
		t.Fatal(err)
	}
	if state, ok := client.ConnectionState(); !ok || !state.HandshakeComplete {
		t.Errorf("ConnectionState = %v, %v", state, ok)
	}
	return client, server
}

// The context ends the handshake with a peer that says nothing, and the
// connection is closed.
func TestClientContext(t *testing.T) {
	for name, wrapped := range map[string]func(net.Conn) net.Conn{
		"socket": func(c net.Conn) net.Conn { return c },
		"other":  func(c net.Conn) net.Conn { return struct{ net.Conn }{c} },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := sockets(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, config := configs(tls.VersionTLS13)
			config.ServerName = "127.0.0.1"
			_, err := tcp.Client(ctx, wrapped(client), config)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Client = %v; want the context's error", err)
			}
			server.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.Copy(io.Discard, server); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is still open: %v", err)
			}
		})
	}
}

func TestClientRefusals(t *testing.T) {
	_, config := configs(tls.VersionTLS13)
	client, _ := sockets(t)
	_, err := tcp.Client(t.Context(), client, config)
	if err == nil || !strings.Contains(err.Error(), "ServerName") {
		t.Errorf("without a ServerName: %v", err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection is still open: %v", err)
	}
	config.ServerName = "127.0.0.1"
	if _, err := tcp.Client(t.Context(), client, config); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed connection: %v", err)
	}
}

// Abort cuts the socket, however deep it lies: closing TLS would send
// close_notify first, to a peer that may read nothing.
func TestAbortOfTLSInTLSCutsTheSocket(t *testing.T) {
	client, server := sockets(t)
	serverConfig, clientConfig := configs(tls.VersionTLS13)
	clientConfig.ServerName = "127.0.0.1"
	stalling := &stallingConn{Conn: client, closed: make(chan struct{})}
	a, b := secured(t, tls.Client(stalling, clientConfig), tls.Server(server, serverConfig))
	defer b.Abort()
	stalling.stalled.Store(true)
	a.Abort()
	select {
	case <-stalling.closed:
	case <-time.After(10 * time.Second):
		t.Error("Abort did not reach the socket")
		stalling.Close()
	}
}

// The output of a stallingConn goes nowhere once it has stalled.
type stallingConn struct {
	net.Conn
	stalled atomic.Bool
	once    sync.Once
	closed  chan struct{}
}

func (c *stallingConn) Write(p []byte) (int, error) {
	if c.stalled.Load() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

func (c *stallingConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// SSH's channels know no deadlines.
func TestFromConnWithoutDeadlines(t *testing.T) {
	client, server := sockets(t)
	s, err := tcp.FromConn(timeless{client}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	server.Write([]byte("hello"))
	p := make([]byte, 10)
	if n, err := s.AwaitRead(slice(p)); string(p[:n]) != "hello" || err != nil {
		t.Errorf("AwaitRead = %q, %v", p[:n], err)
	}
}

type timeless struct{ net.Conn }

func (timeless) SetDeadline(time.Time) error { return errors.New("deadlines are not supported") }
