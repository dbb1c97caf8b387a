package sim

import (
	"bytes"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim/chart"
	"github.com/fb1e3c20/websockets/transport"
)

// A Puppet is a node that knows nothing of the WebSocket protocol beyond its
// opening handshake: it sends exactly the bytes that it is told to, however
// wrong, and never anything by itself. It has no timers. It plays the hostile,
// broken or silent peer.
//
// What the simulator demands of a connection between two honest ends, that
// messages arrive as sent and that nothing fails without a cause, it does not
// demand of one to a Puppet. The honest end is still checked against the
// protocol, byte by byte.
type Puppet struct {
	*Node

	// NoHandshake leaves the opening handshake to the script: a client sends no
	// request, a server answers none.
	NoHandshake bool

	// Extensions is what the handshake says in Sec-WebSocket-Extensions: what a
	// client offers, or a server chooses, such as "permessage-deflate"; "" for no
	// such field. It holds for Bare connections as well.
	Extensions string

	// Pongs answers each ping that arrives with a pong.
	Pongs bool

	// Closes answers the first close frame that arrives with the same one
	// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1). A server then ends
	// its output; either role closes when the peer's has ended.
	Closes bool

	// OnOpen, if set, is called when the head of the peer's handshake has
	// come, after a server's answer to it, and at once on Bare connections.
	OnOpen func(c *PuppetConn)

	// OnFrame, if set, is called with each frame that arrives.
	OnFrame func(c *PuppetConn, f PuppetFrame)

	// OnEnd, if set, is called when the peer's output has ended, or was lost
	// by a reset; that is what lost tells.
	OnEnd func(c *PuppetConn, lost bool)

	made []*PuppetConn
}

// PuppetServer adds a puppet that others may dial, at its Node.
func (w *World) PuppetServer(name string) *Puppet {
	p := &Puppet{}
	p.Node = w.newNode(name, func() App { return idle{} })
	p.Node.puppet = p
	return p
}

// PuppetClient adds a puppet that dials server whenever it comes up.
func (w *World) PuppetClient(name string, server *Node) *Puppet {
	p := w.PuppetServer(name)
	p.dials = append(p.dials, server)
	return p
}

// idle is the App of a node that does nothing.
type idle struct{}

func (idle) OnEvent(*Node, Event)          {}
func (idle) OnTimer(*Node, string)         {}
func (idle) AppendState(dst []byte) []byte { return dst }

// Latest returns the puppet's end of the connection that was made last, nil
// while there is none.
func (p *Puppet) Latest() *PuppetConn {
	if len(p.made) == 0 {
		return nil
	}
	return p.made[len(p.made)-1]
}

// All returns the puppet's ends of all its connections, ever, in the order in
// which they were made.
func (p *Puppet) All() []*PuppetConn { return p.made }

// A PuppetFrame is a frame that a puppet received.
type PuppetFrame struct {
	Header  frame.Header
	Payload []byte // without the mask
	At      time.Duration
}

// String returns the frame in words, such as `ping "1"`.
func (f PuppetFrame) String() string { return describeFrame(f.Header, f.Payload) }

// A PuppetConn is a puppet's end of a connection. What it is told to send after
// it has ended is dropped.
type PuppetConn struct {
	conn   *Conn
	puppet *Puppet
	keys   func() uint32

	out    []byte
	want   core.Transport
	closed bool // it answered a close frame

	input  []byte // all of it
	parsed int    // bytes of input that were taken apart
	opened bool
	head   []byte
	frames []PuppetFrame
	eof    bool
	lost   bool
}

// samplePuppetKey is the key of RFC 6455, section 1.3.
const samplePuppetKey = "dGhlIHNhbXBsZSBub25jZQ=="

// newPuppetConn makes the machine of c, an end of a puppet.
func newPuppetConn(p *Puppet, c *Conn, bare bool) *PuppetConn {
	pc := &PuppetConn{conn: c, puppet: p, keys: newEntropy(c.name)}
	p.made = append(p.made, pc)
	c.puppet = pc
	c.over = true // the App hears of nothing
	if c.role == core.Client && !bare && !p.NoHandshake {
		pc.out = append(pc.out, "GET / HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Key: "+samplePuppetKey+"\r\nSec-WebSocket-Version: 13\r\n"+p.extensionLine()+"\r\n"...)
	}
	return pc
}

// Name returns the name of the connection, such as "puppet>room".
func (c *PuppetConn) Name() string { return c.conn.name }

// Puppet returns the puppet whose end c is.
func (c *PuppetConn) Puppet() *Puppet { return c.puppet }

// Conn returns the end as one that the network can be made to fail.
func (c *PuppetConn) Conn() *Conn { return c.conn }

// Open reports whether the peer's head has come: what arrives now is frames.
func (c *PuppetConn) Open() bool { return c.opened }

