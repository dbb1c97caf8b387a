package websockets_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A chronicle writes down the events of one connection, and how long they
// overlap.
type chronicle struct {
	open, message error // what OnOpen and OnMessage return
	closes        bool  // OnMessage closes the connection

	mu     sync.Mutex
	events []string
	data   [][]byte
	ended  error
	opened chan struct{} // closed by OnOpen, unless nil
	done   chan struct{} // closed by OnClose
}

func (h *chronicle) write(format string, args ...any) {
	if !h.mu.TryLock() {
		panic("two events at once")
	}
	defer h.mu.Unlock()
	h.events = append(h.events, fmt.Sprintf(format, args...))
	time.Sleep(time.Millisecond)
}

func (h *chronicle) OnOpen(ctx context.Context, c *websockets.Conn) error {
	h.write("open %s %v", c.Request().URL.Path, ctx.Err())
	if h.opened != nil {
		close(h.opened)
	}
	return h.open
}

func (h *chronicle) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	h.write("%v %s %v", m.Type, m.Data, ctx.Err())
	h.data = append(h.data, m.Data)
	if h.closes {
		return c.Close(4000, "enough")
	}
	return h.message
}

func (h *chronicle) OnClose(c *websockets.Conn, err error) {
	h.write("close")
	if c.Err() == nil {
		panic("the connection has not ended")
	}
	h.ended = err
	close(h.done)
}

func TestEvents(t *testing.T) { overDrivers(t, testEvents) }

func testEvents(t *testing.T, strict func() *websockets.Options) {
	own := errors.New("mine")
	isOwn := func(err error) bool { return err == own }
	is := func(kind websockets.Kind, code websockets.CloseCode, remote bool) func(error) bool {
		return func(err error) bool {
			e, ok := err.(*websockets.Error)
			return ok && e.Kind == kind && e.Code == code && e.Remote == remote
		}
	}
	send := func(c *websockets.Conn) {
		for _, s := range []string{"a", "b", "c"} {
			c.Send(context.Background(), websockets.Text, []byte(s))
		}
	}
	all := []string{"open /x <nil>", "text a <nil>", "text b <nil>", "text c <nil>", "close"}
	tests := map[string]struct {
		handler *chronicle
		client  func(*websockets.Conn)
		code    websockets.CloseCode
		events  []string
		ended   func(error) bool
		report  bool
	}{
		"the client closes": {
			client: func(c *websockets.Conn) { send(c); c.Close(4001, "bye") },
			events: all, ended: is(websockets.ErrClosed, 4001, true),
		},
		"the client breaks off": {
			client: func(c *websockets.Conn) { c.CloseNow() },
			events: []string{all[0], "close"}, ended: is(websockets.ErrLost, websockets.Abnormal, false),
		},
		"OnOpen fails": {
			handler: &chronicle{open: own}, client: send, code: websockets.InternalError,
			events: []string{all[0], "close"}, ended: isOwn, report: true,
		},
		"OnMessage fails": {
			handler: &chronicle{message: own}, client: send, code: websockets.InternalError,
			events: []string{all[0], all[1], "close"}, ended: isOwn, report: true,
		},
		"OnMessage closes": {
			handler: &chronicle{closes: true}, client: func(c *websockets.Conn) { c.Send(context.Background(), websockets.Text, []byte("a")) }, code: 4000,
			events: []string{all[0], all[1], "close"}, ended: is(websockets.ErrClosed, 4000, false),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := test.handler
			if h == nil {
				h = &chronicle{}
			}
			h.done = make(chan struct{})
			reported := make(chan error, 9)
			o := strict()
			o.OnError = func(_ *http.Request, err error) { reported <- err }
			server := websockets.HandleEvents(h, o)
			c, err := overPipe(t, server)(t.Context(), "/x")
			if err != nil {
				t.Fatal(err)
			}
			test.client(c)
			_, _, err = c.Receive(t.Context())
			if got := websockets.CloseStatus(err); test.code != 0 && got != test.code {
				t.Errorf("the client saw %v, want code %v", err, test.code)
			}
			c.Close(websockets.NormalClosure, "")
			<-h.done
			if err := server.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(h.events, test.events) {
				t.Errorf("events %q, want %q", h.events, test.events)
			}
			if !test.ended(h.ended) {
				t.Errorf("OnClose was told %#v: %v", h.ended, h.ended)
			}
			if test.report != (len(reported) == 1) {
				t.Errorf("reported %d times", len(reported))
			}
		})
	}
}

// Once this side has begun to close, nothing is delivered; a Close that was
// refused changes nothing.
func TestEventsAfterTheClose(t *testing.T) { overDrivers(t, testEventsAfterTheClose) }

