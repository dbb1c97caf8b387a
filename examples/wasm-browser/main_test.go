package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/wasm"
)

// start runs the server and returns its URL, and what ends it and tells how.
func start(t *testing.T) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", stdout) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	t.Cleanup(cancel)
	return url, func() error {
		cancel()
		return <-ended
	}
}

func get(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

func TestThePageIsThere(t *testing.T) {
	url, stop := start(t)
	for path, kind := range map[string]string{"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/core.wasm": "application/wasm"} {
		answer, _ := get(t, url+path)
		h := answer.Header
		if answer.StatusCode != 200 || !strings.HasPrefix(h.Get("Content-Type"), kind) || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %s, type %q, policy %q", path, answer.Status, h.Get("Content-Type"), h.Get("Content-Security-Policy"))
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestTheModuleIsTheOneOfPackageWasm(t *testing.T) {
	url, _ := start(t)
	if _, body := get(t, url+"/core.wasm"); !bytes.Equal(body, wasm.Module()) {
		t.Errorf("%d bytes, want the %d of wasm.Module", len(body), len(wasm.Module()))
	}
}

func TestCannotListen(t *testing.T) {
	err := run(t.Context(), "127.0.0.1", io.Discard)
	if _, ok := errors.AsType[*net.AddrError](err); !ok {
		t.Errorf("got %v, want a *net.AddrError", err)
	}
}
