package peers

import (
	"bytes"
	"net"
	"sync"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveFasthttp(l net.Listener, mode raw.Mode) error {
	upgrader := &websocket.FastHTTPUpgrader{EnableCompression: mode.Compresses(), WriteBufferPool: &sync.Pool{}}
	return fasthttp.Serve(l, func(ctx *fasthttp.RequestCtx) {
		upgrader.Upgrade(ctx, func(c *websocket.Conn) { // it has answered if it fails
			defer c.Close()
			c.SetReadLimit(maxMessage)
			var buf bytes.Buffer
			for {
				typ, message, err := c.NextReader()
				if err != nil {
					return
				}
				if _, err := buf.ReadFrom(message); err != nil {
					return
				}
				if err := c.WriteMessage(typ, buf.Bytes()); err != nil {
					return
				}
				buf.Reset()
			}
		})
	})
}
