package peers

import (
	"net"

	"github.com/lxzan/gws"

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveGws(l net.Listener, mode raw.Mode) error {
	return gws.NewServer(&gwsEcho{}, &gws.ServerOption{
		ReadMaxPayloadSize:  maxMessage,
		WriteMaxPayloadSize: maxMessage,
		Logger:              silent{},
		PermessageDeflate: gws.PermessageDeflate{
			Enabled:               mode.Compresses(),
			Threshold:             1,
			ServerContextTakeover: mode.Takeover,
			ClientContextTakeover: mode.Takeover,
			ServerMaxWindowBits:   mode.Bits,
			ClientMaxWindowBits:   mode.Bits,
		},
	}).RunListener(l)
}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes()) // after an error it calls OnClose
}

func broadcastGws(l net.Listener) error {
	return gws.NewServer(&gwsCrowd{}, &gws.ServerOption{Logger: silent{}}).RunListener(l)
}

type gwsCrowd struct {
	gws.BuiltinEventHandler
	members[*gws.Conn]
}

func (h *gwsCrowd) OnOpen(c *gws.Conn) {
	h.join(c)
	c.WriteString(Greeting) // after an error it calls OnClose
}

func (h *gwsCrowd) OnClose(c *gws.Conn, _ error) { h.leave(c) }

func (h *gwsCrowd) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	b := gws.NewBroadcaster(m.Opcode, m.Bytes())
	defer b.Close()
	h.each(func(c *gws.Conn) { b.Broadcast(c) }) // after an error it calls OnClose
}

// silent drops what is logged of connections that end.
type silent struct{}

func (silent) Error(...any) {}
