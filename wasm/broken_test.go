package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A connection that is made while its instance dies gets another one.
func TestBirthMeetsTrap(t *testing.T) {
	h := newTrapHost(t)
	first := openConn(t, h, nil)
	x := first.x
	x.mu.Lock()
	made := make(chan error)
	go func() {
		err := h.place(func(at *instance) error {
			if at == x {
				at.mu.Lock()
				defer at.mu.Unlock()
				return at.died
			}
			return nil
		})
		made <- err
	}()
	x.calls[fnMaintain] = x.module.ExportedFunction("ws_trap")
	x.call(fnMaintain)
	x.mu.Unlock()
	if err := <-made; err != nil {
		t.Errorf("no other instance was tried: %v", err)
	}
	b := flight.Birth{Open: true, Settings: settingsFor(t, core.Config{})}
	if _, err := x.bear(b, b.Settings.Config()); err != x.died {
		t.Errorf("a birth in an instance that died: %v", err)
	}
	if _, err := x.restore(b.Settings.Config(), first.AppendSnapshot(nil), core.Server); err != x.died {
		t.Errorf("a restored connection in an instance that died: %v", err)
	}
}

// A module that answers what it cannot is discarded, and nothing panics.
func TestBrokenModule(t *testing.T) {
	for name, breakIt := range map[string]func(x *instance){
		"more events than were asked for": func(x *instance) { x.calls[fnRecv] = x.calls[fnPage] },
		"data outside of the input": func(x *instance) {
			x.calls[fnRecv] = x.calls[fnABI] // says 1, and leaves a record of before
		},
		"a buffer outside of memory": func(x *instance) { x.length, x.calls[fnBuffer] = 0, x.calls[fnMaintain] },
	} {
		h := newHost(t, Options{Instances: 1})
		c := openConn(t, h, nil)
		c.Recv(1, []byte("\x82\x81\x01\x02\x03\x04\x05"), nil)
		c.x.mu.Lock()
		breakIt(c.x)
		c.x.mu.Unlock()
		c.Recv(2, bytes.Repeat([]byte{0}, 3), nil)
		c.Recv(3, bytes.Repeat([]byte{0}, 80_000), nil)
		if err := c.Err(); err == nil && name != "a buffer outside of memory" {
			t.Errorf("%s: no error", name)
		}
		c.Release()
	}
}

// What does not fit behind the input is left for another call, and nothing is written
// elsewhere.
func TestBatchSendRoom(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	c := openConn(t, h, nil)
	defer c.Release()
	c.Batch(func(b *Batch) {
		in := b.Input(60_000)
		n := copy(in, frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Binary, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, bytes.Repeat([]byte("x"), 50_000)))
		_, events, _, err := b.Recv(1, n)
		if len(events) != 1 || err != nil {
			t.Fatal(events, err)
		}
		out, n, err := b.Send([]core.Event{events[0], chunk(frame.Binary, true, true, strings.Repeat("y", 66_000))})
		if n != 1 || err != nil || !bytes.Equal(out[4:], bytes.Repeat([]byte("x"), 50_000)) {
			t.Errorf("%d, %v, %d bytes", n, err, len(out))
		}
		if _, n, err := b.Send([]core.Event{chunk(frame.Binary, true, true, strings.Repeat("y", 66_000))}); n != 0 || err != ErrTooLong {
			t.Errorf("%d, %v", n, err)
		}
	})
	c.Batch(func(b *Batch) {
		out, n, err := b.Send([]core.Event{chunk(frame.Binary, true, true, strings.Repeat("y", 66_000))})
		if n != 1 || err != nil || len(out) != 66_010 {
			t.Errorf("with nothing lent: %d, %v, %d bytes", n, err, len(out))
		}
	})
}

// Peers cannot use up the memory of an instance, however small it is: many short lines
// in a head take the most.
func TestHeadsFillNoMemory(t *testing.T) {
	h := newHost(t, Options{Instances: 1, Connections: 100, HandshakeMemory: 1 << 20})
	head := []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
	for i := range 120 {
		head = fmt.Appendf(head, "A%d:\r\n", i)
	}
	head = append(head, "\r\n"...)
	set := settingsFor(t, core.Config{})
	for i := range 30_000 {
		c, err := h.NewConn(flight.Birth{Settings: set})
		if err != nil {
			t.Fatalf("handshake %d: %v", i, err)
		}
		if _, ev := c.Recv(1, bytes.Clone(head), nil); ev.Kind != core.EventRequest {
			t.Fatalf("handshake %d: %+v, %v", i, ev, c.Err())
		}
		c.Release()
	}
}

// Two who close a host at once both wait.
func TestCloseTwice(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	c := openConn(t, h, nil)
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- h.Close(context.Background()) }()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	if c.Err() != ErrClosed {
		t.Error(c.Err())
	}
}
