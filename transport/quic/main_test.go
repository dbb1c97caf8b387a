package quic_test

import (
	"net"
	"testing"

	"github.com/fb1e3c20/websockets/internal/leak"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

func TestMain(m *testing.M) { leak.Main(m) }

// listen returns a listener that is gone, with all that it accepted, when the test
// ends.
func listen(t testing.TB, config *quic.Config) *quic.Listener {
	t.Helper()
	l, err := quic.Listen(quictest.AnyPort, quictest.ServerTLS(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Abort()
		quictest.Await(t, "the end of the listener", l.Done())
	})
	return l
}

// dial returns a connection that is gone when the test ends.
func dial(t testing.TB, addr net.Addr, config *quic.Config) *quic.Conn {
	t.Helper()
	c, err := quic.Dial(t.Context(), addr.String(), quictest.ClientTLS(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Abort()
		quictest.Await(t, "the end of the connection", c.Done())
	})
	return c
}

// open returns both ends of a new stream, with nothing on it.
func open(t testing.TB, c *quic.Conn, l *quic.Listener) (client, server *quic.Stream) {
	t.Helper()
	client, err := c.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quictest.Write(t, client, "?")
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := quictest.Read(server, 1); got != "?" || err != nil {
		t.Fatalf("the first byte: %q, %v", got, err)
	}
	return client, server
}
