//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	t.Setenv("SSL_CERT_FILE", cert)       // Go, Python
	t.Setenv("NODE_EXTRA_CA_CERTS", cert) // Node
	url := serveTLS(t, cert, key).url("/echo")
	for _, i := range foreignClients {
		t.Run(i.name, func(t *testing.T) {
			c := i.connect(t, url)
			echoes(t, c)
			c.close(4001, "so long")
			wantClose(t, c, 4001)
		})
	}
	t.Run("connect", func(t *testing.T) {
		c := connect(t, url)
		for _, n := range sizes {
			data := payload("text", n)
			c.send("text", data)
			want(t, c, event{Kind: "text", Data: data})
		}
		c.close(1000, "")
		c.ends(0)
	})
	t.Run("connect without the certificate", func(t *testing.T) {
		t.Setenv("SSL_CERT_FILE", "/dev/null")
		c := connect(t, url)
		c.ends(1)
		c.complains("certificate")
	})
}

// certificate makes a certificate for 127.0.0.1 that is its own authority, and
// returns the paths of its two files.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "end-to-end test"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return writePEM(t, dir, "CERTIFICATE", cert), writePEM(t, dir, "PRIVATE KEY", secret)
}

func writePEM(t *testing.T, dir, kind string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, kind+".pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
