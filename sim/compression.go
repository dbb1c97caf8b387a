package sim

import (
	"fmt"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
)

// sharedPool has what compression needs, for all worlds: what it does depends on
// nothing that was done with it before.
var sharedPool compress.Pool

// A countingLender lends from the pool, and knows what is out.
type countingLender struct{ inflaters, deflaters int }

func (l *countingLender) Inflater() *deflate.Inflater {
	l.inflaters++
	return sharedPool.Inflater()
}

func (l *countingLender) ReturnInflater(z *deflate.Inflater) {
	l.inflaters--
	sharedPool.ReturnInflater(z)
}

func (l *countingLender) Deflater(bits, level uint8) *deflate.Deflater {
	l.deflaters++
	return sharedPool.Deflater(bits, level)
}

func (l *countingLender) ReturnDeflater(bits, level uint8, d *deflate.Deflater) {
	l.deflaters--
	sharedPool.ReturnDeflater(bits, level, d)
}

// lending returns c for one connection, nil for nil: the world lends what it needs.
func lending(c *core.Compression) *core.Compression {
	if c == nil {
		return nil
	}
	own := *c
	own.Lend = new(countingLender)
	return &own
}

// agreed returns c as one that was agreed on elsewhere, nil for nil.
func agreed(c *core.Compression, p *deflate.Params) *core.Compression {
	if c == nil || p == nil {
		return nil
	}
	own := *c
	own.SendWindowBits, own.ReceiveWindowBits = int(p.SendBits), int(p.ReceiveBits)
	own.NoSendTakeover, own.NoReceiveTakeover = !p.SendTakeover, !p.ReceiveTakeover
	return &own
}

// agree has two nodes agree on compression without a handshake of the machines', as
// the heads of HTTP/2 and HTTP/3 do. It returns the Compression of each, nil for none.
func agree(client, server *Node) (ofClient, ofServer *core.Compression) {
	offers := client.extensions(func(s *core.Settings) string { return s.Offers() })
	var byServer *deflate.Params
	answer := server.extensions(func(s *core.Settings) (answer string) {
		r := &core.Request{Fields: extensionFields(offers)}
		answer, byServer = s.Negotiate(r)
		return answer
	})
	var byClient *deflate.Params
	client.extensions(func(s *core.Settings) string {
		r := &core.Response{Status: 200, Fields: extensionFields(answer)}
		_, byClient, _ = r.CheckConnect(s, nil)
		return ""
	})
	return agreed(client.Config.Compression, byClient), agreed(server.Config.Compression, byServer)
}

// extensions returns what n says of extensions: a puppet what it was told to say, and
// an honest node what honest makes of its settings.
func (n *Node) extensions(honest func(*core.Settings) string) string {
	if n.puppet != nil {
		return n.puppet.Extensions
	}
	cfg := n.Config
	cfg.Compression = lending(cfg.Compression)
	set, err := core.NewSettings(cfg)
	if err != nil {
		return "" // which making its machine will tell
	}
	return honest(set)
}

func extensionFields(value string) []core.Field {
	if value == "" {
		return nil
	}
	return []core.Field{{Name: extensionsField, Value: value}}
}

// mostPlain is how many bytes of a message that was compressed one event has at most.
const mostPlain = 4 << 10

// plainPieces is in what pieces the content of compressed messages comes.
type plainPieces struct {
	length int     // of plainLengths, how many bytes a piece has at most
	cut    *Stream // nil, or what decides that anew for each piece
}

// plainLengths are the answers there are. The longest reference is 258 bytes long.
var plainLengths = [...]int{mostPlain, 1, 2, 3, 5, 8, 16, 63, 128, 257, 258, 300, 1000, mostPlain - 1}

func (c *Conn) choosePieces() {
	w := c.w
	if !w.on(Chunks) {
		return
	}
	s := w.tape.Stream(c.name + ".plain")
	if w.forced&Chunks != 0 {
		c.plain.length = s.Int(2)
		return
	}
	switch s.Choose(3) {
	case 1:
		c.plain.length = s.Int(len(plainLengths))
	case 2:
		c.plain.cut = s
	}
}

// scratch returns the memory that a call of Recv is lent.
func (c *Conn) scratch() []byte {
	if !c.compresses {
		return c.w.scratch[:core.ScratchSize]
	}
	if c.plain.cut != nil && c.w.on(Chunks) {
		c.plain.length = c.plain.cut.Int(len(plainLengths))
	}
	return c.w.scratch[:core.ScratchSize+plainLengths[c.plain.length]]
}

// compressAlone compresses a message that refers to none before it, and has a window
// of 32 KiB.
func compressAlone(p []byte) []byte {
	d := sharedPool.Deflater(deflate.MaxWindowBits, compress.DefaultLevel)
	defer sharedPool.ReturnDeflater(deflate.MaxWindowBits, compress.DefaultLevel, d)
	return append([]byte(nil), d.Deflate(nil, p, true)...)
}

// checkAgreement checks, once both ends are open, that they compress alike.
func (w *World) checkAgreement(c *Conn) {
	if c.puppet != nil || c.peer == nil || c.peer.puppet != nil || !c.peer.opened {
		return
	}
	own, ok := c.Compression()
	far, farOK := c.peer.Compression()
	far.SendBits, far.ReceiveBits = far.ReceiveBits, far.SendBits
	far.SendTakeover, far.ReceiveTakeover = far.ReceiveTakeover, far.SendTakeover
	if own != far || ok != farOK {
		w.violate("both ends compress alike", fmt.Errorf("%s: %+v, and the other end %+v, seen from here", c.name, own, far))
	}
}
