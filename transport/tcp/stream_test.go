package tcp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/streamtest"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

const anyPort = "127.0.0.1:0"

func TestContract(t *testing.T) {
	t.Run("TCP", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connect(t, "tcp", anyPort) })
	})
	t.Run("SmallBuffers", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			client, server := connect(t, "tcp", anyPort)
			small(t, client)
			small(t, server)
			return client, server
		})
	})
	t.Run("Unix", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connect(t, "unix", t.TempDir()+"/s") })
	})
	t.Run("TLS13", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connectTLS(t, tls.VersionTLS13) })
	})
	t.Run("TLS12", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connectTLS(t, tls.VersionTLS12) })
	})
	t.Run("HijackedTLS", func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return connectPumped(t) })
	})
}

// connect returns both ends of a fresh connection.
func connect(t testing.TB, network, addr string) (client, server *tcp.Stream) {
	t.Helper()
	l, err := tcp.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = tcp.Dial(t.Context(), network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

// small makes the kernel's buffers small, yet large enough for a segment of the
// loopback interface, without which each waits for a timer.
func small(t testing.TB, s *tcp.Stream) {
	t.Helper()
	c := s.NetConn().(*net.TCPConn)
	if err := c.SetReadBuffer(128 << 10); err != nil {
		t.Fatal(err)
	}
	if err := c.SetWriteBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
}

// connectTLS is connect with TLS of one version.
func connectTLS(t testing.TB, version uint16) (client, server *tcp.Stream) {
	t.Helper()
	serverConfig, clientConfig := configs(version)
	l, err := tcp.ListenTLS("tcp", anyPort, serverConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *tcp.Stream, 1)
	go func() {
		s, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- s
	}()
	client, err = tcp.DialTLS(t.Context(), "tcp", l.Addr().String(), clientConfig)
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	if err := server.Handshake(t.Context()); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// connectPumped returns streams over connections of crypto/tls.
func connectPumped(t testing.TB) (client, server *tcp.Stream) {
	t.Helper()
	serverConfig, clientConfig := configs(tls.VersionTLS13)
	l, err := tls.Listen("tcp", anyPort, serverConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *tcp.Stream, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- adopt(t, c)
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), clientConfig)
	if err != nil {
		t.Fatal(err)
	}
	return adopt(t, c), <-accepted
}

func adopt(t testing.TB, c net.Conn) *tcp.Stream {
	s, err := tcp.FromConn(c, nil)
	if err != nil {
		t.Error(err)
	}
	return s
}

// configs returns configurations for one version of TLS and a certificate for
// 127.0.0.1 that the client trusts.
func configs(version uint16) (server, client *tls.Config) {
	server = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: version, MaxVersion: version}
	client = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: version, MaxVersion: version}
	client.RootCAs.AddCert(certificate.Leaf)
	return server, client
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
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
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
