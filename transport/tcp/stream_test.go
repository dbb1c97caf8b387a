package tcp_test

import (
	"testing"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/streamtest"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func TestContract(t *testing.T) {
	t.Run("TCP", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connect(t, "tcp", "127.0.0.1:0") })
	})
	t.Run("Unix", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connect(t, "unix", t.TempDir()+"/s") })
	})
}

// connect returns both ends of a fresh connection.
func connect(t *testing.T, network, addr string) (client, server *tcp.Stream) {
	t.Helper()
	l, err := tcp.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = tcp.Dial(t.Context(), network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}
