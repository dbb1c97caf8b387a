package wasm

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/wasm/internal/build"
)

// trapping is the module with a function that traps.
var trapping = sync.OnceValues(func() ([]byte, error) { return build.Guest(".", "trap") })

func newTrapHost(t *testing.T) *Host {
	t.Helper()
	module, err := trapping()
	if err != nil {
		t.Fatal(err)
	}
	return newHost(t, Options{Instances: 2, Module: module})
}

// trap has x trap, in the middle of a call.
func (x *instance) trap(t *testing.T) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.calls[fnMaintain] = x.module.ExportedFunction("ws_trap")
	x.call(fnMaintain)
	if x.died == nil {
		t.Fatal("the instance has not trapped")
	}
}

// A trap takes down the connections of its own instance, at once, wherever they
// are: idle, waiting, or about to be used. Those of another echo on, and new
// connections get a new instance.
func TestTrap(t *testing.T) {
	h := newTrapHost(t)
	server := websockets.Strict()
	server.Machine = h.Machine
	server.PropagateCommonErrors = true
	ended := make(chan error, 10)
	echo := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		for {
			typ, p, err := c.Receive(ctx)
			if err != nil {
				ended <- err
				return err
			}
			if err := c.Send(ctx, typ, p); err != nil {
				return err
			}
		}
	}, server)
	t.Cleanup(func() { echo.Shutdown(context.Background()) })

	first, second := dialEcho(t, echo), dialEcho(t, echo)
	if h.Stats().Instances != 2 || h.Stats().Connections != 2 {
		t.Fatalf("%+v, want two instances with a connection each", h.Stats())
	}
	say(t, first)
	say(t, second)
	h.instances[0].trap(t)

	trap := (*TrapError)(nil)
	if err := await(t, ended); !errors.As(err, &trap) || trap.Call != "ws_maintain" || !errors.Is(err, websockets.ErrUnexpected) {
		t.Errorf("the handler's connection ended with %v", err)
	}
	if _, _, err := first.Receive(context.Background()); websockets.CloseStatus(err) != 0 || !errors.Is(err, websockets.ErrLost) {
		t.Errorf("the peer saw %v, want a connection that is lost", err)
	}
	for range 100 {
		say(t, second)
	}
	say(t, dialEcho(t, echo))
	if h.Stats().Instances != 2 {
		t.Errorf("%+v, want a new instance in place of the one that trapped", h.Stats())
	}
}

func await(t *testing.T, ended chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the connection has not ended")
		return nil
	}
}

func dialEcho(t *testing.T, s *websockets.Server) *websockets.Conn {
	t.Helper()
	a, b := pipe.New(0)
	go s.ServeStream(context.Background(), a)
	c, err := (&websockets.Dialer{Options: websockets.Strict()}).DialStream(context.Background(), b, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func say(t *testing.T, c *websockets.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Send(ctx, websockets.Text, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Receive(ctx); err != nil || string(p) != "hello" {
		t.Fatalf("%q, %v", p, err)
	}
}

// Calls of a Conn whose instance has trapped, and of one that is released, do
// nothing and say why.
func TestAfterTheTrap(t *testing.T) {
	h := newTrapHost(t)
	for _, end := range []string{"trap", "release"} {
		c := openConn(t, h, nil)
		want := error(nil)
		if end == "trap" {
			c.x.trap(t)
			want = c.x.died
		} else {
			c.Release()
		}
		checkGone(t, end, c, want)
		c.Release()
		c.Release()
	}
	if n := h.Stats().Connections; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}
