package wasm_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http2"
	_ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect"
)

// Servers of net/http and dialers whose core is in the sandbox compress over HTTP/1.1
// and HTTP/2 as others do, with a peer of either kind.
func TestOptionsCompress(t *testing.T) {
	for name, z := range map[string]*websockets.Compression{
		"takeover":    {},
		"no takeover": {NoSendTakeover: true, NoReceiveTakeover: true},
		"32 KiB":      {SendWindowBits: 15, ReceiveWindowBits: 15, Level: 9, Threshold: -1},
	} {
		for _, ends := range [][2]bool{{true, true}, {true, false}, {false, true}} {
			for _, h2 := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, sandboxed %v, HTTP/2 %t", name, ends, h2), func(t *testing.T) {
					options := func(sandboxed bool) *websockets.Options {
						o := websockets.Strict()
						o.Compression = z
						if sandboxed {
							o.Machine = host(t).Machine
						}
						return o
					}
					echoesCompressed(t, options(ends[0]), options(ends[1]), h2)
				})
			}
		}
	}
}

func echoesCompressed(t *testing.T, o, client *websockets.Options, h2 bool) {
	ws := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		for m, err := range c.Messages(ctx) {
			if err != nil {
				return err
			}
			prepared, err := websockets.NewPrepared(m.Type, m.Data)
			if err != nil {
				return err
			}
			if err := c.SendPrepared(ctx, prepared); err != nil {
				return err
			}
			if err := c.Send(ctx, m.Type, m.Data); err != nil {
				return err
			}
		}
		return nil
	}, o)
	server := httptest.NewUnstartedServer(ws)
	if err := http2.ConfigureServer(server.Config); err != nil {
		t.Fatal(err)
	}
	server.EnableHTTP2 = h2
	server.StartTLS()
	defer server.Close()
	defer ws.Shutdown(context.Background())

	client.TLSConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	dialer := &websockets.Dialer{Options: client}
	c, err := dialer.Dial(t.Context(), strings.Replace(server.URL, "https", "wss", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if c.Response().ProtoMajor == 2 != h2 || !c.Compressed() {
		t.Fatalf("%s, compressed: %t", c.Response().Proto, c.Compressed())
	}
	sent := 0
	for _, size := range []int{0, 1, 63, 1000, 5000, 70_000, 1 << 20, 100} {
		p := bytes.Repeat([]byte(fmt.Sprintf("message of %d bytes, ", size)), size/20+1)[:size]
		if err := c.Send(t.Context(), websockets.Text, p); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, got, err := c.Receive(t.Context()); err != nil || !bytes.Equal(got, p) {
				t.Fatalf("%d bytes came back as %d, %v", size, len(got), err)
			}
		}
		sent += size
	}
	if s := c.Stats(); int(s.BytesSent) > sent/5 || int(s.BytesReceived) > sent/5 {
		t.Errorf("%d bytes took %d bytes out and %d in", sent, s.BytesSent, s.BytesReceived)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
}
