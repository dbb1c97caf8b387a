package transport_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log"
	"sync"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// Both ends of a connection in memory, from the opening handshake to the
// closing one. Over any other carrier only the streams differ.
func Example() {
	ctx := context.Background()
	clk := real.New()
	attendant := transport.NewAttendant(clk)
	settings, err := core.NewSettings(core.Config{Pings: core.PingAnswer, Entropy: entropy})
	if err != nil {
		log.Fatal(err)
	}
	near, far := pipe.New(0)

	var server sync.WaitGroup
	server.Go(func() {
		c := transport.NewConn(core.NewServer(settings, clk.Now()), far, attendant)
		defer c.CloseNow()
		request, err := c.AwaitRequest(ctx)
		if err != nil {
			return
		}
		fmt.Println("request for", request.Target)
		c.Accept(core.AcceptOptions{})
		for {
			op, message, err := c.Receive(ctx, nil)
			if err != nil {
				fmt.Println("server:", err)
				break
			}
			c.Send(ctx, op, message)
		}
		c.Close(frame.NormalClosure, "")
	})

	machine, err := core.NewClient(settings, clk.Now(), core.RequestOptions{Host: "example.com", Target: "/echo"})
	if err != nil {
		log.Fatal(err)
	}
	c := transport.NewConn(machine, near, attendant)
	if _, err := c.AwaitOpen(ctx); err != nil {
		log.Fatal(err)
	}
	if err := c.Send(ctx, frame.Text, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	_, message, err := c.Receive(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("client: %s\n", message)
	if err := c.Close(frame.NormalClosure, "done"); err != nil {
		log.Fatal(err)
	}
	server.Wait()
	// Output:
	// request for /echo
	// client: hello
	// server: websocket: closed by the peer: 1000 normal closure: "done"
}

func entropy() uint32 {
	var b [4]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

// A metered stream is a carrier of one's own: it wraps another and counts what
// passes.
type metered struct {
	transport.Stream
	sent, received int
}

func (m *metered) TryWrite(p []byte) (int, error) {
	n, err := m.Stream.TryWrite(p)
	m.sent += n
	return n, err
}

func (m *metered) TryRead(p []byte) (int, error) {
	n, err := m.Stream.TryRead(p)
	m.received += n
	return n, err
}

func (m *metered) AwaitRead(l transport.Lender) (int, error) {
	n, err := m.Stream.AwaitRead(l)
	m.received += n
	return n, err
}

// A server over a stream of one's own, with the handshake done elsewhere.
func ExampleNewConn() {
	ctx := context.Background()
	clk := real.New()
	settings, err := core.NewSettings(core.Config{Entropy: entropy})
	if err != nil {
		log.Fatal(err)
	}
	open := func(role core.Role, s transport.Stream) *transport.Conn {
		machine, err := core.NewOpen(settings, clk.Now(), role)
		if err != nil {
			log.Fatal(err)
		}
		return transport.NewConn(machine, s, transport.NewAttendant(clk))
	}
	near, far := pipe.New(0)
	meter := &metered{Stream: far}
	server, client := open(core.Server, meter), open(core.Client, near)

	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			op, message, err := server.Receive(ctx, nil)
			if err != nil {
				break
			}
			server.Send(ctx, op, message)
		}
		server.Close(frame.NormalClosure, "")
	})
	client.Send(ctx, frame.Binary, make([]byte, 100))
	client.Receive(ctx, nil)
	client.Close(frame.NormalClosure, "")
	serving.Wait()

	// A frame of 100 bytes and a close frame; those of a client are masked.
	fmt.Println("received", meter.received, "sent", meter.sent)
	// Output: received 114 sent 106
}

// A context bounds one call. The connection goes on.
func ExampleConn_Receive() {
	clk := real.New()
	settings, err := core.NewSettings(core.Config{})
	if err != nil {
		log.Fatal(err)
	}
	s, _ := pipe.New(0)
	machine, err := core.NewOpen(settings, clk.Now(), core.Server)
	if err != nil {
		log.Fatal(err)
	}
	c := transport.NewConn(machine, s, transport.NewAttendant(clk))
	defer c.CloseNow()

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = c.Receive(ctx, nil)
	fmt.Println(err)
	fmt.Println(c.Err())
	// Output:
	// context canceled
	// <nil>
}

// An answerer is a Sink that sends every message back.
type answerer struct {
	c    *transport.Conn
	over chan struct{}
}

func (e *answerer) Message(op frame.Opcode, p []byte) (more bool) {
	return e.c.Send(context.Background(), op, p) == nil // p is lent: nothing keeps it
}

func (e *answerer) End(err error) {
	fmt.Println("the end:", err)
	close(e.over)
}

// Messages are delivered in place of being received. A pipe is a Polled stream, so Deliver
// returns at once, and nobody waits while nothing comes.
func ExampleConn_Deliver() {
	ctx := context.Background()
	clk := real.New()
	settings, err := core.NewSettings(core.Config{Entropy: entropy})
	if err != nil {
		log.Fatal(err)
	}
	open := func(role core.Role, s transport.Stream) *transport.Conn {
		machine, err := core.NewOpen(settings, clk.Now(), role)
		if err != nil {
			log.Fatal(err)
		}
		return transport.NewConn(machine, s, transport.NewAttendant(clk))
	}
	near, far := pipe.New(0)
	server, client := open(core.Server, far), open(core.Client, near)

	e := &answerer{server, make(chan struct{})}
	server.Deliver(e, transport.DeliverOptions{Lend: true})

	client.Send(ctx, frame.Text, []byte("hello"))
	_, p, err := client.Receive(ctx, nil)
	fmt.Printf("%s %v\n", p, err)
	client.Close(frame.NormalClosure, "")
	<-e.over
	server.Close(frame.NormalClosure, "")
	// Output:
	// hello <nil>
	// the end: websocket: closed by the peer: 1000 normal closure
}
