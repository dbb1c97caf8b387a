package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// handshake are the flags of a client about its request, and the way to the server.
type handshake struct {
	Header       []field  `short:"H" sep:"none" placeholder:"FIELD" group:"Request" help:"Add a field such as \"Name: value\" to the request; may be repeated."`
	Subprotocol  []string `placeholder:"NAME" group:"Request" help:"Offer a subprotocol; may be repeated, the preferred first."`
	Origin       string   `placeholder:"ORIGIN" group:"Request" help:"Send the Origin of a page, such as https://example.com."`
	MaxRedirects int      `placeholder:"N" default:"10" group:"Request" help:"How many redirects are followed; 0: none. Default ${default}."`
	Proxy        *proxy   `placeholder:"URL" group:"Request" help:"Go through a proxy, such as http://host:3128, https://host or socks5://user:password@host:1080; none: go without. Default: HTTP_PROXY for ws, HTTPS_PROXY for wss, and NO_PROXY."`
	CA           string   `name:"ca" xor:"tls" placeholder:"FILE" group:"Request" help:"Trust the certificates in FILE (PEM) as well as the system's."`
	Insecure     bool     `xor:"tls" group:"Request" help:"Do not verify certificates. For tests only."`

	HTTP1 bool `name:"http1" xor:"carrier" group:"Request" help:"Use HTTP/1.1. Without any of these four flags it is HTTP/2 if the server of a wss URL offers WebSockets over it, and HTTP/1.1 otherwise."`
	HTTP2 bool `name:"http2" xor:"carrier" group:"Request" help:"Use HTTP/2; without TLS the server must be known to speak it."`
	HTTP3 bool `name:"http3" xor:"carrier" group:"Request" help:"Use HTTP/3, over QUIC. Needs a wss URL."`
	QUIC  bool `name:"quic" xor:"carrier" group:"Request" help:"Use a stream of QUIC and no HTTP server, as websockets serve has it. Needs a wss URL."`
}

// apply sets the flags in o.
func (h *handshake) apply(o *websockets.Options) error {
	o.Header = make(http.Header)
	for _, f := range h.Header {
		o.Header.Add(f.name, f.value)
	}
	if h.Origin != "" {
		if err := checkOrigin(h.Origin); err != nil {
			return err
		}
		o.Header.Set("Origin", h.Origin)
	}
	o.Subprotocols = h.Subprotocol
	if h.MaxRedirects < 0 {
		return fmt.Errorf("--max-redirects: %d is negative", h.MaxRedirects)
	}
	if o.MaxRedirects = h.MaxRedirects; h.MaxRedirects == 0 {
		o.MaxRedirects = -1
	}
	if h.Proxy != nil {
		o.Proxy = http.ProxyURL(h.Proxy.url)
	}
	if err := h.carry(o); err != nil {
		return err
	}
	var err error
	o.TLSConfig, err = h.tls()
	return err
}

// carry chooses what the connection is opened on.
func (h *handshake) carry(o *websockets.Options) error {
	switch {
	case (h.HTTP3 || h.QUIC) && h.Proxy != nil && h.Proxy.url != nil:
		return errors.New("--proxy is for TCP, and --http3 and --quic use UDP")
	case h.HTTP1:
		o.HTTP = websockets.HTTP1
	case h.HTTP2:
		o.HTTP = websockets.HTTP2
	case h.HTTP3:
		o.Carrier = &http3.Dialer{}
	case h.QUIC:
		o.Carrier = &quic.Dialer{}
	}
	return nil
}

// checkOrigin wants what a browser would send: null, or a scheme and a host.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if origin == "null" || err == nil && u.Host != "" && u.Scheme+"://"+u.Host == origin {
		return nil
	}
	return fmt.Errorf("--origin: %q is not an origin such as https://example.com", origin)
}

// tls is nil without flags about it.
func (h *handshake) tls() (*tls.Config, error) {
	if h.Insecure {
		return &tls.Config{InsecureSkipVerify: true}, nil
	}
	if h.CA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(h.CA)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s holds no certificate in PEM", h.CA)
	}
	return &tls.Config{RootCAs: roots}, nil
}

// A field is a header field.
type field struct{ name, value string }

// UnmarshalText reads "Name: value".
func (f *field) UnmarshalText(text []byte) error {
	name, value, ok := strings.Cut(string(text), ":")
	if !ok {
		return fmt.Errorf("%q is not a header field such as \"Name: value\"", text)
	}
	*f = field{name, strings.Trim(value, " \t")}
	alone := websockets.Options{Header: http.Header{f.name: {f.value}}}
	if e, ok := errors.AsType[*core.ConfigError](alone.Validate()); ok {
		return fmt.Errorf("%q %s", text, e.Reason)
	}
	return nil
}

// A proxy is where a proxy is; its url is nil for none.
type proxy struct{ url *url.URL }

// UnmarshalText reads a proxy's URL, or none. Its error does not tell the URL,
// which may hold a password.
func (p *proxy) UnmarshalText(text []byte) error {
	p.url = nil // an earlier flag's, perhaps
	if s := string(text); s == "" || s == "none" {
		return nil
	}
	u, err := url.Parse(string(text))
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return errors.New("not a URL such as http://host:3128 or socks5://host:1080, nor none")
	}
	p.url = u
	return nil
}