// Head returns the head of the peer's handshake, nil while it is not complete.
func (c *PuppetConn) Head() []byte { return c.head }

// Frames returns the frames that have arrived.
func (c *PuppetConn) Frames() []PuppetFrame { return c.frames }

// Input returns all bytes that have arrived.
func (c *PuppetConn) Input() []byte { return c.input }

// Ended reports whether the peer's output has ended, and whether by a reset.
func (c *PuppetConn) Ended() (ended, lost bool) { return c.eof || c.lost, c.lost }

// Write sends the bytes p as they are.
func (c *PuppetConn) Write(p []byte) {
	if c.conn.released || c.want != core.TransportOpen {
		return
	}
	c.out = append(c.out, p...)
	c.conn.wake()
}

// Send sends a frame that ends its message, masked as the role must.
func (c *PuppetConn) Send(op frame.Opcode, payload []byte) {
	c.SendFrame(c.Header(op, true), payload)
}

// SendText sends a text message in one frame, as Send does.
func (c *PuppetConn) SendText(s string) { c.Send(frame.Text, []byte(s)) }

// SendClose sends a close frame, of any code; [frame.NoStatus] sends one
// without a payload.
func (c *PuppetConn) SendClose(code frame.CloseCode, reason string) {
	var payload []byte
	if code != frame.NoStatus {
		payload = append([]byte{byte(code >> 8), byte(code)}, reason...)
	}
	c.Send(frame.Close, payload)
}

// Header returns a header as the role must send it, for [PuppetConn.SendFrame]:
// a client's is masked, with a fresh key.
func (c *PuppetConn) Header(op frame.Opcode, fin bool) frame.Header {
	h := frame.Header{Fin: fin, Opcode: op, Masked: c.conn.role == core.Client}
	if k := c.keys(); h.Masked {
		h.Mask = frame.Mask{byte(k), byte(k >> 8), byte(k >> 16), byte(k >> 24)}
	}
	return h
}

// SendFrame sends a frame with the header h, whatever it says; its Length is
// that of payload. The payload is masked on the way if h is Masked.
func (c *PuppetConn) SendFrame(h frame.Header, payload []byte) {
	h.Length = int64(len(payload))
	if !h.Masked {
		h.Mask = frame.Mask{}
	}
	p := h.Append(nil)
	n := len(p)
	p = append(p, payload...)
	h.Mask.XOR(p[n:], 0)
	c.Write(p)
}

// SendCompressed sends a message in one frame, compressed by itself alone, whether
// that was agreed on or not (https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1).
func (c *PuppetConn) SendCompressed(op frame.Opcode, payload []byte) {
	h := c.Header(op, true)
	h.RSV1 = true
	c.SendFrame(h, compressAlone(payload))
}

// SendHeader sends the header h and no payload, whatever Length it declares.
func (c *PuppetConn) SendHeader(h frame.Header) { c.Write(h.Append(nil)) }

// End ends the output after what was sent, and reads on.
func (c *PuppetConn) End() { c.finish(core.TransportHalfClose) }

// Close closes the connection once all that was sent is out.
func (c *PuppetConn) Close() { c.finish(core.TransportClose) }

// Reset gives the connection up; the peer reads a reset.
func (c *PuppetConn) Reset() { c.finish(core.TransportAbort) }

func (c *PuppetConn) finish(how core.Transport) {
	c.want = max(c.want, how)
	c.conn.wake()
}

// Hold stops, or resumes, reading: what the peer sends stays in the network.
func (c *PuppetConn) Hold(on bool) {
	what := "reads on"
	if on {
		what = "reads no more"
	}
	c.conn.w.happened(c.conn.lane(), chart.Call, "%s %s", c.conn.name, what)
	c.conn.Hold(on)
}

func (c *PuppetConn) open() {
	c.opened = true
	if f := c.puppet.OnOpen; f != nil && !c.conn.crashed {
		f(c)
	}
}

// parseHead answers the head of the peer's handshake once it is complete.
func (c *PuppetConn) parseHead() (done bool) {
	i := bytes.Index(c.input, []byte("\r\n\r\n"))
	if i < 0 {
		return false
	}
	c.parsed = i + 4
	c.head = bytes.Clone(c.input[:c.parsed])
	if c.conn.role == core.Server && !c.puppet.NoHandshake {
		c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: " + core.AcceptKey(headField(c.head, "Sec-WebSocket-Key")) + "\r\n" + c.puppet.extensionLine() + "\r\n"))
	}
	return true
}

// extensionLine returns the line of a head that says what Extensions says.
func (p *Puppet) extensionLine() string {
	if p.Extensions == "" {
		return ""
	}
	return extensionsField + ": " + p.Extensions + "\r\n"
}

