package transport_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// What the peer sends before it answers a close is not lost between two calls
// of Receive.
func TestMessagesBeforeTheAnswerToCloseAreReceived(t *testing.T) {
	const n = 50
	for _, when := range []string{"meanwhile", "later"} {
		t.Run(when, func(t *testing.T) {
			srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
			go func() { echo(srv); srv.Close(frame.NormalClosure, "") }()
			ctx := context.Background()
			for i := range n {
				if err := cli.Send(ctx, frame.Text, fmt.Append(nil, i)); err != nil {
					t.Fatal(err)
				}
			}
			received := make(chan int, 1)
			receive := func() {
				i := 0
				for {
					_, p, err := cli.Receive(ctx, nil)
					if err != nil {
						received <- i
						return
					}
					if string(p) != fmt.Sprint(i) {
						t.Errorf("message %d is %q", i, p)
					}
					i++
				}
			}
			if when == "meanwhile" {
				go receive()
			}
			if err := cli.Close(frame.NormalClosure, ""); err != nil {
				t.Fatal(err)
			}
			if when == "later" {
				go receive()
			}
			if got := <-received; got != n {
				t.Errorf("received %d messages of %d", got, n)
			}
		})
	}
}
