// Chat is a page and a server with rooms.
//
// It shows how to send what happens to many, when some of them are slow: every
// message is prepared once, each member has a bounded queue, and who falls too
// far behind is closed with 1013. Who comes gets the last messages. The page
// connects again by itself, later each time.
//
//	go run ./examples/chat --addr 127.0.0.1:8080
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fb1e3c20/websockets"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 picks a free one")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "chat: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, *addr, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		if _, ok := errors.AsType[*net.AddrError](err); ok {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr string, stdout io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	sockets := newServer()
	server := &http.Server{
		Handler:           newSite(sockets),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(sockets.Shutdown(patience), server.Shutdown(patience))
}

// newServer serves a chat of its own.
func newServer() *websockets.Server {
	o := websockets.Strict() // pages of other origins may not join
	o.MaxMessageSize = maxText
	return websockets.Handle(newChat().serve, o)
}
