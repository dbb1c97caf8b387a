package worlds

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// A move is something that a puppet does to a connection. Which of its forms it
// takes is for detail to say; 0 is the plainest.
type move func(c *sim.PuppetConn, detail int)

var moves = [...]move{
	func(c *sim.PuppetConn, detail int) { c.Send(frame.Text, hostileText(detail%300)) },
	func(c *sim.PuppetConn, detail int) { c.Send(frame.Binary, hostileText(detail%700)) },
	func(c *sim.PuppetConn, detail int) { c.Send(frame.Ping, hostileText(detail%126)) },
	func(c *sim.PuppetConn, detail int) { c.Send(frame.Pong, hostileText(detail%126)) },
	func(c *sim.PuppetConn, detail int) { c.SendClose(oneOf(detail, goodCodes...), "") },
	func(c *sim.PuppetConn, detail int) { c.SendClose(oneOf(detail, badCodes...), "") },
	sendFragments,
	sendHalves,
	reserved,
	wrongMask,
	wrongLength,
	wrongControl,
	wrongOrder,
	tooBig,
	flood,
	wrongText,
	wrongClose,
	noise,
	func(c *sim.PuppetConn, _ int) { c.End() },
	func(c *sim.PuppetConn, _ int) { c.Close() },
	func(c *sim.PuppetConn, _ int) { c.Reset() },
	func(c *sim.PuppetConn, detail int) { c.Hold(detail%2 == 0) },
}

var (
	goodCodes = []frame.CloseCode{1000, 1001, frame.NoStatus, 1003, 1007, 1014, 3000, 4999}
	badCodes  = []frame.CloseCode{999, 0, 1004, 1006, 1015, 1016, 2999, 5000, 65535}
)

func oneOf[T any](detail int, list ...T) T { return list[detail%len(list)] }

// hostileText returns n bytes of valid text.
func hostileText(n int) []byte { return []byte(strings.Repeat("hostile ", n/8+1)[:n]) }

// sendFragments sends a message in up to five fragments with a character cut in
// two, and pings between.
func sendFragments(c *sim.PuppetConn, detail int) {
	last := detail % 5
	for i := range last + 1 {
		op := frame.Continuation
		if i == 0 {
			op = frame.Text
		}
		text := []byte("begin \xf0\x9f")
		if i%2 == 1 {
			text = []byte("\x98\x80 end")
		}
		if i == last && i%2 == 0 {
			text = []byte(" whole")
		}
		c.SendFrame(c.Header(op, i == last), text)
		if detail&8 != 0 {
			c.Send(frame.Ping, nil)
		}
	}
}

// sendHalves sends a frame, or the beginning of one, a piece at a time.
func sendHalves(c *sim.PuppetConn, detail int) {
	h := c.Header(frame.Binary, true)
	h.Length = 100
	whole := append(h.Append(nil), make([]byte, 100)...)
	c.Write(whole[:1+detail%len(whole)])
	if detail&1 == 0 {
		c.Write(whole[1+detail%len(whole):])
	}
}

// reserved sends a frame with a reserved bit or opcode.
func reserved(c *sim.PuppetConn, detail int) {
	h := c.Header(oneOf(detail, frame.Text, 3, 7, 0xB, 0xF, frame.Ping), true)
	bits := detail / 6 % 8
	h.RSV1, h.RSV2, h.RSV3 = bits&1 != 0, bits&2 != 0, bits&4 != 0
	c.SendFrame(h, []byte("reserved"))
}

// wrongMask sends a frame as only the other role may send it.
func wrongMask(c *sim.PuppetConn, detail int) {
	h := c.Header(oneOf(detail, frame.Text, frame.Ping, frame.Close), true)
	h.Masked = !h.Masked
	if !h.Masked {
		h.Mask = frame.Mask{}
	}
	c.SendFrame(h, hostileText(detail%4*2))
}

// wrongLength sends a length in more bytes than it needs, or one beyond all
// bounds.
func wrongLength(c *sim.PuppetConn, detail int) {
	h := c.Header(frame.Binary, true)
	first, mask := byte(0x82), byte(0)
	if h.Masked {
		mask = 0x80
	}
	n := uint64(detail >> 2)
	switch detail % 4 {
	case 0:
		c.Write(binary.BigEndian.AppendUint16([]byte{first, mask | 126}, uint16(n%126)))
	case 1:
		c.Write(binary.BigEndian.AppendUint64([]byte{first, mask | 127}, n))
	case 2:
		c.Write(binary.BigEndian.AppendUint64([]byte{first, mask | 127}, 1<<63|n))
	case 3:
		c.Write(binary.BigEndian.AppendUint64([]byte{first, mask | 127}, 1<<62|n))
	}
	c.Write(make([]byte, 4))
}

// wrongControl sends a control frame that is too long or not the last.
func wrongControl(c *sim.PuppetConn, detail int) {
	h := c.Header(oneOf(detail, frame.Ping, frame.Pong, frame.Close), detail&1 != 0)
	c.SendFrame(h, hostileText(detail%4*126))
}

