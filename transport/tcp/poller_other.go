//go:build !linux

package tcp

import (
	"net"

	"github.com/fb1e3c20/websockets/transport"
)

const canPoll = false

type loop struct{}

func newLoop(int) *loop { return nil }

func (*Poller) accepting(*net.TCPListener) (*acceptor, error) { return nil, ErrNoPoller }
func (*Poller) adopt(*net.TCPConn) (transport.Polled, error)  { return nil, ErrNoPoller }

type acceptor struct{}

func (*acceptor) accept(*loop) (transport.Stream, error) { return nil, ErrNoPoller }
func (*acceptor) each(*Poller, func(transport.Stream)) error {
	return ErrNoPoller
}

func (*acceptor) close() {}
