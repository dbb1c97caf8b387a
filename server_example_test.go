package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// connect connects a client to a server without a network.
func connect(server *websockets.Server) *websockets.Conn {
	ours, theirs := pipe.New(0)
	ctx := context.Background()
	go server.ServeStream(ctx, ours)
	c, err := (&websockets.Dialer{Options: websockets.Strict()}).DialStream(ctx, theirs, "ws://example.com/")
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// show sends texts and prints as many answers, and how the connection ends.
func show(c *websockets.Conn, texts ...string) {
	ctx := context.Background()
	for _, text := range texts {
		if err := c.Send(ctx, websockets.Text, []byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	for range texts {
		_, p, err := c.Receive(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", p)
	}
	fmt.Println(c.Close(websockets.NormalClosure, ""))
}

// A function that serves a connection from its beginning to its end.
func ExampleHandle() {
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		for n := 1; ; n++ {
			typ, p, err := c.Receive(ctx)
			if err != nil {
				return err // Handle knows what to do
			}
			if err := c.Send(ctx, typ, fmt.Appendf(nil, "%d: %s", n, p)); err != nil {
				return err
			}
		}
	}, websockets.Strict())
	show(connect(server), "hello", "again")
	// Output:
	// 1: hello
	// 2: again
	// <nil>
}

// Slow requests of one client, worked on side by side and answered in order.
func ExampleHandleConcurrent() {
	o := websockets.Strict()
	o.Workers = 4
	o.Ordered = true
	server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		wait, err := time.ParseDuration(string(m.Data))
		if err != nil {
			return err
		}
		time.Sleep(wait)
		return c.Send(ctx, websockets.Text, bytes.ToUpper(m.Data))
	}, o)
	show(connect(server), "20ms", "1ms", "10ms")
	// Output:
	// 20MS
	// 1MS
	// 10MS
	// <nil>
}

// A greeter is a handler by events.
type greeter struct{ closed chan struct{} }

func (g greeter) OnOpen(ctx context.Context, c *websockets.Conn) error {
	return c.Send(ctx, websockets.Text, []byte("welcome"))
}

func (g greeter) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, append([]byte("you said "), m.Data...))
}

func (g greeter) OnClose(c *websockets.Conn, err error) {
	fmt.Println("closed with", websockets.CloseStatus(err))
	close(g.closed)
}

// Methods in place of a loop; one handler may serve all connections.
func ExampleHandleEvents() {
	g := greeter{make(chan struct{})}
	c := connect(websockets.HandleEvents(g, websockets.Strict()))
	ctx := context.Background()
	c.Send(ctx, websockets.Text, []byte("hello"))
	for range 2 {
		_, p, err := c.Receive(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", p)
	}
	c.Close(websockets.NormalClosure, "")
	<-g.closed
	// Output:
	// welcome
	// you said hello
	// closed with 1000 normal closure
}

// A listener of its own, without net/http. For TLS, listen with tcp.ListenTLS.
func ExampleServer_Serve() {
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		typ, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		return c.Send(ctx, typ, p)
	}, websockets.Strict())

	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()

	c, err := websockets.Dial(context.Background(), "ws://"+l.Addr().String(), websockets.Strict())
	if err != nil {
		log.Fatal(err)
	}
	show(c, "hello")

	fmt.Println(server.Shutdown(context.Background()))
	fmt.Println(errors.Is(<-served, http.ErrServerClosed))
	// Output:
	// hello
	// <nil>
	// <nil>
	// true
}

func ExampleServer_ListenAndServe() {
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, []byte(time.Now().String()))
	}, websockets.Strict())
	if err := server.ListenAndServe(":8080"); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// Pages of these origins may connect, besides those of the server's own.
func ExampleOrigins() {
	accept, err := websockets.Origins("https://example.com", "https://*.example.com")
	if err != nil {
		log.Fatal(err)
	}
	o := websockets.Strict()
	o.AcceptConnection = accept

	for _, origin := range []string{"https://app.example.com", "http://app.example.com", "https://example.com.evil.example"} {
		r := &http.Request{Host: "ws.example.com", Header: http.Header{"Origin": {origin}}}
		fmt.Println(origin, o.AcceptConnection(r))
	}
	_, err = websockets.Origins("*")
	fmt.Println(err)
	// Output:
	// https://app.example.com true
	// http://app.example.com false
	// https://example.com.evil.example false
	// websocket: origin pattern "*": the only wildcard is *. before the host
}

// A shouter answers in capitals.
type shouter struct{}

func (shouter) OnOpen(context.Context, *websockets.Conn) error { return nil }
func (shouter) OnClose(*websockets.Conn, error)                {}

func (shouter) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, bytes.ToUpper(m.Data)) // m.Data is lent: nothing keeps it
}

// On Linux no goroutine waits for an idle connection; elsewhere this server does the
// same with a goroutine each.
func ExampleDriver() {
	o := websockets.Strict()
	o.Driver = websockets.Evented
	o.LendMessages = true
	server := websockets.HandleEvents(shouter{}, o)

	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(l)

	c, err := websockets.Dial(context.Background(), "ws://"+l.Addr().String(), websockets.Strict())
	if err != nil {
		log.Fatal(err)
	}
	show(c, "hello", "again")
	fmt.Println(server.Shutdown(context.Background()))
	// Output:
	// HELLO
	// AGAIN
	// <nil>
	// <nil>
}
