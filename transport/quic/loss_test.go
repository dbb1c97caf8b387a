package quic_test

import (
	"net"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

func TestBadNetworks(t *testing.T) {
	quictest.BadNetworks(t, ends)
}

func TestAClientThatMoves(t *testing.T) { quictest.Moves(t, ends()) }

// ends returns the two ends of this carrier.
func ends() *quictest.Ends {
	return &quictest.Ends{Serve: serveOn, Dial: dialOn, Aborted: quic.ErrAborted}
}

func serveOn(t testing.TB, s *websockets.Server, config *quic.Config) net.Addr {
	l := listen(t, config)
	go s.Serve(l)
	return l.Addr()
}

func dialOn(t testing.TB, addr net.Addr, o *websockets.Options, config *quic.Config) (*websockets.Conn, *quicgo.Conn) {
	c := dial(t, addr, config)
	return connect(t, c, &websockets.Dialer{Options: o}, "/"), c.QUIC()
}
