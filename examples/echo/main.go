// Echo is a WebSocket server that sends every message back, on every path.
//
// It shows the least that a good server needs, without net/http: a listener, a
// handler that receives every message into the same memory, options for the
// open internet, and an end that says good-bye to everybody. With --driver evented
// an idle connection has no goroutine either.
//
//	go run ./examples/echo --addr 127.0.0.1:8080 --deflate ct
//	go run ./examples/echo --driver evented
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 picks a free one")
	deflate := flag.String("deflate", "off", "`HOW` messages are compressed, if the peer agrees: off, nct (each by itself), ct (with context takeover)")
	how := flag.String("driver", "blocking", "`HOW` connections wait for input: blocking (a goroutine each), evented (few for all)")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "echo: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	o, err := options(*deflate, *how)
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, *addr, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		if _, ok := errors.AsType[*net.AddrError](err); ok {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// options are the strict ones, with what the flags say.
func options(deflate, how string) (o *websockets.Options, err error) {
	o = websockets.Strict()
	if o.Compression, err = compression(deflate); err != nil {
		return nil, err
	}
	o.Driver, err = driver(how)
	return o, err
}

// compression is what --deflate says.
func compression(how string) (*websockets.Compression, error) {
	switch how {
	case "off":
		return nil, nil
	case "nct":
		return &websockets.Compression{NoSendTakeover: true, NoReceiveTakeover: true}, nil
	case "ct":
		return &websockets.Compression{}, nil
	}
	return nil, fmt.Errorf("--deflate %q is none of off, nct and ct", how)
}

// driver is what --driver says.
func driver(how string) (websockets.Driver, error) {
	for _, d := range []websockets.Driver{websockets.Blocking, websockets.Evented} {
		if how == d.String() {
			return d, nil
		}
	}
	return 0, fmt.Errorf("--driver %q is neither blocking nor evented", how)
}

// run serves until ctx ends.
func run(ctx context.Context, addr string, o *websockets.Options, stdout io.Writer) error {
	l, err := tcp.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	server := newServer(o)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(patience)
}

// newServer returns a server of the form that suits the driver.
func newServer(o *websockets.Options) *websockets.Server {
	if o.Driver == websockets.Blocking {
		return websockets.Handle(echo, o)
	}
	o.LendMessages = true // OnMessage keeps none
	return websockets.HandleEvents(echoer{}, o)
}

// keep is the size of the largest buffer that is kept for the next message.
const keep = 64 << 10

func echo(ctx context.Context, c *websockets.Conn) error {
	var buf []byte
	for {
		typ, p, err := c.ReceiveInto(ctx, buf[:0])
		if err != nil {
			return err
		}
		if err := c.Send(ctx, typ, p); err != nil {
			return err
		}
		if buf = p; cap(buf) > keep {
			buf = nil
		}
	}
}

// An echoer is echo by events.
type echoer struct{}

func (echoer) OnOpen(context.Context, *websockets.Conn) error { return nil }

func (echoer) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, m.Data)
}

func (echoer) OnClose(*websockets.Conn, error) {}
