package websockets_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// An hour of an idle connection, in a bubble, with everything as by default
// but the answers to pings.
func TestAnIdleHourInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipe.New(0)
		go websockets.Handle(echo, strict()).ServeStream(t.Context(), ours)
		c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), theirs, "ws://test/")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := c.Close(websockets.NormalClosure, ""); err != nil {
			t.Error(err)
		}
	})
}

// The snippet of README.md.
func TestFakeClockOfTheREADME(t *testing.T) {
	ctx := t.Context()
	var clk, stopped sim.Clock
	server, client := strict(), strict()
	server.Clock, client.Clock = &clk, &stopped
	a, b := pipe.New(0)
	go websockets.Handle(echo, server).ServeStream(ctx, a)
	c, err := (&websockets.Dialer{Options: client}).DialStream(ctx, b, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	clk.Advance(58 * time.Second)
	_, _, err = c.Receive(ctx)
	if websockets.CloseStatus(err) != websockets.GoingAway {
		t.Errorf("Receive: %v", err)
	}
}
