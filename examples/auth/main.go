// Auth is a WebSocket server that knows whom it talks to.
//
// It shows three ways to say who one is before the connection is upgraded, a
// cookie, a bearer token and a ticket for browsers; how the handler learns of
// it; and how a connection ends, in time, with the session that opened it.
//
//	go run ./examples/auth --addr 127.0.0.1:8080 --session 1m
//
// and log in on the page as alice with the password wonderland. Passwords cross
// the network: anywhere but on one machine this belongs behind a proxy that
// speaks TLS, and gets the flag --secure. What has nothing to do with WebSockets
// is left out: a database, and a limit on attempts to log in.
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
	"strings"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 picks a free one")
	user := flag.String("user", "alice:wonderland", "`NAME:PASSWORD` of the one user")
	life := flag.Duration("session", 15*time.Minute, "`TIME` from login to the end of a session")
	secure := flag.Bool("secure", false, "browsers reach this over TLS, by way of a proxy: have them send the cookie in no other way")
	flag.Parse()
	name, password, ok := strings.Cut(*user, ":")
	switch {
	case flag.NArg() > 0:
		misused("unexpected argument %q", flag.Arg(0))
	case !ok:
		misused("--user is not NAME:PASSWORD")
	case *life < time.Second:
		misused("--session %v is less than a second", *life)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	a := newAccounts(600_000)
	err := a.add(name, password)
	if err == nil {
		err = run(ctx, *addr, newSite(a, *life, *secure), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "auth:", err)
		if _, ok := errors.AsType[*net.AddrError](err); ok {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func misused(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "auth: "+format+"\n", args...)
	os.Exit(2)
}

// run serves until ctx ends.
func run(ctx context.Context, addr string, s *site, stdout io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
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
	return errors.Join(s.sockets.Shutdown(patience), server.Shutdown(patience))
}
