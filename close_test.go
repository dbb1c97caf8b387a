package websockets_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// over runs a handler and a client over two streams.
func over(t *testing.T, h websockets.HandlerFunc, server, client transport.Stream) *websockets.Conn {
	t.Helper()
	go websockets.Handle(h, strict()).ServeStream(context.Background(), server)
	c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), client, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// A carrier that cannot end one direction alone is closed when both sides have
// said so.
func TestCloseWithoutHalfClose(t *testing.T) {
	for name, first := range map[string]websockets.HandlerFunc{
		"the client closes": echo,
		"the server closes": func(context.Context, *websockets.Conn) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				c := over(t, first, transport.NewPump(a), transport.NewPump(b))
				start := time.Now()
				if err := c.Close(websockets.NormalClosure, ""); err != nil {
					t.Error(err)
				}
				if d := time.Since(start); d > 0 {
					t.Errorf("Close took %v", d)
				}
			})
		})
	}
}

// A handler that only sends would not see a close behind a message.
func TestDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		push := func(ctx context.Context, c *websockets.Conn) error {
			c.Discard()
			<-c.Done()
			ended <- time.Now()
			return c.Err()
		}
		a, b := pipe.New(0)
		c := over(t, push, a, b)
		for range 1000 {
			if err := c.Send(t.Context(), websockets.Text, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if err := c.Close(websockets.NormalClosure, ""); err != nil {
			t.Error(err)
		}
		if d := (<-ended).Sub(start); d > 3*time.Second {
			t.Errorf("the handler learnt of the end after %v", d)
		}
	})
}

// The peer's refusal is not an answer to our close.
func TestCloseTellsOfARefusal(t *testing.T) {
	o := strict()
	o.MaxMessageSize = 10
	c := dial(t, serve(t, websockets.Handle(echo, o)), strict())
	if err := c.Send(t.Context(), websockets.Text, make([]byte, 11)); err != nil {
		t.Fatal(err)
	}
	err := c.Close(websockets.NormalClosure, "")
	e, ok := errors.AsType[*websockets.Error](err)
	if !ok || e.Code != websockets.MessageTooBig || !e.Remote {
		t.Errorf("Close: %#v", err)
	}
}

func TestCloseRefusesWhatCannotBeSent(t *testing.T) {
	c := dial(t, serve(t, websockets.Handle(echo, strict())), strict())
	for _, code := range []websockets.CloseCode{0, 999, 1004, 1006, 1015, 2000, 5000} {
		if err := c.Close(code, ""); !errors.Is(err, websockets.ErrMisuse) {
			t.Errorf("code %d: %v", code, err)
		}
	}
	for _, reason := range []string{string(make([]byte, 124)), "\xff"} {
		if err := c.Close(websockets.NormalClosure, reason); !errors.Is(err, websockets.ErrMisuse) {
			t.Errorf("reason %q: %v", reason, err)
		}
	}
	if err := c.Send(t.Context(), websockets.Text, []byte("still open")); err != nil {
		t.Error(err)
	}
	if err := c.Close(websockets.NoStatus, ""); err != nil {
		t.Error(err)
	}
}
