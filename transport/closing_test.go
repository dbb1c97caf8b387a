package transport_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// What the peer sends before it answers a close is not lost between two calls
// of Receive.
func TestMessagesBeforeTheAnswerToCloseAreReceived(t *testing.T) {
	for _, when := range []string{"meanwhile", "later"} {
		t.Run(when, func(t *testing.T) {
			n := 20_000 // more than is kept
			if when == "later" {
				n = 50
			}
			srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
			go func() { echo(srv); srv.Close(frame.NormalClosure, "") }()
			ctx := context.Background()
			if when == "later" {
				sendNumbers(t, cli, n)
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
					if i++; i%100 == 0 {
						runtime.Gosched() // Close finds nobody receiving
					}
				}
			}
			if when == "meanwhile" {
				go receive()
				sendNumbers(t, cli, n)
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

func sendNumbers(t *testing.T, c *transport.Conn, n int) {
	t.Helper()
	for i := range n {
		if err := c.Send(t.Context(), frame.Text, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
}
