package websockets_test

import (
	"context"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// With HoldClose both ends of a connection can still send after the other's
// close frame, and answer it with a code of their own.
func TestHoldCloseOption(t *testing.T) {
	holding := strict()
	holding.HoldClose = true
	for name, ends := range map[string]func(a, b *websockets.Conn) (holds, closes *websockets.Conn){
		"Server": func(server, client *websockets.Conn) (holds, closes *websockets.Conn) { return server, client },
		"Client": func(server, client *websockets.Conn) (holds, closes *websockets.Conn) { return client, server },
	} {
		t.Run(name, func(t *testing.T) {
			holds, closes := ends(connected(t, holding))
			closed := make(chan error, 1)
			go func() { closed <- closes.Close(4000, "first") }()
			_, _, err := holds.Receive(t.Context())
			if websockets.CloseStatus(err) != 4000 || holds.Err() != nil {
				t.Error(err, holds.Err())
			}
			if err := holds.Send(t.Context(), websockets.Text, []byte("last words")); err != nil {
				t.Error(err)
			}
			answered := make(chan error, 1)
			go func() { answered <- holds.Close(4001, "second") }()
			if _, p, err := closes.Receive(t.Context()); err != nil || string(p) != "last words" {
				t.Errorf("%q, %v", p, err)
			}
			if _, _, err := closes.Receive(t.Context()); websockets.CloseStatus(err) != 4001 {
				t.Error(err)
			}
			if err := <-closed; websockets.CloseStatus(err) != 4001 {
				t.Error("Close:", err)
			}
			<-answered
			if code := websockets.CloseStatus(holds.Err()); code != 4000 {
				t.Error(holds.Err())
			}
		})
	}
}

// A handler that returns answers what is held, with the peer's own code.
func TestHoldCloseIsAnsweredByTheHandler(t *testing.T) {
	o := strict()
	o.HoldClose = true
	url := serve(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		_, _, err := c.Receive(ctx)
		c.Send(ctx, websockets.Text, []byte("bye"))
		return err
	}, o))
	c := dial(t, url, strict())
	closed := make(chan error, 1)
	go func() { closed <- c.Close(4000, "") }()
	if _, p, err := c.Receive(t.Context()); err != nil || string(p) != "bye" {
		t.Errorf("%q, %v", p, err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
