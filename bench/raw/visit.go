package raw

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// Visit connects to a server, shakes hands, has the first message of a stream sent
// back, and closes: with a close frame, which the server answers before it ends the
// connection.
func Visit(server Target, stream *Stream) error {
	f, err := NewFleet(server, stream, 1, 1)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Burst(1); err != nil {
		return err
	}
	return f.conns[0].leave()
}

// goodbye is a close frame with the code 1000.
var goodbye = frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Close, Masked: true, Mask: mask}, []byte{3, 232})

// leave does the closing handshake, and waits for the end of the input.
func (c *Conn) leave() error {
	if err := c.Write(goodbye); err != nil {
		return err
	}
	if err := c.closeReply(); err != nil {
		return fmt.Errorf("closing handshake: %w", err)
	}
	if tcp, ok := c.c.(*net.TCPConn); ok && c.plain {
		tcp.CloseWrite() // a WebSocket server ends first, a plain one does not
	}
	if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the server does not end the connection: %v", err)
	}
	return nil
}

func (c *Conn) closeReply() error {
	if c.plain {
		return c.ReadSame(goodbye)
	}
	c.c.SetReadDeadline(time.Now().Add(patience))
	h, _, err := c.header()
	if err != nil {
		return err
	}
	if h.Opcode != frame.Close {
		return fmt.Errorf("a frame of the type %v in place of a close frame", h.Opcode)
	}
	_, err = c.r.Discard(int(h.Length))
	return err
}
