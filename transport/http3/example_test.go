package http3_test

import (
	"context"
	"fmt"
	"log"
	"net"

	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
)

// A server, and two sockets of a client on one connection.
func Example() {
	ctx := context.Background()
	ws := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, []byte("welcome to "+c.Request().URL.Path))
	}, websockets.Strict())
	server := &h3.Server{Handler: ws, TLSConfig: quictest.ServerTLS()}
	http3.ConfigureServer(server)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close()
	go server.Serve(socket) // or server.ListenAndServe()
	defer server.Close()
	defer ws.Shutdown(ctx)

	options := websockets.Strict()
	options.Carrier, options.TLSConfig = &http3.Dialer{}, quictest.ClientTLS()
	dialer := &websockets.Dialer{Options: options}
	for _, path := range []string{"/news", "/chat"} {
		c, err := dialer.Dial(ctx, "wss://"+socket.LocalAddr().String()+path)
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
