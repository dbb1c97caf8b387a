package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

// Dial connects to the server at addr, host:port. The context governs that alone;
// without a deadline in it, a server that says nothing is given up after twice
// HandshakeIdleTimeout, 10 seconds. Where the TLS configuration has no ServerName,
// the host of addr is verified; its NextProtos are replaced by [ALPN]. Both
// configurations may be nil.
//
// Each connection has a socket of its own. A host of several addresses is tried
// at all of them, each a moment after the one before, and the first to answer is
// taken.
func Dial(ctx context.Context, addr string, tlsConfig *tls.Config, config *Config) (*Conn, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("quic: cannot connect: %w", err)
	}
	addrs, err := resolve(ctx, host, service)
	if err != nil {
		return nil, fmt.Errorf("quic: cannot connect: %w", err)
	}
	d := &dialer{tls: withALPN(tlsConfig), config: clientConfig(config)}
	if d.tls.ServerName == "" {
		d.tls.ServerName = withoutZone(host)
	}
	c, err := d.dialFirst(ctx, addrs)
	if err != nil {
		return nil, explain(addr, err)
	}
	return c, nil
}

// explain says what an attempt to connect met with.
func explain(addr string, err error) error {
	what := "quic: cannot connect to " + addr
	if e, ok := errors.AsType[*quicgo.TransportError](err); ok && e.ErrorCode == noApplicationProtocol {
		what += ": the server there does not speak " + ALPN
	}
	return &endError{what: what, err: err}
}

// DialStream is Dial for one stream: the connection ends with it.
func DialStream(ctx context.Context, addr string, tlsConfig *tls.Config, config *Config) (*Stream, error) {
	c, err := Dial(ctx, addr, tlsConfig, config)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.OpenStream(ctx)
}

func resolve(ctx context.Context, host, service string) ([]*net.UDPAddr, error) {
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	addrs := make([]*net.UDPAddr, len(ips))
	for i, ip := range ips {
		addrs[i] = net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return addrs, nil
}

// withoutZone returns host without the zone of an IPv6 address, which is no part of
// a certificate's name.
func withoutZone(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.WithZone("").String()
	}
	return host
}

type dialer struct {
	tls    *tls.Config
	config *Config
}

// headStart is how much later than the one before each address is tried.
const headStart = 100 * time.Millisecond

// dialFirst returns a connection to the first address that gives an answer, or its
// refusal.
func (d *dialer) dialFirst(ctx context.Context, addrs []*net.UDPAddr) (*Conn, error) {
	racing, cancel := context.WithCancel(ctx)
	defer cancel()
	won := make(chan *Conn)
	lost := make(chan error, len(addrs))
	for i, addr := range addrs {
		go func() {
			c, err := d.dialAfter(racing, time.Duration(i)*headStart, addr)
			if err != nil {
				lost <- err
				return
			}
			select {
			case won <- c:
			case <-racing.Done():
				c.Abort()
			}
		}()
	}
	var first error
	for range addrs {
		select {
		case c := <-won:
			return c, nil
		case err := <-lost:
			if first == nil || isAnswer(err) {
				first = err
			}
		}
		if isAnswer(first) || ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// isAnswer reports whether err comes of talking to a server, so that no other
// address need be tried.
func isAnswer(err error) bool {
	_, ok := errors.AsType[*quicgo.TransportError](err)
	return ok
}

func (d *dialer) dialAfter(ctx context.Context, wait time.Duration, addr *net.UDPAddr) (*Conn, error) {
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return d.dial(ctx, addr)
}

func (d *dialer) dial(ctx context.Context, addr *net.UDPAddr) (*Conn, error) {
	network := "udp6"
	if addr.IP.To4() != nil {
		network = "udp4"
	}
	socket, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, err
	}
	t := &quicgo.Transport{Conn: socket}
	release := func() {
		t.Close()
		socket.Close()
	}
	q, err := t.Dial(ctx, addr, d.tls, d.config)
	if err != nil {
		release()
		return nil, err
	}
	c := newConn(q, 0)
	context.AfterFunc(q.Context(), func() {
		release()
		close(c.done)
	})
	return c, nil
}
