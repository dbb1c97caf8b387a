package websockets

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A proxyServer is what a client asks for a connection to its target.
type proxyServer struct {
	scheme string
	host   string
	port   string
	user   *url.Userinfo
}

// proxyFor returns the proxy for a handshake request, nil for none.
func (d *Dialer) proxyFor(r *http.Request) (*proxyServer, error) {
	choose := d.options.Proxy
	if choose == nil {
		choose = http.ProxyFromEnvironment
	}
	u, err := choose(r)
	if err != nil {
		return nil, fmt.Errorf("cannot choose a proxy: %w", err)
	}
	if u == nil {
		return nil, nil
	}
	return parseProxy(u)
}

func parseProxy(u *url.URL) (*proxyServer, error) {
	p := &proxyServer{scheme: strings.ToLower(u.Scheme), host: u.Hostname(), port: u.Port(), user: u.User}
	port, ok := proxyPorts[p.scheme]
	if !ok {
		return nil, fmt.Errorf("the URL %q of the proxy must begin with http://, https://, socks5:// or socks5h://", u.Redacted())
	}
	if p.host == "" {
		return nil, fmt.Errorf("the URL %q of the proxy names no host", u.Redacted())
	}
	if p.port == "" {
		p.port = port
	}
	return p, nil
}

// proxyPorts are the default ports of what a proxy may speak.
var proxyPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

func (p *proxyServer) address() string { return net.JoinHostPort(p.host, p.port) }

// String returns what may be shown: user information is secret.
func (p *proxyServer) String() string { return p.scheme + "://" + p.address() }

// connect returns a connection to t through the proxy. ctx bounds all of it.
func (p *proxyServer) connect(ctx context.Context, d *Dialer, t *target) (net.Conn, error) {
	conn, err := d.dialTCP(ctx, p.address())
	if err != nil {
		return nil, err
	}
	ask := p.askHTTP
	switch p.scheme {
	case "socks5", "socks5h":
		ask = p.askSOCKS
	case "https":
		secure := tls.Client(conn, p.tlsConfig(d.options.TLSConfig))
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("the TLS handshake failed: %w", err)
		}
		conn = secure
	}
	if err := within(ctx, conn, func() error { return ask(ctx, conn, t.authority()) }); err != nil {
		return nil, err
	}
	return conn, nil
}

// tlsConfig returns c for the proxy itself, whatever name the target has.
func (p *proxyServer) tlsConfig(c *tls.Config) *tls.Config {
	c = http11(c)
	c.ServerName = withoutZone(p.host)
	return c
}

// within calls f, which works on conn, and cuts conn when ctx ends meanwhile or
// f fails.
func within(ctx context.Context, conn net.Conn, f func() error) error {
	stop := context.AfterFunc(ctx, func() { cut(conn) })
	err := f()
	if !stop() {
		return ctx.Err()
	}
	if err != nil {
		cut(conn)
	}
	return err
}

// cut closes a connection at once: closing TLS might have to wait to say so.
func cut(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	conn.Close()
}

// maxProxyHead bounds what a proxy may answer.
const maxProxyHead = 32 << 10

// askHTTP has an HTTP proxy connect conn to authority
// (https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6).
func (p *proxyServer) askHTTP(_ context.Context, conn net.Conn, authority string) error {
	r := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: authority}, Host: authority,
		Header: http.Header{"User-Agent": {""}}, // none
	}
	if credentials := basic(p.user); credentials != "" {
		r.Header.Set("Proxy-Authorization", credentials)
	}
	if err := r.Write(conn); err != nil {
		return err
	}
	limited := &io.LimitedReader{R: conn, N: maxProxyHead}
	buffered := bufio.NewReader(limited)
	status, err := finalStatus(buffered, r)
	switch {
	case err != nil && limited.N == 0:
		return fmt.Errorf("its answer to CONNECT has more than %d bytes", maxProxyHead)
	case err != nil:
		return fmt.Errorf("cannot read its answer to CONNECT: %w", err)
	case status/100 != 2:
		return fmt.Errorf("it answered CONNECT with %s", strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status)))
	case buffered.Buffered() > 0:
		return errors.New("it sent more than its answer to CONNECT, before the client spoke")
	}
	return nil
}

// finalStatus reads the head of the response to r and those of interim ones
// before it.
func finalStatus(b *bufio.Reader, r *http.Request) (int, error) {
	for {
		resp, err := http.ReadResponse(b, r)
		if err != nil {
			return 0, err
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp.StatusCode, nil
		}
	}
}
