package http2_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/fb1e3c20/websockets/transport/http2"
)

// A client opens two streams on one connection, without TLS, and a server sends
// back what comes. Package websockets would do all this, and speak WebSocket.
func Example() {
	ctx := context.Background()
	server := &http.Server{Handler: http.HandlerFunc(echo), Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	if err := http2.ConfigureServer(server); err != nil {
		log.Fatal(err) // package extendedconnect is not imported
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(listener)
	defer server.Close()

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	c, err := http2.NewConn(ctx, conn)
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"/news", "/chat"} {
		if !c.Reserve() {
			log.Fatal("the server allows no more streams")
		}
		request, err := http.NewRequest(http.MethodGet, "http://example.com"+path, nil)
		if err != nil {
			log.Fatal(err)
		}
		stream, response, err := c.OpenStream(ctx, request)
		if err != nil {
			log.Fatal(err)
		}
		if stream == nil {
			log.Fatal("refused: ", response.Status)
		}
		defer stream.Close() // and the last one closes the connection

		stream.TryWrite([]byte("hello " + path))
		answer := make(lender, 100)
		n, err := stream.AwaitRead(answer)
		fmt.Printf("%s, stream %d: %s, %v\n", response.Status, stream.ID(), answer[:n], err)
	}
	// Output:
	// 200 OK, stream 1: hello /news, <nil>
	// 200 OK, stream 3: hello /chat, <nil>
}
