package wasm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

var manyMessages = flag.Int("messages", 1_000_000, "how many messages TestTenThousand sends")

// Ten thousand connections in one instance, each with a handshake, and a million
// messages over them: 64 MiB are enough.
func TestTenThousand(t *testing.T) {
	const (
		connections = 10_000
		most        = 64 << 20
	)
	h := newHost(t, Options{Instances: 1})
	set := settingsFor(t, core.Config{Entropy: rand.Uint32})
	scratch := make([]byte, core.ScratchSize)
	var conns []*Conn
	for i := range connections {
		c, err := h.NewConn(flight.Birth{Settings: set, Now: clock.Time(i)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		request := fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUser-Agent: %s\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", i, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)")
		if _, ev := c.Recv(clock.Time(i), []byte(request), nil); ev.Kind != core.EventRequest || c.Request().Path() != fmt.Sprintf("/%d", i) {
			t.Fatalf("%+v", ev)
		}
		if err := c.Accept(clock.Time(i), core.AcceptOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Wrote(clock.Time(i), len(c.AppendOutput(nil)))
		conns = append(conns, c)
	}
	opened := h.Stats().Memory
	in := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Text, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, make([]byte, 128))
	wire, out := make([]byte, len(in)), make([]byte, 0, 256)
	for i := range *manyMessages {
		c, now := conns[i%connections], clock.Time(connections+i)
		copy(wire, in)
		_, ev := c.Recv(now, wire, scratch)
		var err error
		if out, err = c.AppendMessage(out[:0], ev.Op, ev.Data); err != nil || len(ev.Data) != 128 {
			t.Fatal(ev, err)
		}
		c.Wrote(now, len(out))
	}
	s := h.Stats()
	t.Logf("%d connections: %.1f MiB once they were open, %.1f MiB after %d messages", s.Connections, float64(opened)/(1<<20), float64(s.Memory)/(1<<20), *manyMessages)
	if s.Memory > most {
		t.Errorf("%d bytes of memory, want at most %d", s.Memory, most)
	}
	if s.Memory != opened {
		t.Errorf("messages made the memory grow from %d to %d bytes", opened, s.Memory)
	}
}
