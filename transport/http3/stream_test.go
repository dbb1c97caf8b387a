package http3_test

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

func TestContract(t *testing.T) {
	s := serve(t, nil, nil)
	d := &http3.Dialer{}
	keep, _ := open(t, d, s) // the connection
	defer keep.Abort()
	t.Run("ClientFirst", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return open(t, d, s) })
	})
	t.Run("ServerFirst", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			client, server := open(t, d, s)
			return server, client
		})
	})
	t.Run("OneConnectionEach", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return open(t, &http3.Dialer{}, s) })
	})
}

func TestAbortIsSeen(t *testing.T) {
	s := serve(t, nil, nil)
	d := &http3.Dialer{}
	client, server := open(t, d, s)
	client.Abort()
	expectAbort(t, server)
	client, server = open(t, d, s)
	server.Abort()
	expectAbort(t, client)
	client, server = open(t, d, s)
	quictest.Write(t, client, "the next stream of the connection works")
	client.CloseWrite()
	if got, err := quictest.ReadAll(server); len(got) != 39 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections; want 1", n)
	}
}

// expectAbort fails the test unless both directions of s were cancelled by the peer.
func expectAbort(t *testing.T, s transport.Stream) {
	t.Helper()
	_, err := quictest.ReadAll(s)
	expectCancelled(t, "reading", err)
	for err = nil; err == nil || err == transport.ErrWouldBlock; {
		_, err = s.TryWrite(make([]byte, 1<<10))
	}
	expectCancelled(t, "writing", err)
	s.Abort()
}

func expectCancelled(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, http3.ErrAborted) || errors.Is(err, net.ErrClosed) {
		t.Errorf("%s: %v; want ErrAborted and not net.ErrClosed, which is of this side", what, err)
	}
	e, ok := errors.AsType[*h3.Error](err)
	if !ok || e.ErrorCode != h3.ErrCodeRequestCanceled || !e.Remote {
		t.Errorf("%s: %v; want H3_REQUEST_CANCELLED of the peer", what, err)
	}
}

// Output that was ended in order arrives, whatever its sender does next.
func TestAbortAfterCloseWrite(t *testing.T) {
	s := serve(t, nil, nil)
	for name, pair := range map[string]func(*testing.T) (a, b *http3.Stream){
		"Client": func(t *testing.T) (a, b *http3.Stream) { return open(t, &http3.Dialer{}, s) },
		"Server": func(t *testing.T) (a, b *http3.Stream) { b, a = open(t, &http3.Dialer{}, s); return a, b },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			quictest.Write(t, a, "all that was to be said")
			if err := a.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "input", b.Readable)
			a.Abort()
			if got, err := quictest.ReadAll(b); got != "all that was to be said" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			var err error
			eventually(t, "an error of writing to who has left", func() bool {
				_, err = b.TryWrite([]byte("x"))
				return err != nil && err != transport.ErrWouldBlock
			})
			if e, ok := errors.AsType[*quicgo.StreamError](err); !ok || e.ErrorCode != quicgo.StreamErrorCode(h3.ErrCodeNoError) || errors.Is(err, http3.ErrAborted) {
				t.Errorf("writing to who has left: %v; want H3_NO_ERROR", err)
			}
			b.Abort()
		})
	}
}

// Close gives a peer that never ends its output five seconds.
func TestCloseWithAPeerThatNeverEnds(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, nil)
	for name, pair := range map[string]func(*testing.T) (a, b *http3.Stream){
		"Client": func(t *testing.T) (a, b *http3.Stream) { return open(t, &http3.Dialer{}, s) },
		"Server": func(t *testing.T) (a, b *http3.Stream) { b, a = open(t, &http3.Dialer{}, s); return a, b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			start := time.Now()
			quictest.Write(t, a, "the last word")
			a.Close()
			if got, err := quictest.ReadAll(b); got != "the last word" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			sent := 0
			for err := error(nil); err == nil; {
				var n int
				n, err = b.TryWrite(make([]byte, 16<<10))
				if sent += n; err == transport.ErrWouldBlock {
					err = b.AwaitWrite()
				}
				time.Sleep(5 * time.Millisecond)
			}
			if d := time.Since(start); d < 4*time.Second || d > 2*quictest.Patience {
				t.Errorf("told to stop after %v", d)
			}
			if sent < 2<<20 {
				t.Errorf("the peer could send only %d bytes, as if nobody threw them away", sent)
			}
			b.Abort()
		})
	}
}

func TestWhatAStreamTells(t *testing.T) {
	s := serve(t, nil, nil)
	client, server := open(t, &http3.Dialer{}, s)
	defer client.Abort()
	if got, want := server.RemoteAddr().(*net.UDPAddr).Port, client.LocalAddr().(*net.UDPAddr).Port; got != want {
		t.Errorf("the client's port is %d; want %d", got, want)
	}
	if client.RemoteAddr().String() != s.addr.String() || server.LocalAddr().(*net.UDPAddr).Port != s.addr.(*net.UDPAddr).Port {
		t.Errorf("the server's addresses are %v and %v; want %v", client.RemoteAddr(), server.LocalAddr(), s.addr)
	}
	for _, s := range []*http3.Stream{client, server} {
		state, ok := s.ConnectionState()
		if !ok || state.NegotiatedProtocol != "h3" || state.Version != tls.VersionTLS13 {
			t.Errorf("TLS: %v, protocol %q, version %#x", ok, state.NegotiatedProtocol, state.Version)
		}
	}
}
