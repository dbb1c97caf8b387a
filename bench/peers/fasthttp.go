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

func broadcastFasthttp(l net.Listener) error {
	var all members[*fasthttpMember]
	upgrader := &websocket.FastHTTPUpgrader{WriteBufferPool: &sync.Pool{}}
	return fasthttp.Serve(l, func(ctx *fasthttp.RequestCtx) {
		upgrader.Upgrade(ctx, func(c *websocket.Conn) { // it has answered if it fails
			defer c.Close()
			me := &fasthttpMember{c: c}
			defer all.join(me)()
			if err := me.greet(); err != nil {
				return
			}
			for {
				typ, p, err := c.ReadMessage()
				if err != nil {
					return
				}
				message, err := websocket.NewPreparedMessage(typ, p)
				if err != nil {
					return
				}
				all.each(func(m *fasthttpMember) { m.send(message) }) // its own handler sees an error
			}
		})
	})
}

// A fasthttpMember lets one write at a time, as the library asks for.
type fasthttpMember struct {
	mu sync.Mutex
	c  *websocket.Conn
}

func (m *fasthttpMember) send(message *websocket.PreparedMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.c.WritePreparedMessage(message)
}

func (m *fasthttpMember) greet() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.c.WriteMessage(websocket.TextMessage, []byte(Greeting))
}
