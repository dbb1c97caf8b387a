package quic_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// Two sockets on one connection.
func Example() {
	ctx := context.Background()
	listener, err := quic.Listen("127.0.0.1:0", quictest.ServerTLS(), nil)
	if err != nil {
		log.Fatal(err)
	}
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, []byte("welcome to "+c.Request().URL.Path))
	}, websockets.Strict())
	go server.Serve(listener)
	defer server.Shutdown(ctx)

	conn, err := quic.Dial(ctx, listener.Addr().String(), quictest.ClientTLS(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close() // when the last socket has ended
	dialer := &websockets.Dialer{Options: websockets.Strict()}
	for _, path := range []string{"/news", "/chat"} {
		stream, err := conn.OpenStream(ctx)
		if err != nil {
			log.Fatal(err)
		}
		c, err := dialer.DialStream(ctx, stream, "wss://localhost"+path)
		if err != nil {
			log.Fatal(err)
		}
		for m, err := range c.Messages(ctx) {
			fmt.Printf("%s %v\n", m.Data, err)
		}
		c.Close(websockets.NormalClosure, "")
	}
	// Output:
	// welcome to /news <nil>
	// welcome to /chat <nil>
}

// One socket: the connection ends with it.
func ExampleDialStream() {
	dial := func(ctx context.Context) (*websockets.Conn, error) {
		stream, err := quic.DialStream(ctx, "example.com:4433", nil, nil)
		if err != nil {
			return nil, err
		}
		dialer := &websockets.Dialer{Options: websockets.Strict()}
		return dialer.DialStream(ctx, stream, "wss://example.com/chat")
	}
	_ = dial
}

// A Dialer opens connections by itself, and shares them among its sockets.
func ExampleDialer() {
	options := websockets.Strict()
	options.Carrier = &quic.Dialer{}
	dialer := &websockets.Dialer{Options: options}
	dial := func(ctx context.Context) (*websockets.Conn, error) {
		return dialer.Dial(ctx, "wss://example.com:4433/chat")
	}
	_ = dial
}