// headField returns the value of a field of an HTTP head.
func headField(head []byte, name string) string {
	for line := range bytes.Lines(head) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(key, []byte(name)) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

func (c *PuppetConn) parseFrame() bool {
	rest := c.input[c.parsed:]
	h, n, err := frame.ParseHeader(rest)
	if err != nil || n == 0 || h.Length > int64(len(rest)-n) {
		return false
	}
	end := n + int(h.Length)
	c.parsed += end
	f := PuppetFrame{h, bytes.Clone(rest[n:end]), c.conn.w.Now()}
	h.Mask.XOR(f.Payload, 0)
	c.frames = append(c.frames, f)
	c.answer(f)
	if c.puppet.OnFrame != nil {
		c.puppet.OnFrame(c, f)
	}
	return true
}

// answer does what the puppet is meant to do by itself.
func (c *PuppetConn) answer(f PuppetFrame) {
	switch {
	case f.Header.Opcode == frame.Ping && c.puppet.Pongs:
		c.Send(frame.Pong, f.Payload)
	case f.Header.Opcode == frame.Close && c.puppet.Closes && !c.closed:
		c.closed = true
		c.Send(frame.Close, f.Payload)
		if c.conn.role == core.Server {
			c.End()
		}
	}
}

func (c *PuppetConn) ended(lost bool) {
	c.eof, c.lost = true, lost
	if c.closed {
		c.Close()
	}
	if c.puppet.OnEnd != nil {
		c.puppet.OnEnd(c, lost)
	}
}

// The rest makes a PuppetConn a transport.Machine, for the driver that the honest
// ends have.

func (c *PuppetConn) machine() transport.Machine { return puppetMachine{c} }

type puppetMachine struct{ c *PuppetConn }

func (m puppetMachine) Recv(_ clock.Time, in, _ []byte) (int, core.Event) {
	m.c.input = append(m.c.input, in...)
	if !m.c.opened {
		if m.c.parseHead() {
			return len(in), core.Event{Kind: core.EventOpen}
		}
		return len(in), core.Event{}
	}
	for m.c.parseFrame() {
	}
	return len(in), core.Event{}
}

func (m puppetMachine) RecvEOF(clock.Time) core.Event {
	m.c.ended(false)
	return core.Event{}
}

func (m puppetMachine) Lost(clock.Time) core.Event {
	m.c.ended(true)
	return core.Event{}
}

func (puppetMachine) Tick(clock.Time) core.Event                  { return core.Event{} }
func (puppetMachine) Deadline() (clock.Time, core.Timer)          { return clock.Latest, core.TimerNone }
func (puppetMachine) SetReading(clock.Time, bool)                 {}
func (puppetMachine) SetReadAhead(clock.Time, bool)               {}
func (puppetMachine) Wrote(clock.Time, int)                       {}
func (m puppetMachine) Pending() int                              { return len(m.c.out) }
func (m puppetMachine) Role() core.Role                           { return m.c.conn.role }
func (puppetMachine) Request() *core.Request                      { return nil }
func (puppetMachine) Response() *core.Response                    { return nil }
func (puppetMachine) Subprotocol() string                         { return "" }
func (puppetMachine) Open() bool                                  { return false }
func (puppetMachine) Err() error                                  { return nil }
func (m puppetMachine) Transport() core.Transport                 { return m.c.want }
func (puppetMachine) Accept(clock.Time, core.AcceptOptions) error { return core.ErrNoRequest }
func (puppetMachine) Reject(clock.Time, core.RejectOptions) error { return core.ErrNoRequest }

// AppendState writes down the connection; see [Stater].
func (m puppetMachine) AppendState(dst []byte) []byte {
	dst = append(dst, byte(m.c.want))
	dst = append(dst, m.c.out...)
	return append(dst, m.c.input...)
}

func (m puppetMachine) AppendOutput(dst []byte) []byte {
	dst = append(dst, m.c.out...)
	m.c.out = m.c.out[:0]
	return dst
}

func (puppetMachine) AppendFragment(dst []byte, _ frame.Opcode, _ []byte, _ bool) ([]byte, error) {
	return dst, core.ErrNotOpen
}

func (puppetMachine) AppendMessage(dst []byte, _ frame.Opcode, _ []byte) ([]byte, error) {
	return dst, core.ErrNotOpen
}

func (puppetMachine) AppendHeader(dst []byte, _ frame.Opcode, _ core.HeaderOptions, _ int) ([]byte, frame.Mask, error) {
	return dst, frame.Mask{}, core.ErrNotOpen
}

func (puppetMachine) AppendPing(dst, _ []byte) ([]byte, error) { return dst, core.ErrNotOpen }

func (puppetMachine) AppendClose(_ clock.Time, dst []byte, _ frame.CloseCode, _ string) ([]byte, error) {
	return dst, core.ErrNotOpen
}

var _ transport.Machine = puppetMachine{}
