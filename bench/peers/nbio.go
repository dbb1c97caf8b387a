package peers

import (
	"net"
	"net/http"
	"time"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveNbio(l net.Listener, mode raw.Mode) error {
	logging.SetLevel(logging.LevelNone)
	upgrader := websocket.NewUpgrader()
	upgrader.EnableCompression(mode.Compresses())
	upgrader.MessageLengthLimit = maxMessage
	upgrader.KeepaliveTime = time.Hour
	upgrader.OnMessage(func(c *websocket.Conn, typ websocket.MessageType, p []byte) {
		c.WriteMessage(typ, p) // after an error the connection is closed
	})
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network:                 "tcp",
		Addrs:                   []string{l.Addr().String()},
		Listen:                  func(string, string) (net.Listener, error) { return l, nil },
		ReleaseWebsocketPayload: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			upgrader.Upgrade(w, r, nil) // it has answered if it fails
		}),
	})
	if err := engine.Start(); err != nil {
		return err
	}
	select {}
}
