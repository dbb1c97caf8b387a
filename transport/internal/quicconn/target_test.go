package quicconn

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"testing"
)

func TestAddress(t *testing.T) {
	for u, want := range map[string]string{
		"https://example.com/chat":    "example.com:443",
		"https://example.com:4433":    "example.com:4433",
		"https://[::1]/":              "[::1]:443",
		"https://[fe80::1%25eth0]:1/": "[fe80::1%eth0]:1",
	} {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		if got := Address(parsed); got != want {
			t.Errorf("Address(%s) = %s; want %s", u, got, want)
		}
	}
}

func TestKey(t *testing.T) {
	base := func() *tls.Config {
		return &tls.Config{ServerName: "a", RootCAs: roots, Certificates: certificates}
	}
	key := Key("h:1", base())
	if got := Key("h:1", base().Clone()); got != key {
		t.Errorf("a clone has the key %s; want %s", got, key)
	}
	if Key("h:2", base()) == key {
		t.Error("another address has the same key")
	}
	for name, change := range map[string]func(*tls.Config){
		"ServerName":          func(c *tls.Config) { c.ServerName = "b" },
		"a ServerName in two": func(c *tls.Config) { c.ServerName = `a" true` },
		"InsecureSkipVerify":  func(c *tls.Config) { c.InsecureSkipVerify = true },
		"RootCAs":             func(c *tls.Config) { c.RootCAs = x509.NewCertPool() },
		"no RootCAs":          func(c *tls.Config) { c.RootCAs = nil },
		"Certificates":        func(c *tls.Config) { c.Certificates = make([]tls.Certificate, 1) },
		"no Certificates":     func(c *tls.Config) { c.Certificates = nil },
		"GetClientCertificate": func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, nil }
		},
		"VerifyConnection": func(c *tls.Config) { c.VerifyConnection = func(tls.ConnectionState) error { return nil } },
	} {
		c := base()
		change(c)
		if Key("h:1", c) == key {
			t.Errorf("another %s has the same key", name)
		}
	}
}

var (
	roots        = x509.NewCertPool()
	certificates = make([]tls.Certificate, 1)
)
