package peers

import (
	"context"
	"net"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/bench/raw"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func serveWebsockets(l net.Listener, mode raw.Mode) error {
	return echoWebsockets(l, optionsWebsockets(mode, 0))
}

// serveWebsockets5 compresses at level 5, about that of gws where windows are small.
func serveWebsockets5(l net.Listener, mode raw.Mode) error {
	return echoWebsockets(l, optionsWebsockets(mode, 5))
}

func holdWebsockets(l net.Listener, ping time.Duration) error {
	return echoWebsockets(l, holdOptions(ping))
}

// holdOptions give up connections that are silent for three intervals.
func holdOptions(ping time.Duration) *websockets.Options {
	o := websockets.Strict()
	o.PingInterval, o.ConnectionTimeout = ping, 3*ping
	return o
}

func optionsWebsockets(mode raw.Mode, level int) *websockets.Options {
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
	return o
}

func echoWebsockets(l net.Listener, o *websockets.Options) error {
	o.LendMessages = true
	return websockets.HandleEvents(echoer{}, o).Serve(tcp.NewListener(l, nil))
}

func broadcastWebsockets(l net.Listener) error {
	var all members[*websockets.Conn]
	return websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		defer all.join(c)()
		if err := c.Send(ctx, websockets.Text, []byte(Greeting)); err != nil {
			return err
		}
		var buf []byte
		for {
			typ, p, err := c.ReceiveInto(ctx, buf[:0])
			if err != nil {
				return err
			}
			message, err := websockets.NewPrepared(typ, p)
			if err != nil {
				return err
			}
			all.each(func(c *websockets.Conn) { c.SendPrepared(ctx, message) }) // its own handler sees an error
			buf = p
		}
	}, websockets.Strict()).Serve(tcp.NewListener(l, nil))
}
