package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// start runs the server and returns its URL, and what ends it and tells how.
func start(t *testing.T, deflate, driver string) (url string, stop func() error) {
	t.Helper()
	o, err := options(deflate, driver)
	if err != nil {
		t.Fatal(err)
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

var drivers = []string{"blocking", "evented"}

func TestEcho(t *testing.T) {
	for _, driver := range drivers {
		for _, deflate := range []string{"off", "nct", "ct"} {
			t.Run(driver+" "+deflate, func(t *testing.T) { testEcho(t, deflate, driver) })
		}
	}
}

func testEcho(t *testing.T, deflate, driver string) {
	url, stop := start(t, deflate, driver)
	for _, path := range []string{"", "/", "/any/path?with=query"} {
		o := websockets.Strict()
		o.Compression = &websockets.Compression{}
		c, err := websockets.Dial(t.Context(), url+path, o)
		if err != nil {
			t.Fatal(err)
		}
		if c.Compressed() != (deflate != "off") {
			t.Errorf("compressed is %t", c.Compressed())
		}
		for _, text := range []string{"hello", "", strings.Repeat("large", keep), "small again"} {
			if err := c.Send(t.Context(), websockets.Text, []byte(text)); err != nil {
				t.Fatal(err)
			}
			typ, p, err := c.Receive(t.Context())
			if err != nil || typ != websockets.Text || string(p) != text {
				t.Fatalf("got %v %.50q, %v, want %.50q", typ, p, err, text)
			}
		}
		if err := c.Close(websockets.NormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// With --driver evented no goroutine waits for an idle connection.
func TestEventedWaitsWithoutGoroutines(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("elsewhere each connection has one")
		return
	}
	url, stop := start(t, "off", "evented")
	const n = 50
	for range n {
		c, err := websockets.Dial(t.Context(), url, websockets.Strict())
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		c.Send(t.Context(), websockets.Text, []byte("hello"))
		if _, _, err := c.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for start := time.Now(); runtime.NumGoroutine() >= n; time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("%d goroutines for %d idle connections", runtime.NumGoroutine(), n)
		}
	}
	stop()
}

func TestUnknownValues(t *testing.T) {
	if _, err := options("on", "blocking"); err == nil || !strings.Contains(err.Error(), "--deflate") {
		t.Errorf("got %v", err)
	}
	if _, err := options("off", "epoll"); err == nil || !strings.Contains(err.Error(), "--driver") {
		t.Errorf("got %v", err)
	}
}

func TestEchoIsStrict(t *testing.T) {
	url, stop := start(t, "off", "blocking")
	o := websockets.Strict()
	o.Header = http.Header{"Origin": {"https://other.example"}}
	_, err := websockets.Dial(t.Context(), url, o)
	if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != http.StatusForbidden {
		t.Errorf("got %v, want 403", err)
	}
	stop()
}

func TestEchoSaysGoingAway(t *testing.T) {
	for _, driver := range drivers {
		url, stop := start(t, "off", driver)
		c, err := websockets.Dial(t.Context(), url, websockets.Strict())
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		_, _, err = c.Receive(t.Context())
		if code := websockets.CloseStatus(err); code != websockets.GoingAway {
			t.Errorf("%s: got %v, want a close with 1001", driver, err)
		}
		if err := <-stopped; err != nil {
			t.Errorf("%s: %v", driver, err)
		}
	}
}

func TestEchoCannotListen(t *testing.T) {
	err := run(t.Context(), "127.0.0.1", nil, io.Discard)
	if _, ok := errors.AsType[*net.AddrError](err); !ok {
		t.Errorf("got %v, want a *net.AddrError", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = run(t.Context(), l.Addr().String(), nil, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
}
