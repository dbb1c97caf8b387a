package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// DefaultHandshakeTimeout is how long a TLS handshake may take: 10 s.
const DefaultHandshakeTimeout = 10 * time.Second

// A handshake is one that runs in another goroutine.
type handshake struct {
	over chan struct{}
	err  error // valid when over is closed
}

func newHandshake() *handshake { return &handshake{over: make(chan struct{})} }

// do runs the handshake of c, for at most timeout if that is positive.
func (h *handshake) do(c *tls.Conn, timeout time.Duration) error {
	ctx, cancel := context.Background(), func() {}
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	err := c.HandshakeContext(ctx)
	if err == nil {
		return nil
	}
	answerPlainHTTP(err)
	return fmt.Errorf("tcp: the TLS handshake with %v failed: %w", c.RemoteAddr(), err)
}

func (h *handshake) finish(err error) {
	h.err = err
	close(h.over)
}

func (h *handshake) wait(ctx context.Context) error {
	select {
	case <-h.over:
		return h.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settled returns the handshake's error, or ErrWouldBlock while it lasts.
func (h *handshake) settled() error {
	select {
	case <-h.over:
		return h.err
	default:
		return transport.ErrWouldBlock
	}
}

// answerPlainHTTP tells a client that speaks HTTP to a TLS port what is wrong.
func answerPlainHTTP(err error) {
	var header tls.RecordHeaderError
	if !errors.As(err, &header) || header.Conn == nil {
		return
	}
	switch string(header.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		io.WriteString(header.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nThis port speaks TLS: use wss:// or https://.\n")
	}
}
