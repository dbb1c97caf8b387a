package peers

import (
	"context"
	"net"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/bench/raw"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func serveWebsockets(l net.Listener, mode raw.Mode) error { return serveLevel(l, mode, 0) }

// serveWebsockets5 compresses at level 5, about that of gws where windows are small.
func serveWebsockets5(l net.Listener, mode raw.Mode) error { return serveLevel(l, mode, 5) }

func serveLevel(l net.Listener, mode raw.Mode, level int) error {
	o := websockets.Strict()
	o.MaxMessageSize = maxMessage
	if mode.Compresses() {
		o.Compression = &websockets.Compression{
			NoSendTakeover:    !mode.Takeover,
			NoReceiveTakeover: !mode.Takeover,
			SendWindowBits:    mode.Bits,
			ReceiveWindowBits: mode.Bits,
			Threshold:         -1,
			Level:             level,
		}
	}
	return websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		var buf []byte
		for {
			typ, p, err := c.ReceiveInto(ctx, buf[:0])
			if err != nil {
				return err
			}
			if err := c.Send(ctx, typ, p); err != nil {
				return err
			}
			buf = p
		}
	}, o).Serve(tcp.NewListener(l, nil))
}
