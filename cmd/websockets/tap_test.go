package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

// A tapped stream is as good as the stream.
func TestTapKeepsTheContract(t *testing.T) {
	streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
		x, y := pipe.New(0)
		i := newInspector()
		return i.tap(x, opening{}), i.tap(y, opening{})
	})
}

// What is played back is the request that came.
func TestPlayBack(t *testing.T) {
	const head = "GET /echo?a=b HTTP/1.1\r\n" +
		"Host: example.com:8080\r\n" +
		"Connection: keep-alive, Upgrade\r\n" +
		"Origin: https://example.com\r\n" +
		"Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-Websocket-Protocol: a\r\n" +
		"Sec-Websocket-Protocol: b\r\n" +
		"Sec-Websocket-Version: 13\r\n" +
		"Upgrade: websocket\r\n" +
		"\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(playBack(r)); got != head {
		t.Errorf("got\n%swant\n%s", got, head)
	}
}

func TestAsksForWebSocket(t *testing.T) {
	for _, c := range []struct {
		head string
		want bool
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx", false},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
	} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(c.head)))
		if err != nil {
			t.Fatal(err)
		}
		if got := asksForWebSocket(r); got != c.want {
			t.Errorf("%q: got %v", c.head, got)
		}
	}
}
