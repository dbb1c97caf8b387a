package websockets_test

import (
	"errors"
	"net"
	"testing"

	"github.com/fb1e3c20/websockets"
)

func TestErrorsMadeByHandSpeak(t *testing.T) {
	for _, err := range []error{
		&websockets.Error{Kind: websockets.ErrLost},
		&websockets.HandshakeError{Status: 403},
		websockets.Kind(200),
	} {
		if err.Error() == "" {
			t.Errorf("%#v says nothing", err)
		}
	}
}

func TestDialErrorsAreHandshakeErrors(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	_, err = websockets.Dial(t.Context(), "ws://"+free.Addr().String(), strict())
	if _, ok := errors.AsType[*net.OpError](err); !ok || !errors.Is(err, websockets.ErrHandshake) {
		t.Errorf("nobody listens: %#v", err)
	}

	hangsUp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hangsUp.Close()
	go func() {
		if c, err := hangsUp.Accept(); err == nil {
			c.Close()
		}
	}()
	_, err = websockets.Dial(t.Context(), "ws://"+hangsUp.Addr().String(), strict())
	if !errors.Is(err, websockets.ErrLost) || !errors.Is(err, websockets.ErrHandshake) {
		t.Errorf("the server hangs up: %#v", err)
	}
}
