package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// joinRoom joins a room over a connection in memory.
func joinRoom(t *testing.T, s *websockets.Server, size int) *websockets.Conn {
	t.Helper()
	client, server := pipe.New(size)
	go s.ServeStream(context.Background(), server)
	o := websockets.Strict()
	o.PingInterval = -1
	c, err := (&websockets.Dialer{Options: o}).DialStream(t.Context(), client, "ws://room/")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // until the server has it in the room
	return c
}

func newTestRoom(log *bytes.Buffer) *websockets.Server {
	o := websockets.Strict()
	o.PingInterval = -1
	return websockets.Handle(newRoom(slog.New(slog.NewTextHandler(log, nil))).serve, o)
}

// Every member gets every message, its own too, in one order for all.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newTestRoom(&log)
		a, b := joinRoom(t, s, 0), joinRoom(t, s, 0)
		const each = 100
		for range each {
			go a.Send(context.Background(), websockets.Text, []byte("from a"))
			go b.Send(context.Background(), websockets.Binary, []byte("from b"))
		}
		counts := map[string]int{}
		for range 2 * each {
			typ, p, err := a.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			typ2, p2, err := b.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if typ != typ2 || !bytes.Equal(p, p2) {
				t.Fatalf("a got %v %q where b got %v %q", typ, p, typ2, p2)
			}
			counts[typ.String()+" "+string(p)]++
		}
		if counts["text from a"] != each || counts["binary from b"] != each {
			t.Errorf("got %v", counts)
		}
		// Who has left is not missed.
		a.Close(websockets.NormalClosure, "")
		send(t, b, "alone")
		wantMessage(t, b, "alone")
		b.Close(websockets.NormalClosure, "")
		s.Shutdown(t.Context())
	})
}

// A member that does not read is dropped, told so, and nobody waits for it.
func TestRoomDropsTheSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newTestRoom(&log)
		slow, quick := joinRoom(t, s, 4096), joinRoom(t, s, 0)
		message := strings.Repeat("x", 64<<10)
		sent := 0
		for ; sent < 4*maxQueued/len(message); sent++ {
			send(t, quick, message)
			wantMessage(t, quick, message)
		}
		received := 0
		for {
			_, _, err := slow.Receive(t.Context())
			if err == nil {
				received++
				continue
			}
			if code := websockets.CloseStatus(err); code != websockets.TryAgainLater {
				t.Errorf("got %v, want a close with 1013", err)
			}
			break
		}
		if received == 0 || received > sent/2 {
			t.Errorf("the slow member got %d messages of %d", received, sent)
		}
		if !strings.Contains(log.String(), "dropped") {
			t.Errorf("the log does not say that a member was dropped:\n%s", log.String())
		}
		quick.Close(websockets.NormalClosure, "")
		s.Shutdown(t.Context())
	})
}

// A burst of messages drops nobody who reads.
func TestRoomTakesBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newTestRoom(&log)
		a, b := joinRoom(t, s, 4096), joinRoom(t, s, 4096)
		text := strings.Repeat("x", 1000)
		const burst = 2 * maxQueued / 1000
		go func() {
			for range burst {
				if a.Send(context.Background(), websockets.Text, []byte(text)) != nil {
					return
				}
			}
		}()
		for range burst {
			wantMessage(t, b, text)
			wantMessage(t, a, text)
		}
		a.Close(websockets.NormalClosure, "")
		b.Close(websockets.NormalClosure, "")
		s.Shutdown(t.Context())
	})
}
