package pipe_test

import (
	"context"
	"fmt"
	"io"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func ExampleNew() {
	client, server := pipe.New(0)
	client.TryWrite([]byte("hello"))
	client.Close()

	buf := make([]byte, 100)
	n, err := server.TryRead(buf)
	fmt.Printf("%q %v\n", buf[:n], err)
	n, err = server.TryRead(buf)
	fmt.Println(n, err == io.EOF)
	// Output:
	// "hello" <nil>
	// 0 true
}

// A small pipe makes its writer wait, as a slow network would.
func ExampleNew_backpressure() {
	client, server := pipe.New(4)
	n, err := client.TryWrite([]byte("hello"))
	fmt.Println(n, err == transport.ErrWouldBlock)

	server.TryRead(make([]byte, 4))
	fmt.Println(client.AwaitWrite())
	// Output:
	// 4 true
	// <nil>
}

// A listener stands in for one on the network, in a server under test.
func ExampleListener() {
	ctx := context.Background()
	listener := pipe.Listen(0)
	defer listener.Close()

	client, _ := listener.Dial(ctx)
	server, _ := listener.Accept(ctx)

	client.TryWrite([]byte("hello"))
	buf := make([]byte, 100)
	n, _ := server.TryRead(buf)
	fmt.Printf("%s\n", buf[:n])
	// Output: hello
}
