package tcp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A printer prints what comes, and waits for more without a goroutine.
type printer struct {
	s    transport.Polled
	over chan struct{}
}

func (p *printer) Wake() {
	buf := make([]byte, 100)
	for {
		n, err := p.s.TryRead(buf)
		switch err {
		case nil:
			fmt.Printf("%s\n", buf[:n])
		case transport.ErrWouldBlock:
			if p.s.WhenReadable(p) {
				return
			}
		default:
			fmt.Println(err)
			close(p.over)
			return
		}
	}
}

// The stream of a Poller calls a Waker when there is something to read. The driver in
// package transport does this for a WebSocket: see transport.Conn.Deliver.
func ExamplePoller() {
	poller, err := tcp.NewPoller(0)
	if err != nil {
		log.Fatal(err) // ErrNoPoller, if this is not Linux
	}
	listener, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	client, err := tcp.Dial(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	server, err := poller.Accept(listener)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	p := &printer{server.(transport.Polled), make(chan struct{})}
	p.Wake()
	client.TryWrite([]byte("hello"))
	client.Close()
	<-p.over
	// Output:
	// hello
	// EOF
}
