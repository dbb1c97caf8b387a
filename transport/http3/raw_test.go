package http3_test

import (
	"context"
	"net"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport/internal/quictest"
)

// Bytes of HTTP/3, literally.
const (
	settingsFrame  = "\x00\x04\x02\x08\x01" // a control stream begins: SETTINGS with ENABLE_CONNECT_PROTOCOL = 1
	noConnectFrame = "\x00\x04\x02\x06\x10" // likewise, without
	goAwayFrame    = "\x07\x01\x00"         // GOAWAY, no request was served
)

// rawServer serves connections with h until the test ends. They have been sent
// control on their control stream, if it is not empty.
func rawServer(t testing.TB, control string, h func(*quicgo.Conn)) net.Addr {
	t.Helper()
	config := quictest.ServerTLS()
	config.NextProtos = []string{"h3"}
	l, err := quicgo.ListenAddr(quictest.AnyPort, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return
			}
			if control != "" {
				sendUni(t, c, control)
			}
			go h(c)
		}
	}()
	t.Cleanup(func() {
		cancel()
		l.Close()
		quictest.Await(t, "the end of the server", stopped)
	})
	return l.Addr()
}

// sendUni opens a unidirectional stream with p and leaves it open.
func sendUni(t testing.TB, c *quicgo.Conn, p string) *quicgo.SendStream {
	s, err := c.OpenUniStream()
	if err == nil {
		_, err = s.Write([]byte(p))
	}
	if err != nil {
		t.Errorf("a unidirectional stream: %v", err)
	}
	return s
}

// idle waits for the end of the connection.
func idle(c *quicgo.Conn) { <-c.Context().Done() }
