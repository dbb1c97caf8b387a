package quic_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

func TestDialAnotherProtocol(t *testing.T) {
	config := quictest.ServerTLS()
	config.NextProtos = []string{"h3"}
	other, err := quicgo.ListenAddr(quictest.AnyPort, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, err = quic.Dial(t.Context(), other.Addr().String(), quictest.ClientTLS(), nil)
	if err == nil || !strings.Contains(err.Error(), "the server there does not speak "+quic.ALPN) {
		t.Errorf("Dial = %v", err)
	}
	if _, ok := errors.AsType[*quicgo.TransportError](err); !ok {
		t.Errorf("Dial = %#v, without the error of quic-go", err)
	}
}

// A client that speaks another protocol is refused, and the listener goes on.
func TestListenerOfAnotherProtocol(t *testing.T) {
	l := listen(t, nil)
	config := quictest.ClientTLS()
	config.NextProtos = []string{"h3"}
	if _, err := quicgo.DialAddr(t.Context(), l.Addr().String(), config, nil); err == nil || !strings.Contains(err.Error(), "no application protocol") {
		t.Errorf("dialled with another protocol: %v", err)
	}
	open(t, dial(t, l.Addr(), nil), l)
}

func TestDialErrors(t *testing.T) {
	l := listen(t, nil)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	nobody, err := net.ListenPacket("udp", quictest.AnyPort) // who never answers
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	late, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	impatient := &quic.Config{HandshakeIdleTimeout: 50 * time.Millisecond}
	for name, test := range map[string]struct {
		ctx    context.Context
		addr   string
		tls    *tls.Config
		config *quic.Config
		want   func(error) bool
	}{
		"a certificate of nobody known": {t.Context(), l.Addr().String(), nil, nil,
			func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok }},
		"a context that has ended": {cancelled, l.Addr().String(), quictest.ClientTLS(), nil,
			func(err error) bool { return errors.Is(err, context.Canceled) }},
		"a context that ends": {late, nobody.LocalAddr().String(), quictest.ClientTLS(), nil,
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"silence": {t.Context(), nobody.LocalAddr().String(), quictest.ClientTLS(), impatient,
			func(err error) bool { e, ok := errors.AsType[net.Error](err); return ok && e.Timeout() }},
		"no port": {t.Context(), "127.0.0.1", quictest.ClientTLS(), nil,
			func(err error) bool { return strings.Contains(err.Error(), "missing port") }},
		"no such port": {t.Context(), "127.0.0.1:http/3", quictest.ClientTLS(), nil,
			func(err error) bool { return strings.Contains(err.Error(), "http/3") }},
	} {
		s, err := quic.DialStream(test.ctx, test.addr, test.tls, test.config)
		if s != nil || err == nil || !test.want(err) || errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// A name may have addresses where nobody answers.
func TestDialAName(t *testing.T) {
	l := listen(t, nil)
	addr := net.JoinHostPort("localhost", strings.Split(l.Addr().String(), ":")[1])
	start := time.Now()
	c, err := quic.Dial(t.Context(), addr, quictest.ClientTLS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Abort()
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
	open(t, c, l)
}
