package quic_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

var _ websockets.Listener = (*quic.Listener)(nil)

func TestListenerClose(t *testing.T) {
	l := listen(t, nil)
	c := dial(t, l.Addr(), nil)
	client, server := open(t, c, l)
	unaccepted, err := c.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quictest.Write(t, unaccepted, "?")
	time.Sleep(50 * time.Millisecond) // until it has come
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if s, err := l.AcceptStream(); s != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("AcceptStream = %v, %v; want nil and net.ErrClosed", s, err)
	}
	late, err := c.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quictest.Write(t, late, "?")
	for name, s := range map[string]*quic.Stream{"that nobody accepted": unaccepted, "that came late": late} {
		if _, err := quictest.ReadAll(s); !errors.Is(err, quic.ErrRefused) {
			t.Errorf("a stream %s reads %v; want ErrRefused", name, err)
		}
	}
	quictest.Write(t, server, "still there")
	if got, err := quictest.Read(client, 11); got != "still there" || err != nil {
		t.Errorf("an accepted stream reads %q, %v", got, err)
	}
	select {
	case <-l.Done():
		t.Error("the listener is gone while a stream is open")
	default:
	}
	server.Close()
	client.Close()
	quictest.Await(t, "the end of the listener", l.Done())
	quictest.Await(t, "the end of the connection", c.Done())
	if e, ok := errors.AsType[*quicgo.ApplicationError](c.Err()); !ok || e.ErrorCode != quic.ConnClosed || errors.Is(c.Err(), net.ErrClosed) {
		t.Errorf("the client's connection ended with %v; want that the server closed it", c.Err())
	}
}

func TestListenerCloseWithoutConnections(t *testing.T) {
	l := listen(t, nil)
	accepted := make(chan error)
	go func() { _, err := l.Accept(); accepted <- err }()
	l.Close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v; want net.ErrClosed", err)
	}
	quictest.Await(t, "the end of the listener", l.Done())
	again, err := quic.Listen(l.Addr().String(), quictest.ServerTLS(), nil)
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	again.Close()
	quictest.Await(t, "the end of the other listener", again.Done())
}

func TestListenerAbort(t *testing.T) {
	l := listen(t, nil)
	client, server := open(t, dial(t, l.Addr(), nil), l)
	l.Abort()
	quictest.Await(t, "the end of the listener", l.Done())
	if _, err := quictest.ReadAll(client); !errors.Is(err, quic.ErrAborted) {
		t.Errorf("the client reads %v; want ErrAborted", err)
	}
	if _, err := quictest.ReadAll(server); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the server reads %v; want net.ErrClosed", err)
	}
}

// Whoever wants to share a port accepts connections itself.
func TestAdd(t *testing.T) {
	config := quictest.ServerTLS()
	config.NextProtos = []string{"other", quic.ALPN}
	shared, err := quicgo.ListenAddr(quictest.AnyPort, config, quic.Defaults(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	l := quic.NewListener(shared.Addr())
	defer func() { l.Abort(); quictest.Await(t, "the end of the listener", l.Done()) }()
	added := make(chan error)
	go func() {
		for range 3 {
			c, err := shared.Accept(context.Background())
			if err == nil {
				err = l.Add(c)
			}
			added <- err
		}
	}()

	c, err := quic.Dial(t.Context(), l.Addr().String(), quictest.ClientTLS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-added; err != nil {
		t.Error(err)
	}
	open(t, c, l)
	c.Abort()
	quictest.Await(t, "the end of the connection", c.Done())

	client := quictest.ClientTLS()
	client.NextProtos = []string{"other"}
	other, err := quicgo.DialAddr(t.Context(), l.Addr().String(), client, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-added; err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("Add of a connection with another protocol: %v", err)
	}
	quictest.Await(t, "the end of a connection with another protocol", other.Context().Done())

	l.Close()
	late, err := quic.Dial(t.Context(), l.Addr().String(), quictest.ClientTLS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-added; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Add after Close: %v; want net.ErrClosed", err)
	}
	quictest.Await(t, "the end of a connection that came late", late.Done())
}

// A client that opens a connection and does nothing with it is not kept for ever.
func TestConnectionsWithoutStreamsAreClosed(t *testing.T) {
	t.Parallel()
	const short = time.Second
	l := listen(t, &quic.Config{MaxIdleTimeout: short, KeepAlivePeriod: short / 5})
	start := time.Now()
	c := dial(t, l.Addr(), nil)
	client, server := open(t, c, l)
	time.Sleep(short * 3 / 2)
	client.Abort()
	server.Abort()
	quictest.Await(t, "the end of the connection", c.Done())
	if e, ok := errors.AsType[*quicgo.ApplicationError](c.Err()); !ok || e.ErrorCode != quic.ConnClosed {
		t.Errorf("it ended with %v; want the code ConnClosed", c.Err())
	}
	for start := time.Now(); l.Conns() > 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > quictest.Patience {
			t.Fatal("the listener still knows the connection")
		}
	}
	if d := time.Since(start); d < short*5/2 {
		t.Errorf("it ended after %v, though it had a stream for %v", d, short*3/2)
	}
}

func TestListenErrors(t *testing.T) {
	for name, test := range map[string]struct {
		addr   string
		config *tls.Config
		want   string
	}{
		"no TLS configuration": {quictest.AnyPort, nil, "no certificate"},
		"no certificate":       {quictest.AnyPort, &tls.Config{}, "no certificate"},
		"no such address":      {"127.0.0.1:http/3", quictest.ServerTLS(), "http/3"},
	} {
		if l, err := quic.Listen(test.addr, test.config, nil); l != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v; want an error with %q", name, l, err, test.want)
		}
	}
}
