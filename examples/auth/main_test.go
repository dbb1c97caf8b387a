package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// start runs a server for alice and returns its HOST:PORT, and what ends it and
// tells how.
func start(t *testing.T) (s *site, host string, stop func() error) {
	t.Helper()
	a := newAccounts(1)
	if err := a.add("alice", "wonderland"); err != nil {
		t.Fatal(err)
	}
	s = newSite(a, time.Hour, false)
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", s, stdout) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	host, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	t.Cleanup(cancel)
	return s, host, func() error {
		cancel()
		return <-ended
	}
}

func TestGoingAway(t *testing.T) {
	s, host, stop := start(t)
	alice := newSession("alice", time.Hour)
	o := websockets.Strict()
	o.Header = map[string][]string{"Authorization": {"Bearer " + s.tokens.issue(alice, alice)}}
	c, err := websockets.Dial(t.Context(), "ws://"+host+"/socket", o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for err == nil {
		_, _, err = c.Receive(t.Context())
	}
	if code := websockets.CloseStatus(err); code != websockets.GoingAway {
		t.Errorf("got %v, want a close with 1001", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestCannotListen(t *testing.T) {
	err := run(t.Context(), "127.0.0.1", &site{}, io.Discard)
	if _, ok := errors.AsType[*net.AddrError](err); !ok {
		t.Errorf("got %v, want a *net.AddrError", err)
	}
}
