package quic_test

import (
	"testing"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/quic"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

func TestContract(t *testing.T) {
	l := listen(t, nil)
	c := dial(t, l.Addr(), nil)
	t.Run("ClientFirst", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return open(t, c, l) })
	})
	t.Run("ServerFirst", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			client, server := open(t, c, l)
			return server, client
		})
	})
	t.Run("OneConnectionEach", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			c, err := quic.Dial(t.Context(), l.Addr().String(), clientTLS(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			return open(t, c, l)
		})
	})
}
