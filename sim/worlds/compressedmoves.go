package worlds

import (
	"bytes"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// hostileExtensions is what a puppet says of extensions: a client offers it, or a
// server chooses it.
var hostileExtensions = [...]string{
	"permessage-deflate; server_no_context_takeover",
	"permessage-deflate; client_max_window_bits",
	"permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
	"permessage-deflate",
	"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
	"permessage-deflate; server_max_window_bits=14; client_max_window_bits=10",
	"permessage-deflate; server_max_window_bits=16",
	"x-other, permessage-deflate; client_max_window_bits=\"9\"",
	"",
}

// compressedMoves are what a puppet does besides where connections may compress.
var compressedMoves = [...]move{
	func(c *sim.PuppetConn, detail int) { c.SendCompressed(frame.Text, hostileText(detail%600)) },
	func(c *sim.PuppetConn, detail int) { c.SendCompressed(frame.Binary, scramble(detail%600, detail)) },
	func(c *sim.PuppetConn, detail int) { c.SendCompressed(frame.Text, scramble(1+detail%9, detail)) },
	bomb,
	farBack,
	handmade,
	compressedFragments,
	misplacedRSV1,
}

// bomb sends a message that is small on the wire and large behind it: a little more
// than is accepted, or a lot.
func bomb(c *sim.PuppetConn, detail int) {
	c.SendCompressed(frame.Binary, make([]byte, oneOf(detail, hostileMessage, hostileMessage+1, 1<<20)))
}

// farBack sends a message that says what it has twice, further back perhaps than a small
// window reaches.
func farBack(c *sim.PuppetConn, detail int) {
	c.SendCompressed(frame.Binary, bytes.Repeat(scramble(240+detail%60, detail), 2))
}

// deflated is compressed data as no compressor makes it, good and bad, with the head
// of the last block that a tail completes.
var deflated = [...]string{
	"\x00\x05\x00\xfa\xffHello\x00",                  // a stored block
	"\x00\x01\x00\xfe\xffH\x00\x01\x00\xfe\xffi\x00", // two of them
	"\x00\x01\x00\xfe\xffH\x06",                      // and a block of a kind that there is not
	"\x01\x05\x00\xfa\xffHello\x00",                  // the last block of a stream, and another
	"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",               // the same with codes
	"\x00\x05\x00\xfa\xfeHello\x00",                  // the length and its complement do not agree
	"\xf2\x48\xcd\xc9\xc9\x07\x00",                   // "Hello"
	"\xf2\x48\xcd",                                   // that, cut short
	"\xf2\x00\x11\x00\x00",                           // a reference to what was never there
	"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff",   // with its tail
	"\x00", "",
}

// handmade sends one of these.
func handmade(c *sim.PuppetConn, detail int) {
	h := c.Header(oneOf(detail, frame.Binary, frame.Text), true)
	h.RSV1 = true
	c.SendFrame(h, []byte(deflated[detail/2%len(deflated)]))
}

// compressedFragments sends "Hello" in two or three fragments cut anywhere, and pings
// between; the last message may be left unfinished.
func compressedFragments(c *sim.PuppetConn, detail int) {
	p := []byte(deflated[6])
	a, b := detail%len(p), detail/len(p)%len(p)
	h := c.Header(frame.Text, false)
	h.RSV1 = true
	c.SendFrame(h, p[:min(a, b)])
	c.Send(frame.Ping, nil)
	c.SendFrame(c.Header(frame.Continuation, false), p[min(a, b):max(a, b)])
	if detail&1 == 0 {
		c.Send(frame.Continuation, p[max(a, b):])
	}
}

// misplacedRSV1 sets RSV1 where it has no meaning: in a continuation or a control
// frame.
func misplacedRSV1(c *sim.PuppetConn, detail int) {
	op := oneOf(detail, frame.Continuation, frame.Ping, frame.Pong, frame.Close)
	if op == frame.Continuation {
		c.SendFrame(c.Header(frame.Text, false), []byte("begun"))
	}
	h := c.Header(op, true)
	h.RSV1 = true
	c.SendFrame(h, bytes.Repeat([]byte{3}, detail/4%3))
}
