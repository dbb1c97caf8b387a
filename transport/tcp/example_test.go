package tcp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A buffer lends itself to one AwaitRead after the other.
type buffer []byte

func (b buffer) Borrow() []byte { return b }
func (b buffer) Return()        {}

func Example() {
	listener, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()

	client, err := tcp.Dial(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client.TryWrite([]byte("hello"))
	buf := make(buffer, 100)
	n, err := server.AwaitRead(buf)
	fmt.Printf("%q %v\n", buf[:n], err)
	// Output: "hello" <nil>
}

// Taking over a connection from net/http, with what it has read ahead.
func ExampleFromConn() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
		stream, err := tcp.FromConn(conn, ahead)
		if err != nil {
			conn.Close()
			return
		}
		defer stream.Close()
		stream.TryWrite([]byte("no longer HTTP\n"))
	})
}

// The handshake of an accepted connection runs by itself; whoever wants to know
// how it went waits for it.
func ExampleStream_Handshake() {
	serve := func(listener *tcp.Listener) error {
		for {
			stream, err := listener.Accept()
			if err != nil {
				return err
			}
			go func() {
				defer stream.Close()
				if err := stream.Handshake(context.Background()); err != nil {
					log.Print(err)
					return
				}
				state, _ := stream.ConnectionState()
				log.Printf("%v speaks %s", stream.RemoteAddr(), state.NegotiatedProtocol)
			}()
		}
	}
	_ = serve
}
