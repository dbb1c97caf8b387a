package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// connect opens a connection in memory, for a session that began elsewhere.
func connect(t *testing.T, s *session) *websockets.Conn {
	t.Helper()
	ours, theirs := pipe.New(0)
	ctx := context.WithValue(t.Context(), visitorKey{}, visitor{session: s})
	go websockets.Handle(serve, socketOptions()).ServeStream(ctx, ours)
	d := websockets.Dialer{Options: websockets.Strict()}
	c, err := d.DialStream(t.Context(), theirs, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func wantMessage(t *testing.T, c *websockets.Conn, want string) {
	t.Helper()
	if _, p, err := c.Receive(t.Context()); err != nil || string(p) != want {
		t.Fatalf("got %q, %v, want %q", p, err, want)
	}
}

func wantClose(t *testing.T, c *websockets.Conn, code websockets.CloseCode, reason string) {
	t.Helper()
	_, p, err := c.Receive(t.Context())
	if e, ok := err.(*websockets.Error); !ok || websockets.CloseStatus(err) != code || e.Reason != reason {
		t.Errorf("got %q, %v, want a close with %v %q", p, err, code, reason)
	}
}

func say(t *testing.T, c *websockets.Conn, text string) {
	t.Helper()
	if err := c.Send(t.Context(), websockets.Text, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestTheConnectionEndsWithItsSession(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(*session)
		after  time.Duration
		reason string
	}{
		"expired":    {func(*session) {}, 15 * time.Minute, "the session has expired"},
		"logged out": {func(s *session) { s.end(errLoggedOut) }, 0, "logged out"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				alice := newSession("alice", 15*time.Minute)
				first, second := connect(t, alice), connect(t, alice)
				wantMessage(t, first, "hello, alice")
				wantMessage(t, second, "hello, alice")
				say(t, first, "who am I?")
				wantMessage(t, first, "alice: who am I?")
				begin := time.Now()
				test.end(alice)
				wantClose(t, first, sessionOver, test.reason)
				wantClose(t, second, sessionOver, test.reason)
				if after := time.Since(begin); after != test.after {
					t.Errorf("closed after %v, want %v", after, test.after)
				}
			})
		})
	}
}

// What is said when the session is over is not answered, even if it is there.
func TestNothingIsDoneAfterTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := newSession("alice", time.Hour)
		c := connect(t, alice)
		wantMessage(t, c, "hello, alice")
		time.Sleep(time.Hour - 1)
		say(t, c, "in time")
		wantMessage(t, c, "alice: in time")
		alice.end(errLoggedOut)
		say(t, c, "too late")
		wantClose(t, c, sessionOver, "logged out")
	})
}

func TestTheUserLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := newSession("alice", time.Hour)
		defer alice.end(nil)
		c := connect(t, alice)
		wantMessage(t, c, "hello, alice")
		if err := c.Close(websockets.NormalClosure, ""); err != nil {
			t.Error(err)
		}
		if alice.Err() != nil {
			t.Error("the session ended with a connection")
		}
	})
}
