package quic_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// Closing a connection of QUIC destroys what the peer has not read yet: it must be
// given the time for that.
func TestCloseDeliversTheLastMessage(t *testing.T) {
	last := strings.Repeat("last words ", 3000)
	for name, test := range map[string]struct {
		serverFirst bool
		busy        time.Duration // the server, before it reads
	}{
		"ThePeerIsStillOpen": {false, 500 * time.Millisecond},
		"ThePeerHasEnded":    {true, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, nil)
			for range 3 {
				client, err := quic.DialStream(t.Context(), l.Addr().String(), quictest.ClientTLS(), nil)
				if err != nil {
					t.Fatal(err)
				}
				quictest.Write(t, client, "?")
				server, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				if test.serverFirst {
					server.CloseWrite()
					quictest.ReadAll(client)
				}
				quictest.Write(t, client, last)
				client.Close()
				time.Sleep(test.busy)
				if got, err := quictest.ReadAll(server); got != "?"+last || err != nil {
					t.Errorf("read %d bytes, %v; want %d and no error", len(got), err, len(last)+1)
				}
				server.Close()
			}
		})
	}
}

func TestTheConnectionEndsWithItsStream(t *testing.T) {
	l := listen(t, nil)
	client, err := quic.DialStream(t.Context(), l.Addr().String(), quictest.ClientTLS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	quictest.Write(t, client, "?")
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // longer than the end of a connection takes
	quictest.Write(t, client, "still there")
	if got, err := quictest.Read(server, 12); got != "?still there" || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
	client.Close()
	server.Close()
	ended := server.QUIC().Context()
	quictest.Await(t, "the end of the connection", ended.Done())
	e, ok := errors.AsType[*quicgo.ApplicationError](context.Cause(ended))
	if !ok || e.ErrorCode != quic.ConnClosed || !e.Remote {
		t.Errorf("the connection ended with %v; want that the client closed it", context.Cause(ended))
	}
}

func TestConnClose(t *testing.T) {
	l := listen(t, nil)
	c := dial(t, l.Addr(), nil)
	client, server := open(t, c, l)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if s, err := c.OpenStream(t.Context()); s != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("OpenStream = %v, %v; want net.ErrClosed", s, err)
	}
	time.Sleep(300 * time.Millisecond) // longer than the end of a connection takes
	if err := c.Err(); err != nil {
		t.Errorf("Err = %v while a stream is open", err)
	}
	quictest.Write(t, server, "still there")
	if got, err := quictest.Read(client, 11); got != "still there" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	client.Abort()
	quictest.Await(t, "the end of the connection", c.Done())
	if err := c.Err(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Err = %v; want net.ErrClosed", err)
	}
}

func TestConnAbort(t *testing.T) {
	l := listen(t, nil)
	c := dial(t, l.Addr(), nil)
	client, server := open(t, c, l)
	c.Abort()
	if _, err := quictest.ReadAll(server); !errors.Is(err, quic.ErrAborted) || errors.Is(err, net.ErrClosed) {
		t.Errorf("the peer reads %v; want ErrAborted", err)
	}
	if _, err := quictest.ReadAll(client); !errors.Is(err, net.ErrClosed) {
		t.Errorf("who aborted reads %v; want net.ErrClosed", err)
	}
	if _, err := c.OpenStream(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("OpenStream: %v; want net.ErrClosed", err)
	}
}

func TestOpenStreamWaitsForItsTurn(t *testing.T) {
	l := listen(t, &quic.Config{MaxIncomingStreams: 1, RequireStreamCreditRelease: true})
	c := dial(t, l.Addr(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	client, err := c.OpenStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	quictest.Write(t, client, "the context of OpenStream has ended")
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.OpenStream(short); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no more streams") {
		t.Errorf("OpenStream beyond the peer's limit: %v; want the end of the context, and why it waited", err)
	}
	opened := make(chan error, 1)
	go func() {
		s, err := c.OpenStream(t.Context())
		if err == nil {
			s.Abort()
		}
		opened <- err
	}()
	client.Close()
	if got, err := quictest.ReadAll(server); len(got) != 35 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	server.Close()
	if err := <-opened; err != nil {
		t.Errorf("OpenStream when the first had ended: %v", err)
	}
}
