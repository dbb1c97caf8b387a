//go:build e2e

package e2e

import "testing"

// A comer is a foreign client that comes to servers with TLS over one version of HTTP.
type comer struct {
	implementation
	over string
	loss int // the code that it gives a connection that was lost
}

var comers = []comer{
	{chromium.with("--disable-quic", "--disable-http2"), "HTTP/1.1", 1006},
	{chromium.with("--disable-quic"), "HTTP/2", 1006},
	{chromium.with("--enable-features=EnableWebsocketsOverHttp3"), "HTTP/3", 1006},
	{npmUndici.with("--http2"), "HTTP/2", 1006},
	{npmDeno, "HTTP/2", 0},
}

// browsers are those of them that are Chromium.
var browsers = comers[:3]

// A destination is a server with TLS as a comer has to know it.
type destination struct {
	host    string
	keyHash string // of the certificate
}

// to is the comer on its way to a destination. Over QUIC, Chromium takes a certificate that
// nobody knows only by the hash of its key.
func (c comer) to(s destination) implementation {
	if c.over != "HTTP/3" {
		return c.implementation
	}
	return c.with("--origin-to-force-quic-on="+s.host, "--ignore-certificate-errors-spki-list="+s.keyHash)
}

// eachOf runs a test for each comer.
func eachOf(t *testing.T, all []comer, test func(*testing.T, comer)) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name+" over "+c.over, func(t *testing.T) { test(t, c) })
	}
}
