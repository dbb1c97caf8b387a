package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/wasm"
)

// start runs the server and returns its URL, and what ends it and tells how. Its core
// is in h, if there is one.
func start(t *testing.T, maxMessage int64, how string, h *wasm.Host) (url string, stop func() error) {
	t.Helper()
	o, err := options(maxMessage, "ct")
	if err != nil {
		t.Fatal(err)
	}
	if o.Driver, err = driver(how); err != nil {
		t.Fatal(err)
	}
	if h != nil {
		o.Machine = h.Machine
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", o, stdout) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	host, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	t.Cleanup(cancel)
	return "ws://" + host, func() error {
		cancel()
		return <-ended
	}
}

// The limit is on messages and on frames, and none at all is refused below it.
func TestMaxMessage(t *testing.T) {
	sandbox, err := wasm.NewHost(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sandbox.Close(context.Background())
	for _, how := range []string{"blocking", "evented"} {
		t.Run("native "+how, func(t *testing.T) { testMaxMessage(t, how, nil) })
		t.Run("wasm "+how, func(t *testing.T) { testMaxMessage(t, how, sandbox) })
	}
}

func testMaxMessage(t *testing.T, how string, h *wasm.Host) {
	for _, c := range []struct {
		maxMessage int64
		size       int
		taken      bool
	}{
		{1 << 20, 1 << 20, true},
		{1 << 20, 1<<20 + 1, false},
		{4 << 20, 4 << 20, true},
		{1000, 1001, false},
		{0, 2 << 20, true},
	} {
		url, stop := start(t, c.maxMessage, how, h)
		o, err := options(0, "nct")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := websockets.Dial(t.Context(), url+"/any/path", o)
		if err != nil {
			t.Fatal(err)
		}
		if !conn.Compressed() {
			t.Error("nothing is compressed")
		}
		// The server may close in the middle of it.
		conn.Send(t.Context(), websockets.Binary, make([]byte, c.size))
		_, p, err := conn.Receive(t.Context())
		switch {
		case c.taken && (err != nil || len(p) != c.size):
			t.Errorf("limit %d, %d bytes sent: got %d, %v", c.maxMessage, c.size, len(p), err)
		case !c.taken && websockets.CloseStatus(err) != websockets.MessageTooBig:
			t.Errorf("limit %d, %d bytes sent: got %v, want a close with 1009", c.maxMessage, c.size, err)
		}
		conn.Close(websockets.NormalClosure, "")
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for _, n := range []int64{-1, 1<<30 + 1} {
		if _, err := options(n, "off"); err == nil {
			t.Errorf("%d was accepted", n)
		}
	}
	if _, err := options(0, "on"); err == nil {
		t.Error("--deflate on was accepted")
	}
	if _, err := driver("epoll"); err == nil {
		t.Error("--driver epoll was accepted")
	}
}
