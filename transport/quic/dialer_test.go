package quic_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// trusting is one configuration, since connections are shared by configuration.
var trusting = quictest.ClientTLS().Clone

func requestFor(addr net.Addr) *http.Request {
	return &http.Request{URL: &url.URL{Scheme: "https", Host: addr.String(), Path: "/"}}
}

// openBy opens a stream by d, which is gone when the test ends.
func openBy(t testing.TB, d *quic.Dialer, addr net.Addr) *quic.Stream {
	t.Helper()
	s, response, err := d.OpenStream(t.Context(), requestFor(addr), trusting())
	if err != nil || response != nil {
		t.Fatalf("OpenStream: %v, %v", response, err)
	}
	t.Cleanup(func() { s.Abort() })
	return s.(*quic.Stream)
}

func TestADialerSharesConnections(t *testing.T) {
	l := listen(t, nil)
	d := &quic.Dialer{}
	conns := make(map[*quicgo.Conn]bool)
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			s, _, err := d.OpenStream(t.Context(), requestFor(l.Addr()), trusting())
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { s.Abort() })
			mu.Lock()
			defer mu.Unlock()
			conns[s.(*quic.Stream).QUIC()] = true
		})
	}
	all.Wait()
	if len(conns) != 1 {
		t.Errorf("%d connections for 100 sockets; want 1", len(conns))
	}
	other, _, err := d.OpenStream(t.Context(), requestFor(l.Addr()), quictest.ClientTLS())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Abort()
	if conns[other.(*quic.Stream).QUIC()] {
		t.Error("another TLS configuration shares the connection")
	}
}

// When the server allows no more streams on a connection, there is another one.
func TestADialerAndAFullConnection(t *testing.T) {
	l := listen(t, &quic.Config{MaxIncomingStreams: 3})
	d := &quic.Dialer{}
	of := make(map[*quicgo.Conn]int)
	var streams []*quic.Stream
	for range 10 {
		s := openBy(t, d, l.Addr())
		of[s.QUIC()]++
		streams = append(streams, s)
	}
	if len(of) != 4 {
		t.Errorf("%d connections for 10 sockets, 3 on each; want 4: %v", len(of), of)
	}
	for _, s := range streams {
		s.Abort()
	}
	for c := range of {
		quictest.Await(t, "the end of a connection that was full", c.Context().Done())
	}
}

func TestADialersConnectionEndsWithItsLastSocket(t *testing.T) {
	l := listen(t, nil)
	d := &quic.Dialer{}
	var last *quic.Stream
	conns := make(map[*quicgo.Conn]bool)
	for range 300 {
		client := openBy(t, d, l.Addr())
		quictest.Write(t, client, "the last word")
		client.Close()
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := quictest.ReadAll(server); got != "the last word" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		server.Close()
		conns[client.QUIC()] = true
		last = client
	}
	if len(conns) > 10 {
		t.Errorf("%d connections for sockets one after the other", len(conns))
	}
	ended := last.QUIC().Context()
	quictest.Await(t, "the end of the connection", ended.Done())
	if e, ok := errors.AsType[*quicgo.ApplicationError](context.Cause(ended)); !ok || e.Remote || e.ErrorCode != quic.ConnClosed {
		t.Errorf("the connection ended with %v; want ConnClosed", context.Cause(ended))
	}
}

func TestWhatADialerCannotReach(t *testing.T) {
	config := quictest.ServerTLS()
	config.NextProtos = []string{"h3"}
	h3, err := quicgo.ListenAddr(quictest.AnyPort, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h3.Close()
	none := listen(t, &quic.Config{MaxIncomingStreams: -1})
	for _, test := range []struct {
		addr net.Addr
		tls  *tls.Config
		text string
	}{
		{none.Addr(), nil, "must begin with wss"},
		{h3.Addr(), trusting(), "does not speak " + quic.ALPN},
		{none.Addr(), trusting(), "no more streams at a time"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		s, response, err := (&quic.Dialer{}).OpenStream(ctx, requestFor(test.addr), test.tls)
		if s != nil || response != nil || err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("OpenStream = %v, %v, %v; want %q", s, response, err, test.text)
		}
	}
}

func TestADialerAsACarrier(t *testing.T) {
	l, _ := serve(t, echo, websockets.Strict())
	o := websockets.Strict()
	o.Carrier, o.TLSConfig = &quic.Dialer{}, trusting()
	c, err := websockets.Dial(t.Context(), "wss://"+l.Addr().String()+"/echo", o)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), websockets.Text, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Receive(t.Context()); string(got) != "hi" || err != nil {
		t.Errorf("received %q, %v", got, err)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
}
