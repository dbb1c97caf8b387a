package websockets_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core/frame"
)

// The known defects of the library that this one descends from, each through
// the whole stack. The first is in server_test.go; those of the protocol alone
// are tested for both roles in package core, the busy handler in package
// transport.

// masked returns a client's frame, its first byte given, masked with zeros.
func masked(first byte, payload string) string {
	h := frame.AppendHeader(nil, frame.Header{Opcode: frame.Opcode(first & 0xf), Masked: true, Length: int64(len(payload))})
	h[0] = first
	return string(h) + payload
}

func TestSeedDefects(t *testing.T) {
	tests := []struct {
		name, send, want string
	}{
		{"02 a pong between two fragments", masked(0x01, "Hel") + masked(0x8a, "") + masked(0x80, "lo"), "\x81\x05Hello"},
		{"03 a stray continuation byte", masked(0x81, "\x81"), "\x88\x1a\x03\xef"},
		{"03 the last stray continuation byte", masked(0x81, "\xbe"), "\x88\x1a\x03\xef"},
		{"04 an unmasked client frame", "\x81\x02hi", "\x88\x1c\x03\xea"},
		{"09 bad UTF-8 in a frame of which the rest has not come", masked(0x81, string(make([]byte, 1000)))[:9] + "\xc0", "\x88\x1a\x03\xef"},
		{"09 a length that is not minimal", "\x82\xfe\x00\x05\x00\x00\x00\x00", "\x88\x28\x03\xea"},
		{"09 a length with the top bit", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", "\x88\x28\x03\xea"},
	}
	url := serve(t, websockets.Handle(echo, strict()))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, _ := rawDial(t, url, validRequest)
			r.send(test.send)
			got := make([]byte, len(test.want))
			if _, err := io.ReadFull(r, got); err != nil {
				t.Fatal(err)
			}
			if test.want[0] == 0x88 { // the reason may change, the code may not
				got[1] = test.want[1]
			}
			if string(got) != test.want {
				t.Errorf("read %q, want %q", got, test.want)
			}
		})
	}
}

func TestSeedDefect06TheFirstToCloseDoesNotWaitForTheTimeout(t *testing.T) {
	took := make(chan time.Duration, 1)
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		start := time.Now()
		err := c.Close(websockets.NormalClosure, "")
		took <- time.Since(start)
		return err
	}, strict())
	c := dial(t, serve(t, server), strict())
	c.Receive(t.Context())
	c.Close(websockets.NormalClosure, "")
	if d := <-took; d > 2*time.Second {
		t.Errorf("Close took %v", d)
	}
}

func TestSeedDefect07CloseNeverLandsInsideAnotherFrame(t *testing.T) {
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		var senders sync.WaitGroup
		for _, size := range []int{10, 3000, 70_000, 500_000} {
			senders.Go(func() {
				for c.Send(ctx, websockets.Binary, make([]byte, size)) == nil {
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		err := c.Close(websockets.NormalClosure, "")
		senders.Wait()
		return err
	}, strict())
	for range 5 {
		c := dial(t, serve(t, server), strict())
		for {
			_, p, err := c.Receive(t.Context())
			if err != nil {
				if websockets.CloseStatus(err) != websockets.NormalClosure {
					t.Errorf("ended with %v", err)
				}
				break
			}
			for _, b := range p {
				if b != 0 {
					t.Fatal("another frame inside a message")
				}
			}
		}
		c.Close(websockets.NormalClosure, "")
	}
}

func TestSeedDefect08SuddenEndIsAbnormalClosure(t *testing.T) {
	ended := make(chan error, 1)
	url := serve(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		for {
			if _, _, err := c.Receive(ctx); err != nil {
				ended <- err
				return err
			}
		}
	}, strict()))
	for _, before := range []string{"", masked(0x82, "whole"), masked(0x82, "cut")[:7]} {
		r, _ := rawDial(t, url, validRequest)
		r.send(before)
		r.Close()
		err := <-ended
		e, ok := errors.AsType[*websockets.Error](err)
		if !ok || e.Kind != websockets.ErrLost || e.Code != websockets.Abnormal || errors.Is(err, websockets.ErrUnexpected) {
			t.Errorf("after %q: %#v", before, err)
		}
	}
}

func TestSeedDefect10ReceiveAfterCloseReturns(t *testing.T) {
	c := dial(t, serve(t, websockets.Handle(echo, strict())), strict())
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := c.Receive(t.Context()); !errors.Is(err, websockets.ErrClosed) {
			t.Errorf("Receive: %v", err)
		}
		if err := c.Send(t.Context(), websockets.Text, nil); !errors.Is(err, websockets.ErrClosed) {
			t.Errorf("Send: %v", err)
		}
	}
	if c.Err() == nil {
		t.Error("no error after Close")
	}
	<-c.Done()
}
