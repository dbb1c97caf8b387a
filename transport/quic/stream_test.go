package quic_test

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

func TestContract(t *testing.T) {
	l := listen(t, nil)
	c := dial(t, l.Addr(), nil)
	keep, _ := open(t, c, l) // both ends of the connection are at work
	defer keep.Abort()
	t.Run("ClientFirst", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return open(t, c, l) })
	})
	t.Run("ServerFirst", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			client, server := open(t, c, l)
			return server, client
		})
	})
	t.Run("OneConnectionEach", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			c, err := quic.Dial(t.Context(), l.Addr().String(), quictest.ClientTLS(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			return open(t, c, l)
		})
	})
}

func TestAbortIsSeen(t *testing.T) {
	l := listen(t, nil)
	c := dial(t, l.Addr(), nil)
	client, server := open(t, c, l)
	client.Abort()
	_, err := quictest.ReadAll(server)
	aborted(t, "reading", err)
	for err = nil; err == nil || err == transport.ErrWouldBlock; {
		_, err = server.TryWrite(make([]byte, 1<<10))
	}
	aborted(t, "writing", err)
	client, server = open(t, c, l)
	quictest.Write(t, client, "the next stream of the connection works")
	client.CloseWrite()
	if got, err := quictest.ReadAll(server); len(got) != 39 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func aborted(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, quic.ErrAborted) || errors.Is(err, net.ErrClosed) {
		t.Errorf("%s: %v; want ErrAborted and not net.ErrClosed, which is of this side", what, err)
	}
	e, ok := errors.AsType[*quicgo.StreamError](err)
	if !ok || e.ErrorCode != quic.StreamAborted || !e.Remote {
		t.Errorf("%s: %v; want the code StreamAborted", what, err)
	}
}

// Output that was ended in order arrives, whatever its sender does next.
func TestAbortAfterCloseWrite(t *testing.T) {
	l := listen(t, nil)
	client, server := open(t, dial(t, l.Addr(), nil), l)
	quictest.Write(t, client, "all that was to be said")
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, server)
	client.Abort()
	time.Sleep(20 * time.Millisecond) // for what must not come
	if got, err := quictest.ReadAll(server); got != "all that was to be said" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	for err := error(nil); ; time.Sleep(time.Millisecond) {
		if _, err = server.TryWrite([]byte("x")); err == nil {
			continue
		}
		if e, ok := errors.AsType[*quicgo.StreamError](err); !ok || e.ErrorCode != quic.StreamUnread {
			t.Errorf("writing to who has left: %v; want the code StreamUnread", err)
		}
		return
	}
}

// awaitEnd waits until the end of a short input has come.
func awaitEnd(t *testing.T, s *quic.Stream) {
	t.Helper()
	for start := time.Now(); !s.Readable(); time.Sleep(time.Millisecond) {
		if time.Since(start) > quictest.Patience {
			t.Fatal("nothing came")
		}
	}
}

// Close gives a peer that goes on sending five seconds.
func TestCloseStopsAPeerThatGoesOn(t *testing.T) {
	t.Parallel()
	l := listen(t, nil)
	client, server := open(t, dial(t, l.Addr(), nil), l)
	start := time.Now()
	server.Close()
	if got, err := quictest.ReadAll(client); got != "" || err != nil {
		t.Errorf("read %q, %v; want the end", got, err)
	}
	for sent := 0; ; {
		n, err := client.TryWrite(make([]byte, 16<<10))
		sent += n
		if err == transport.ErrWouldBlock {
			err = client.AwaitWrite()
		}
		if err == nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if e, ok := errors.AsType[*quicgo.StreamError](err); !ok || e.ErrorCode != quic.StreamUnread || errors.Is(err, quic.ErrAborted) {
			t.Errorf("writing: %v; want the code StreamUnread", err)
		}
		if d := time.Since(start); d < 4*time.Second || d > 2*quictest.Patience {
			t.Errorf("told to stop after %v", d)
		}
		if sent < 2<<20 {
			t.Errorf("the peer could send only %d bytes, as if nobody threw them away", sent)
		}
		return
	}
}

func TestWhatAStreamTells(t *testing.T) {
	l := listen(t, nil)
	c := dial(t, l.Addr(), nil)
	client, server := open(t, c, l)
	if got, want := server.RemoteAddr().(*net.UDPAddr).Port, c.LocalAddr().(*net.UDPAddr).Port; got != want {
		t.Errorf("the client's port is %d; want %d", got, want)
	}
	if client.RemoteAddr().String() != l.Addr().String() || c.RemoteAddr().String() != l.Addr().String() {
		t.Errorf("the server's addresses are %v and %v; want %v", client.RemoteAddr(), c.RemoteAddr(), l.Addr())
	}
	for _, s := range []*quic.Stream{client, server} {
		state, ok := s.ConnectionState()
		if !ok || state.NegotiatedProtocol != quic.ALPN || state.Version != tls.VersionTLS13 {
			t.Errorf("TLS: %v, protocol %q, version %#x", ok, state.NegotiatedProtocol, state.Version)
		}
		if s.ID() != 0 {
			t.Errorf("ID = %d", s.ID())
		}
	}
	if client.QUIC() != c.QUIC() {
		t.Error("a stream of another connection")
	}
}
