package http3_test

import (
	"net"
	"testing"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
)

func TestBadNetworks(t *testing.T) {
	quictest.BadNetworks(t, ends)
}

func TestAClientThatMoves(t *testing.T) { quictest.Moves(t, ends()) }

// ends returns the two ends of this carrier.
func ends() *quictest.Ends {
	var s *server
	return &quictest.Ends{
		Serve: func(t testing.TB, ws *websockets.Server, config *quicgo.Config) net.Addr {
			s = serve(t, ws, func(s *h3.Server) { s.QUICConfig = config })
			return s.addr
		},
		Dial: func(t testing.TB, addr net.Addr, o *websockets.Options, config *quicgo.Config) (*websockets.Conn, *quicgo.Conn) {
			c := connect(t, newDialer(&http3.Dialer{Config: config}, o), addr, "/")
			return c, s.conn.Load()
		},
		Aborted: http3.ErrAborted,
	}
}
