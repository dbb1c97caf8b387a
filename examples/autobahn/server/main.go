// Server is the server for the fuzzing client of the Autobahn test suite, or
// of any other: it sends every message back, on every path.
//
// It shows a server of its own, without net/http, which compresses what the client
// agrees to have compressed, whose limits are set from the command line, whose
// connections wait in goroutines or, on Linux, without, and whose protocol core may run
// in a WebAssembly sandbox: then every byte that a peer sends is parsed there.
//
//	go run ./examples/autobahn/server --addr 127.0.0.1:9001 --max-message 16777216
//	go run ./examples/autobahn/server --core wasm
//	go run ./examples/autobahn/server --driver evented
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
	"github.com/fb1e3c20/websockets/wasm"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "`HOST:PORT` to listen on; port 0 picks a free one")
	maxMessage := flag.Int64("max-message", 1<<20, "largest message and frame, in `BYTES`; 0 means 1 GiB")
	core := flag.String("core", "native", "`WHERE` the protocol core runs: native, or wasm for a WebAssembly sandbox")
	deflate := flag.String("deflate", "ct", "`HOW` messages are compressed, if the peer agrees: off, nct (each by itself), ct (with context takeover)")
	how := flag.String("driver", "blocking", "`HOW` connections wait for input: blocking (a goroutine each), evented (few for all)")
	flag.Parse()
	o, err := options(*maxMessage, *deflate)
	if err != nil {
		fail(err, 2)
	}
	if o.Driver, err = driver(*how); err != nil {
		fail(err, 2)
	}
	switch *core {
	case "native":
	case "wasm":
		sandbox, err := wasm.NewHost(context.Background(), nil)
		if err != nil {
			fail(err, 1)
		}
		o.Machine = sandbox.Machine
	default:
		fail(fmt.Errorf("--core %q is neither native nor wasm", *core), 2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, *addr, o, os.Stdout); err != nil {
		if _, ok := errors.AsType[*net.AddrError](err); ok {
			fail(err, 2)
		}
		fail(err, 1)
	}
}

func fail(err error, status int) {
	fmt.Fprintln(os.Stderr, "autobahn server:", err)
	os.Exit(status)
}

// options are the strict ones with another limit, and compression.
func options(maxMessage int64, deflate string) (*websockets.Options, error) {
	if maxMessage < 0 {
		return nil, fmt.Errorf("--max-message %d is negative", maxMessage)
	}
	if maxMessage == 0 {
		maxMessage = -1 // as much as the library takes
	}
	o := websockets.Strict()
	o.MaxFrameSize, o.MaxMessageSize = maxMessage, maxMessage
	var err error
	if o.Compression, err = compression(deflate); err != nil {
		return nil, err
	}
	return o, o.Validate()
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
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
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
		buf = p
	}
}

// An echoer is echo by events.
type echoer struct{}

func (echoer) OnOpen(context.Context, *websockets.Conn) error { return nil }

func (echoer) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, m.Data)
}

func (echoer) OnClose(*websockets.Conn, error) {}
