package peers

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/bench/raw"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func serveEvented(l net.Listener, mode raw.Mode) error {
	return handleEvented(l, echoer{}, optionsWebsockets(mode, 0))
}

func holdEvented(l net.Listener, ping time.Duration) error {
	return handleEvented(l, echoer{}, holdOptions(ping))
}

func broadcastEvented(l net.Listener) error {
	return handleEvented(l, &broadcaster{}, websockets.Strict())
}

func handleEvented(l net.Listener, h websockets.EventHandler, o *websockets.Options) error {
	o.Driver, o.LendMessages = websockets.Evented, true
	return websockets.HandleEvents(h, o).Serve(tcp.NewListener(l, nil))
}

type echoer struct{}

func (echoer) OnOpen(context.Context, *websockets.Conn) error { return nil }
func (echoer) OnClose(*websockets.Conn, error)                {}

func (echoer) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, m.Data)
}

// A broadcaster sends what comes to all.
type broadcaster struct {
	all    members[*websockets.Conn]
	leaves sync.Map
}

func (b *broadcaster) OnOpen(ctx context.Context, c *websockets.Conn) error {
	b.leaves.Store(c, b.all.join(c))
	return c.Send(ctx, websockets.Text, []byte(Greeting))
}

func (b *broadcaster) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	message, err := websockets.NewPrepared(m.Type, m.Data)
	if err != nil {
		return err
	}
	b.all.each(func(c *websockets.Conn) { c.SendPrepared(ctx, message) }) // its own handler sees an error
	return nil
}

func (b *broadcaster) OnClose(c *websockets.Conn, _ error) {
	if leave, ok := b.leaves.LoadAndDelete(c); ok {
		leave.(func())()
	}
}
