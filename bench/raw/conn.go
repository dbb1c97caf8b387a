// Package raw is a client that does nothing but write frames that were made before, and
// tell what comes back: what it costs does not depend on the server.
package raw

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// patience is how long a server may take to answer. Tests have less.
var patience = 20 * time.Second

// A Conn is a connection after its handshake. One goroutine may use it at a time.
type Conn struct {
	c     net.Conn
	r     *bufio.Reader
	p     []byte // of the message that came last
	plain bool

	// Agreed is the value of Sec-WebSocket-Extensions in the response.
	Agreed string
}

// Dial connects to a server and offers it extensions, none if offer is "". Input is
// read into a buffer of so many bytes.
func Dial(server Target, offer string, buffer int) (*Conn, error) {
	c, err := net.DialTimeout("tcp", server.Addr, patience)
	if err != nil {
		return nil, err
	}
	conn := &Conn{c: c, r: bufio.NewReaderSize(c, buffer), plain: server.Plain}
	if err := conn.handshake(request(server.Addr, offer)); err != nil {
		c.Close()
		return nil, fmt.Errorf("handshake with %s: %w", server.Addr, err)
	}
	return conn, nil
}

// request returns the client's side of a handshake.
func request(addr, offer string) []byte {
	request := "GET / HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	if offer != "" {
		request += "Sec-WebSocket-Extensions: " + offer + "\r\n"
	}
	return []byte(request + "\r\n")
}

func (c *Conn) handshake(request []byte) error {
	if err := c.Write(request); err != nil {
		return err
	}
	if c.plain {
		return c.ReadSame(request)
	}
	c.c.SetReadDeadline(time.Now().Add(patience))
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the status is %s", response.Status)
	}
	c.Agreed = response.Header.Get("Sec-WebSocket-Extensions")
	return nil
}

// ReadSame waits for as many bytes as want has, from a plain server, and checks that
// they are the same.
func (c *Conn) ReadSame(want []byte) error {
	c.c.SetReadDeadline(time.Now().Add(patience))
	c.p = c.p[:0]
	if err := c.payload(len(want)); err != nil {
		return err
	}
	if !bytes.Equal(c.p, want) {
		return fmt.Errorf("the server sends back %.32q for %.32q", c.p, want)
	}
	return nil
}

// Close closes the connection without a closing handshake.
func (c *Conn) Close() { c.c.Close() }

// Write writes p, which is made of frames.
func (c *Conn) Write(p []byte) error {
	c.c.SetWriteDeadline(time.Now().Add(patience))
	_, err := c.c.Write(p)
	return err
}

// large is more than any server may leave unread while nobody reads its replies.
const large = 32 << 10

// exchange writes p and receives what comes back: at once if p is so large that a
// server that answers before it has read all could block.
func (c *Conn) exchange(p []byte, receive func() error) error {
	if len(p) <= large {
		if err := c.Write(p); err != nil {
			return err
		}
		return receive()
	}
	written := make(chan error, 1)
	go func() { written <- c.Write(p) }()
	if err := receive(); err != nil {
		return err
	}
	return <-written
}

// A Reply is a message of the server.
type Reply struct {
	Payload    []byte // as it was on the wire; valid until the next Read
	Compressed bool
	Text       bool
	Wire       int // bytes on the wire, with the headers
}

// Read waits for the next message. Pings and pongs are passed over.
func (c *Conn) Read() (Reply, error) {
	c.c.SetReadDeadline(time.Now().Add(patience))
	reply := Reply{}
	c.p = c.p[:0]
	for {
		h, n, err := c.header()
		if err != nil {
			return reply, err
		}
		if h.Opcode == frame.Ping || h.Opcode == frame.Pong {
			if _, err := c.r.Discard(int(h.Length)); err != nil {
				return reply, err
			}
			continue
		}
		if err := c.payload(int(h.Length)); err != nil {
			return reply, err
		}
		if h.Opcode == frame.Close {
			return reply, fmt.Errorf("the server closed the connection: % x", c.p)
		}
		if reply.Wire == 0 {
			reply.Compressed, reply.Text = h.RSV1, h.Opcode == frame.Text
		}
		reply.Wire += n + int(h.Length)
		if h.Fin {
			reply.Payload = c.p
			return reply, nil
		}
	}
}

// header reads the header of a frame, of n bytes.
func (c *Conn) header() (h frame.Header, n int, err error) {
	for have := 2; n == 0; have++ {
		b, err := c.r.Peek(have)
		if err != nil {
			return h, 0, err
		}
		if h, n, err = frame.ParseHeader(b); err != nil {
			return h, 0, err
		}
	}
	c.r.Discard(n)
	if err := h.Check(false, true); err != nil {
		return h, 0, err
	}
	return h, n, nil
}

// maxMessage is more than any server here should send.
const maxMessage = 32 << 20

// payload appends so many bytes of input to the message.
func (c *Conn) payload(n int) error {
	have := len(c.p)
	if n > maxMessage-have {
		return fmt.Errorf("a message of more than %d bytes", maxMessage)
	}
	if cap(c.p) < have+n {
		p := make([]byte, have, have+n)
		copy(p, c.p)
		c.p = p
	}
	c.p = c.p[:have+n]
	_, err := io.ReadFull(c.r, c.p[have:])
	return err
}