// wrongOrder sends a continuation of nothing, or a message in another one.
func wrongOrder(c *sim.PuppetConn, detail int) {
	if detail%2 == 0 {
		c.Send(frame.Continuation, []byte("of nothing"))
		return
	}
	c.SendFrame(c.Header(frame.Text, false), []byte("begun"))
	c.Send(oneOf(detail/2, frame.Text, frame.Binary), []byte("another"))
}

// tooBig declares a frame, or sends a message, that is longer than accepted.
func tooBig(c *sim.PuppetConn, detail int) {
	switch detail % 3 {
	case 0:
		h := c.Header(frame.Text, true)
		h.Length = int64(401 + detail)
		c.SendHeader(h)
	case 1:
		for i := range 3 {
			op := frame.Continuation
			if i == 0 {
				op = frame.Binary
			}
			c.SendFrame(c.Header(op, i == 2), hostileText(300))
		}
	case 2:
		for i := range 6 {
			op := frame.Continuation
			if i == 0 {
				op = frame.Text
			}
			c.SendFrame(c.Header(op, i == 5), nil)
		}
	}
}

// flood sends as many control frames as are accepted in a second, and more.
func flood(c *sim.PuppetConn, detail int) {
	for range 15 + detail%20 {
		c.Send(oneOf(detail/20, frame.Ping, frame.Pong), nil)
	}
}

// wrongText sends text that is not UTF-8: at once, or in the middle of a
// fragmented message.
func wrongText(c *sim.PuppetConn, detail int) {
	bad := []byte(oneOf(detail/2, "\xff", "a\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "ok \xe2\x82", "\x80"))
	if detail%2 == 0 {
		c.Send(frame.Text, bad)
		return
	}
	c.SendFrame(c.Header(frame.Text, false), []byte("good "))
	c.SendFrame(c.Header(frame.Continuation, false), bad)
	c.Send(frame.Continuation, nil)
}

// wrongClose sends a close frame with a payload that is malformed.
func wrongClose(c *sim.PuppetConn, detail int) {
	c.Send(frame.Close, []byte(oneOf(detail, "\x03", "\x03\xe8\xff\xfe", "\x03\xe8ok\xe2\x82", "\x00\x00")))
}

// noise sends bytes without a meaning.
func noise(c *sim.PuppetConn, detail int) { c.Write(scramble(1+detail%64, detail)) }

const goodRequest = "GET / HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// crookedRequest sends a request with one thing in it replaced by another.
func crookedRequest(c *sim.PuppetConn, choose func(int) int) {
	sendCrooked(c, goodRequest, choose, [][2]string{
		{"", ""},
		{"GET ", "POST "},
		{"GET / HTTP", "GET  HTTP"},
		{"HTTP/1.1", "HTTP/1.0"},
		{"Host: sim\r\n", ""},
		{"Host: sim\r\n", "Host: sim\r\nHost: sim\r\n"},
		{"Upgrade: websocket\r\n", ""},
		{"Connection: Upgrade", "Connection: close"},
		{"Host: sim\r\n", "Host: sim\r\nContent-Length: 5\r\n"},
		{"Version: 13", "Version: 8"},
		{"b25jZQ==", "b25jZQ"},
		{"Host: sim\r\n", "Host: sim\r\nSec-WebSocket-Protocol: a, a\r\n"},
		{"Host: sim\r\n", "Host: sim\r\nSec-WebSocket-Extensions: a;;\r\n"},
		{"Host: sim\r\n", "Host: sim\r\nX: " + strings.Repeat("x", 600) + "\r\n"},
		{"Host: sim\r\n", "Host: sim\r\n" + strings.Repeat("X: y\r\n", 20)},
		{"Host: ", "Host : "},
	})
}

// crookedResponse answers a request with one thing in the answer replaced by
// another.
func crookedResponse(c *sim.PuppetConn, choose func(int) int) {
	key := ""
	for line := range strings.Lines(string(c.Head())) {
		if name, value, _ := strings.Cut(line, ": "); name == "Sec-WebSocket-Key" {
			key = strings.TrimSpace(value)
		}
	}
	good := fmt.Sprintf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", core.AcceptKey(key))
	sendCrooked(c, good, choose, [][2]string{
		{"", ""},
		{"101 Switching Protocols", "404 Not Found"},
		{"101 ", "200 "},
		{"HTTP/1.1", "HTTP/2"},
		{"Upgrade: websocket\r\n", ""},
		{"Connection: Upgrade", "Connection: keep-alive"},
		{"Accept: ", "Accept: x"},
		{"Upgrade: websocket\r\n", "Upgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\n"},
		{"Upgrade: websocket\r\n", "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"},
		{"Upgrade: websocket\r\n", "Upgrade: websocket\r\nX: " + strings.Repeat("x", 600) + "\r\n"},
		{"\r\nUpgrade", "\nUpgrade"},
	})
}

// sendCrooked replaces, cuts short, or spoils a byte.
func sendCrooked(c *sim.PuppetConn, head string, choose func(int) int, replacements [][2]string) {
	r := replacements[choose(len(replacements))]
	p := []byte(strings.Replace(head, r[0], r[1], 1))
	at, with, how := choose(len(p)), choose(256), choose(8)
	switch how {
	case 6:
		p = p[:at]
	case 7:
		p[at] = byte(with)
	}
	c.Write(p)
}
