package tcp_test

import (
	"errors"
	"net"
	"testing"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func TestAcceptStream(t *testing.T) {
	l, err := tcp.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s, err := l.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	if _, ok := s.(*tcp.Stream); !ok {
		t.Errorf("a %T; want a *tcp.Stream", s)
	}
	l.Close()
	if s, err := l.AcceptStream(); s != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v, %v; want nil and net.ErrClosed", s, err)
	}
}

// A connection of which no stream can be made is closed, and the listener goes
// on: the error says that it is temporary, as a server wants to know.
func TestAcceptOfAConnectionThatIsOfNoUse(t *testing.T) {
	inner, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	l := tcp.NewListener(&closing{Listener: inner, times: 1}, nil)
	defer l.Close()
	for range 2 {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
	}
	_, err = l.Accept()
	temporary, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	if !ok || !temporary.Temporary() || !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v; want a temporary error that wraps the connection's", err)
	}
	var s transport.Stream
	if s, err = l.AcceptStream(); err != nil {
		t.Fatal(err)
	}
	s.Abort()
}

// A closing listener closes what it accepts, the first times.
type closing struct {
	net.Listener
	times int
}

func (l *closing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil && l.times > 0 {
		l.times--
		c.Close()
	}
	return c, err
}
