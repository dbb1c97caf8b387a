package quic_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/internal/leak"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/quic"
)

func TestMain(m *testing.M) { leak.Main(m) }

const anyPort = "127.0.0.1:0"

// patience is how long anything that must happen may take.
const patience = 10 * time.Second

// listen returns a listener that is gone, with all that it accepted, when the test
// ends.
func listen(t testing.TB, config *quic.Config) *quic.Listener {
	t.Helper()
	l, err := quic.Listen(anyPort, serverTLS(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Abort()
		await(t, "the end of the listener", l.Done())
	})
	return l
}

// dial returns a connection that is gone when the test ends.
func dial(t testing.TB, addr net.Addr, config *quic.Config) *quic.Conn {
	t.Helper()
	c, err := quic.Dial(t.Context(), addr.String(), clientTLS(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Abort()
		await(t, "the end of the connection", c.Done())
	})
	return c
}

// open returns both ends of a new stream, with nothing on it.
func open(t testing.TB, c *quic.Conn, l *quic.Listener) (client, server *quic.Stream) {
	t.Helper()
	client, err := c.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, client, "?")
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(server, 1); got != "?" || err != nil {
		t.Fatalf("the first byte: %q, %v", got, err)
	}
	return client, server
}

func write(t testing.TB, s transport.Stream, p string) {
	t.Helper()
	if n, err := s.TryWrite([]byte(p)); n != len(p) || err != nil {
		t.Errorf("TryWrite of %d bytes = %d, %v", len(p), n, err)
	}
}

// read reads n bytes, or up to the error that ends the input.
func read(s transport.Stream, n int) (string, error) {
	all := make([]byte, 0, n)
	for len(all) < n {
		l := lender(all[len(all):n])
		m, err := s.AwaitRead(l)
		all = all[:len(all)+m]
		if err != nil && err != transport.ErrKicked {
			return string(all), err
		}
	}
	return string(all), nil
}

// readAll reads to the end of the input and returns io.EOF as nil.
func readAll(s transport.Stream) (string, error) {
	var all []byte
	l := make(lender, 64<<10)
	for {
		n, err := s.AwaitRead(l)
		all = append(all, l[:n]...)
		switch {
		case err == io.EOF:
			return string(all), nil
		case err != nil && err != transport.ErrKicked:
			return string(all), err
		}
	}
}

// A lender lends the same buffer again and again.
type lender []byte

func (l lender) Borrow() []byte { return l }
func (l lender) Return()        {}

func await(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Errorf("%s: still waiting after %v:\n%s", what, patience, leak.Stacks())
	}
}

func serverTLS() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{certificate}} }

// clientTLS trusts the server's certificate.
func clientTLS() *tls.Config {
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(certificate.Leaf)
	return c
}

var certificate = newCertificate()

func newCertificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
