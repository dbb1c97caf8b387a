package websockets

import (
	"context"
	"net"

	"golang.org/x/net/proxy"
)

// askSOCKS has a SOCKS5 proxy connect conn to authority
// (https://www.rfc-editor.org/rfc/rfc1928), with the user and password of the
// proxy's URL if it has them (https://www.rfc-editor.org/rfc/rfc1929).
func (p *proxyServer) askSOCKS(ctx context.Context, conn net.Conn, authority string) error {
	var auth *proxy.Auth
	if p.user != nil {
		password, _ := p.user.Password()
		auth = &proxy.Auth{User: p.user.Username(), Password: password}
	}
	client, err := proxy.SOCKS5("tcp", p.address(), auth, dialled{conn})
	if err != nil {
		return err
	}
	_, err = client.(proxy.ContextDialer).DialContext(ctx, "tcp", authority)
	return err
}

// dialled is a dialer that returns a connection which is there already: what
// the SOCKS client makes of it hides the socket.
type dialled struct{ net.Conn }

func (d dialled) Dial(string, string) (net.Conn, error) { return d.Conn, nil }

func (d dialled) DialContext(context.Context, string, string) (net.Conn, error) { return d.Conn, nil }
