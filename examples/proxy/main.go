// Proxy is a WebSocket proxy in front of a server.
//
// It shows two connections joined: messages pass as they come, without being
// held in memory, so that a slow reader slows the writer at the other end. A
// close frame passes, and so does its answer: who closes hears the other end's
// last words, and its code and reason. Pings are each connection's own. The
// server behind decides who is accepted, with which subprotocol.
//
//	go run ./examples/echo --addr 127.0.0.1:9000
//	go run ./examples/proxy --addr 127.0.0.1:8080 --backend ws://127.0.0.1:9000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 picks a free one")
	backend := flag.String("backend", "ws://127.0.0.1:9000", "`URL` of the server behind: ws or wss, host and port")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "proxy: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	u, err := url.Parse(*backend)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		fmt.Fprintf(os.Stderr, "proxy: --backend %q is not a ws or wss URL\n", *backend)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, *addr, newProxy(u), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		if _, ok := errors.AsType[*net.AddrError](err); ok {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr string, p *proxy, stdout io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	server := &http.Server{
		Handler:           p,
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
	p.stop()
	err = server.Shutdown(patience)
	p.pairs.Wait() // a closing handshake takes 5 s at most
	return err
}
