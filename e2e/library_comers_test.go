//go:build e2e

package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	quichttp "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http2"
	_ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect"
	"github.com/fb1e3c20/websockets/transport/http3"
)

// Package websockets as a server for all comers: both ends close with codes and reasons
// of their own, and agree on a subprotocol.
func TestLibraryServerForComers(t *testing.T) {
	h, accepted := accepting(t, func() *websockets.Options {
		o := websockets.Strict()
		o.Subprotocols = []string{"chat"}
		return o
	})
	at := serveAll(t, h)
	open := func(t *testing.T, c comer, args ...string) (library, peer, event) {
		theirs := c.to(at).try(t, "wss://"+at.host+"/ws", args...)
		opened := theirs.next()
		if opened.Kind != "open" {
			t.Fatalf("got %v, want open", opened)
		}
		ours := <-accepted
		t.Cleanup(func() { ours.CloseNow() })
		return library{t, ours}, theirs, opened
	}
	eachOf(t, comers, func(t *testing.T, c comer) {
		meet(t, c.pings, func(t *testing.T) (library, peer) {
			ours, theirs, _ := open(t, c)
			return ours, theirs
		})
		if c.name == "chromium" {
			return
		}
		ours, _, opened := open(t, c, "chat")
		if got := ours.conn.Subprotocol(); got != "chat" || opened.Protocol != "chat" {
			t.Errorf("the subprotocol is %q here and %q there, not chat", got, opened.Protocol)
		}
	})
}

// serveAll serves HTTP/1.1, HTTP/2 and HTTP/3 on one port number.
func serveAll(t *testing.T, h http.Handler) destination {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // Chromium tries the certificate first
	if err := http2.ConfigureServer(s.Config); err != nil {
		t.Fatal(err)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	addr := s.Listener.Addr().(*net.TCPAddr)
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP, Port: addr.Port})
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: s.TLS.Certificates}
	over3 := &quichttp.Server{Handler: h, TLSConfig: quichttp.ConfigureTLSConfig(config)}
	http3.ConfigureServer(over3)
	served := make(chan error, 1)
	go func() { served <- over3.Serve(socket) }()
	t.Cleanup(func() {
		over3.Close()
		socket.Close()
		<-served
	})
	return destination{addr.String(), keyHash(s.Certificate())}
}

// keyHash returns the hash of a certificate's public key, as Chromium wants it.
func keyHash(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
