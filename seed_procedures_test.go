package websockets_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core/frame"
)

func seedWithWebsocket(t *testing.T) {
	for end, code := range map[string]websockets.CloseCode{
		"return": websockets.NormalClosure,
		"error":  websockets.InternalError,
		"panic":  websockets.InternalError,
	} {
		var received []string
		o, _ := reporting(false)
		p := upgraded(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
			for range 3 {
				_, data, err := c.Receive(ctx)
				if err != nil {
					return err
				}
				received = append(received, string(data))
			}
			switch end {
			case "error":
				return errors.New("boom")
			case "panic":
				panic("boom")
			}
			return nil
		}, o))
		p.send(masked(0x81, "1") + masked(0x81, "2") + masked(0x81, "3"))
		p.wantClose(code)
		if !slices.Equal(received, []string{"1", "2", "3"}) {
			t.Errorf("received %q", received)
		}
	}
}

func seedWithConcurrentWebsocket(t *testing.T) {
	for ordered, want := range map[bool]string{
		false: "\x81\x01b\x81\x02cc\x81\x03aaa",
		true:  "\x81\x03aaa\x81\x01b\x81\x02cc",
	} {
		o := zero()
		o.Ordered = ordered
		p := upgraded(t, websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
			time.Sleep(time.Duration(len(m.Data)) * time.Second)
			return c.Send(ctx, m.Type, m.Data)
		}, o))
		p.send(masked(0x81, "aaa") + masked(0x81, "b") + masked(0x81, "cc"))
		p.want(want)
		p.wantAfter(3 * time.Second)
	}
}

func seedReceiveMessage(t *testing.T) {
	type result struct {
		typ  websockets.MessageType
		data string
	}
	results, ends := make(chan result, 9), make(chan error, 9)
	receive := func(ctx context.Context, c *websockets.Conn) {
		for {
			typ, p, err := c.Receive(ctx)
			if err != nil {
				ends <- err
				return
			}
			results <- result{typ, string(p)}
		}
	}
	p := upgraded(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() { receive(ctx, c) })
		}
		readers.Wait()
		receive(ctx, c) // after the end
		return nil
	}, zero()))
	for _, message := range []string{masked(0x81, "text"), masked(0x82, "binary")} {
		p.send(message)
		synctest.Wait()
	}
	p.send(masked(0x88, "\x0f\xa1bye"))
	p.wantClose(4001)
	p.finish()
	if a, b := <-results, <-results; a != (result{websockets.Text, "text"}) || b != (result{websockets.Binary, "binary"}) || len(results) > 0 {
		t.Errorf("received %v and %v, and %d more", a, b, len(results))
	}
	for range 4 {
		err := <-ends
		e, ok := errors.AsType[*websockets.Error](err)
		if !ok || e.Kind != websockets.ErrClosed || e.Code != 4001 || e.Reason != "bye" || !e.Remote {
			t.Errorf("the end is %#v", err)
		}
	}
}

func seedSendMessage(t *testing.T) {
	sent := make(chan bool, 1)
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		c.Send(ctx, websockets.Text, []byte("hi"))
		c.Send(ctx, websockets.Binary, nil)
		c.Send(ctx, websockets.Binary, make([]byte, 1<<16))
		_, err := c.Ping(ctx)
		if err == nil {
			err = c.Send(ctx, websockets.Binary, make([]byte, 4<<20))
		}
		sent <- true
		return err
	}, zero())
	p := upgraded(t, server)
	p.want("\x81\x02hi\x82\x00\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + string(make([]byte, 1<<16)))
	h, payload := p.next()
	if h.Opcode != frame.Ping {
		t.Fatalf("a %v came, want a ping", h.Opcode)
	}
	p.send(masked(0x8a, payload))
	time.Sleep(10 * time.Second)
	if len(sent) > 0 {
		t.Error("Send does not wait for who does not read")
	}
	if h, payload := p.next(); !h.Fin || len(payload) != 4<<20 {
		t.Errorf("a frame of %d bytes came", len(payload))
	}
	<-sent
	p.wantClose(websockets.NormalClosure)
}

func seedCloseWebsocket(t *testing.T) {
	p := upgraded(t, websockets.Handle(func(_ context.Context, c *websockets.Conn) error {
		return c.Close(4000, "enough")
	}, zero()))
	p.want("\x88\x08\x0f\xa0enough")
	p.send(masked(0x88, "\x0f\xa0"))
	if rest, err := io.ReadAll(p); err != nil || len(rest) > 0 {
		t.Errorf("then %q, %v", rest, err)
	}
}
