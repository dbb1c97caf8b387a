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

// silent drops what is logged of connections that end.
type silent struct{}

func (silent) Error(...any) {}