func testEventsAfterTheClose(t *testing.T, strict func() *websockets.Options) {
	later := func(c *websockets.Conn) error {
		go c.Close(4000, "")
		time.Sleep(20 * time.Millisecond)
		return nil
	}
	for name, test := range map[string]struct {
		open func(c *websockets.Conn) error
		want int
	}{
		"Close":    {func(c *websockets.Conn) error { return c.Close(4000, "") }, 0},
		"later":    {later, 0},
		"CloseNow": {func(c *websockets.Conn) error { return c.CloseNow() }, 0},
		"misuse":   {func(c *websockets.Conn) error { c.Close(999, ""); return nil }, 3},
		"too long": {func(c *websockets.Conn) error { c.Close(4000, strings.Repeat("x", 124)); return nil }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			sent := make(chan bool)
			h := &opener{open: func(c *websockets.Conn) error {
				<-sent
				return test.open(c)
			}}
			server := websockets.HandleEvents(h, strict())
			c, err := overPipe(t, server)(t.Context(), "/")
			if err != nil {
				t.Fatal(err)
			}
			sendAll(c, "a", "b", "c")
			close(sent)
			if name == "later" {
				time.Sleep(50 * time.Millisecond)
			}
			c.Close(websockets.NormalClosure, "")
			if err := server.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if h.messages != test.want {
				t.Errorf("%d messages", h.messages)
			}
		})
	}
}

type opener struct {
	open     func(c *websockets.Conn) error
	messages int
}

func (h *opener) OnOpen(_ context.Context, c *websockets.Conn) error { return h.open(c) }

func (h *opener) OnMessage(context.Context, *websockets.Conn, websockets.Message) error {
	h.messages++
	return nil
}

func (h *opener) OnClose(*websockets.Conn, error) {}

// What OnMessage is given stays as it is.
func TestEventsGiveTheirDataAway(t *testing.T) { overDrivers(t, testEventsGiveTheirDataAway) }

func testEventsGiveTheirDataAway(t *testing.T, strict func() *websockets.Options) {
	h := &chronicle{done: make(chan struct{})}
	c, err := overPipe(t, websockets.HandleEvents(h, strict()))(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	var want [][]byte
	for i := range 20 {
		want = append(want, []byte(strings.Repeat(string(rune('a'+i)), 100*i)))
		c.Send(t.Context(), websockets.Text, want[i])
	}
	c.Close(websockets.NormalClosure, "")
	<-h.done
	if !slices.EqualFunc(h.data, want, slices.Equal) {
		t.Errorf("%d messages have changed", len(h.data))
	}
}

// Shutdown waits for OnClose, which is told that it was this side.
func TestEventsAndShutdown(t *testing.T) { overDrivers(t, testEventsAndShutdown) }

func testEventsAndShutdown(t *testing.T, strict func() *websockets.Options) {
	h := &chronicle{opened: make(chan struct{}), done: make(chan struct{})}
	server := websockets.HandleEvents(h, strict())
	c, err := overPipe(t, server)(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	<-h.opened
	shutdown(t, server, c)
	select {
	case <-h.done:
	default:
		t.Fatal("OnClose has not returned")
	}
	e, ok := h.ended.(*websockets.Error)
	if !ok || e.Kind != websockets.ErrClosed || e.Code != websockets.GoingAway || e.Remote {
		t.Errorf("OnClose was told %#v: %v", h.ended, h.ended)
	}
}

// After a panic OnClose is called too, and told of it.
func TestEventsOnCloseAfterAPanic(t *testing.T) { overDrivers(t, testEventsOnCloseAfterAPanic) }

func testEventsOnCloseAfterAPanic(t *testing.T, strict func() *websockets.Options) {
	told := make(chan error, 9)
	h := &closeTeller{mine{goesOff}, told}
	c, err := overPipe(t, websockets.HandleEvents(h, strict()))(t.Context(), "/open")
	if err != nil {
		t.Fatal(err)
	}
	c.Receive(t.Context())
	c.CloseNow()
	err = <-told
	if e, ok := err.(*websockets.Error); !ok || e.Kind != websockets.ErrUnexpected || e.Code != websockets.InternalError || !strings.Contains(e.Error(), "kaboom") {
		t.Errorf("OnClose was told %#v", err)
	}
	if len(told) > 0 {
		t.Error("OnClose was called twice")
	}
}

type closeTeller struct {
	mine
	told chan error
}

func (h closeTeller) OnClose(_ *websockets.Conn, err error) { h.told <- err }

func TestFormsWithoutHandler(t *testing.T) {
	reported := make(chan error, 9)
	o := strict()
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	for name, server := range map[string]*websockets.Server{
		"Handle":           websockets.Handle(nil, o),
		"HandleConcurrent": websockets.HandleConcurrent(nil, o),
		"HandleEvents":     websockets.HandleEvents(nil, o),
	} {
		if err := server.Serve(pipe.Listen(0)); err == nil || !strings.Contains(err.Error(), "not set") {
			t.Errorf("%s: Serve returned %v", name, err)
		}
		a, b := pipe.New(0)
		go server.ServeStream(t.Context(), a)
		c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), b, "ws://test/")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
			t.Errorf("%s: the client saw %v", name, err)
		}
		c.CloseNow()
		if err := <-reported; !strings.Contains(err.Error(), "not set") {
			t.Errorf("%s: reported %v", name, err)
		}
	}
}
