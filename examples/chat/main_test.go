package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// start runs the server and returns its HOST:PORT, and what ends it and tells
// how.
func start(t *testing.T) (host string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", stdout) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	host, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	t.Cleanup(cancel)
	return host, func() error {
		cancel()
		return <-ended
	}
}

func TestGoingAway(t *testing.T) {
	host, stop := start(t)
	ann, err := websockets.Dial(t.Context(), "ws://"+host+"/socket?name=ann", websockets.Strict())
	if err != nil {
		t.Fatal(err)
	}
	defer ann.CloseNow()
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for err == nil {
		_, _, err = ann.Receive(t.Context())
	}
	if code := websockets.CloseStatus(err); code != websockets.GoingAway {
		t.Errorf("got %v, want a close with 1001", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestPagesOfOtherOrigins(t *testing.T) {
	host, _ := start(t)
	o := websockets.Strict()
	o.Header = http.Header{"Origin": {"https://other.example"}}
	_, err := websockets.Dial(t.Context(), "ws://"+host+"/socket", o)
	if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != http.StatusForbidden {
		t.Errorf("got %v, want 403", err)
	}
}

func TestThePageIsThere(t *testing.T) {
	host, _ := start(t)
	for _, path := range []string{"/", "/page.js", "/page.css"} {
		answer, err := http.Get("http://" + host + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if policy := answer.Header.Get("Content-Security-Policy"); answer.StatusCode != 200 || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: %s, policy %q", path, answer.Status, policy)
		}
	}
}

func TestCannotListen(t *testing.T) {
	err := run(t.Context(), "127.0.0.1", io.Discard)
	if _, ok := errors.AsType[*net.AddrError](err); !ok {
		t.Errorf("got %v, want a *net.AddrError", err)
	}
}
