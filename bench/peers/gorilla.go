package peers

import (
	"bytes"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveGorilla(l net.Listener, mode raw.Mode) error {
	upgrader := &websocket.Upgrader{EnableCompression: mode.Compresses(), WriteBufferPool: &sync.Pool{}}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
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
	}))
}
