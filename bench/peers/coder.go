package peers

import (
	"bytes"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveCoder(l net.Listener, mode raw.Mode) error {
	options := &websocket.AcceptOptions{CompressionThreshold: 1}
	switch {
	case mode.Takeover:
		options.CompressionMode = websocket.CompressionContextTakeover
	case mode.Compresses():
		options.CompressionMode = websocket.CompressionNoContextTakeover
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, options)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(maxMessage)
		var buf bytes.Buffer
		for {
			typ, message, err := c.Reader(r.Context())
			if err != nil {
				return
			}
			if _, err := buf.ReadFrom(message); err != nil {
				return
			}
			if err := c.Write(r.Context(), typ, buf.Bytes()); err != nil {
				return
			}
			buf.Reset()
		}
	}))
}
