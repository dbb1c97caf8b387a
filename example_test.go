package websockets_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func Example() {
	server := httptest.NewServer(websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		for {
			typ, p, err := c.Receive(ctx)
			if err != nil {
				return err
			}
			if err := c.Send(ctx, typ, []byte(strings.ToUpper(string(p)))); err != nil {
				return err
			}
		}
	}, websockets.Strict()))
	defer server.Close()

	ctx := context.Background()
	c, err := websockets.Dial(ctx, server.URL, websockets.Strict())
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Send(ctx, websockets.Text, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	_, p, err := c.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", p)
	fmt.Println(c.Close(websockets.NormalClosure, ""))
	// Output:
	// HELLO
	// <nil>
}

// A connection that is taken over from any HTTP handler.
func ExampleAccept() {
	http.HandleFunc("/time", func(w http.ResponseWriter, r *http.Request) {
		c, err := websockets.Accept(w, r, websockets.Strict())
		if err != nil {
			return // the request has been answered
		}
		defer c.CloseNow()
		if err := c.Send(r.Context(), websockets.Text, []byte(time.Now().String())); err != nil {
			return
		}
		c.Close(websockets.NormalClosure, "")
	})
}

// Connections are closed with 1001, which net/http cannot do.
func ExampleServer_Shutdown() {
	sockets := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		_, _, err := c.Receive(ctx)
		return err
	}, websockets.Strict())
	server := &http.Server{Handler: sockets}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(sockets.Shutdown(ctx), server.Shutdown(ctx))
	// Output: <nil> <nil>
}

// Why a connection ended.
func ExampleError() {
	show := func(err error) {
		var e *websockets.Error
		switch {
		case websockets.CloseStatus(err) == websockets.NormalClosure:
			fmt.Println("the peer said goodbye")
		case errors.Is(err, websockets.ErrMessageTooLarge):
			fmt.Println("the peer sent too much")
		case errors.As(err, &e):
			fmt.Println(e.Kind, e.Code, e.Reason)
		}
	}
	a, b := pipe.New(0)
	go websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Close(4001, "quota exceeded")
	}, websockets.Strict()).ServeStream(context.Background(), a)
	ctx := context.Background()
	c, err := (&websockets.Dialer{Options: websockets.Strict()}).DialStream(ctx, b, "ws://example.com/")
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = c.Receive(ctx)
	show(err)
	// Output: websocket: connection closed 4001 quota exceeded
}

// A connection timeout of 58 seconds, tested in an instant: a pipe in place of
// the network, a fake clock in place of time.
func ExampleServer_AcceptStream() {
	clk := new(sim.Clock)
	o := websockets.Strict()
	o.Clock = clk
	o.PingInterval = -1
	server := &websockets.Server{Options: o}

	ours, theirs := pipe.New(0)
	go func() { // a peer that says nothing after its handshake
		theirs.TryWrite([]byte("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"))
	}()
	c, err := server.AcceptStream(context.Background(), ours)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	clk.Advance(58*time.Second - 1)
	fmt.Println(c.Err())
	clk.Advance(1)
	fmt.Println(c.Err())
	// Output:
	// <nil>
	// websocket: the peer was silent for too long
}
