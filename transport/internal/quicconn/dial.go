// Package quicconn has what all carriers on QUIC need: dialling, and connections
// that end with their last stream.
package quicconn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

// Dial connects to the server at addr, host:port. ctx governs that alone. Where the
// TLS configuration has no ServerName, the host of addr is verified.
//
// The connection has a UDP socket of its own, and released is closed when both are
// gone. A host of several addresses is tried at all of them, each a moment after
// the one before, and the first to answer is taken.
func Dial(ctx context.Context, addr string, t *tls.Config, config *quicgo.Config) (c *quicgo.Conn, released <-chan struct{}, err error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	addrs, err := resolve(ctx, host, service)
	if err != nil {
		return nil, nil, err
	}
	if t.ServerName == "" {
		t = t.Clone()
		t.ServerName = withoutZone(host)
	}
	d := &dialer{tls: t, config: config}
	won, err := d.dialFirst(ctx, addrs)
	if err != nil {
		return nil, nil, err
	}
	return won.Conn, won.released, nil
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
	config *quicgo.Config
}

type dialled struct {
	*quicgo.Conn
	released <-chan struct{}
}

// headStart is how much later than the one before each address is tried.
const headStart = 100 * time.Millisecond

// dialFirst returns a connection to the first address that gives an answer, or its
// refusal.
func (d *dialer) dialFirst(ctx context.Context, addrs []*net.UDPAddr) (dialled, error) {
	racing, cancel := context.WithCancel(ctx)
	defer cancel()
	won := make(chan dialled)
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
				c.CloseWithError(0, "")
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
	return dialled{}, first
}

// isAnswer reports whether err comes of talking to a server, so that no other
// address need be tried.
func isAnswer(err error) bool {
	_, ok := errors.AsType[*quicgo.TransportError](err)
	return ok
}

func (d *dialer) dialAfter(ctx context.Context, wait time.Duration, addr *net.UDPAddr) (dialled, error) {
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return dialled{}, ctx.Err()
		}
	}
	return d.dial(ctx, addr)
}

func (d *dialer) dial(ctx context.Context, addr *net.UDPAddr) (dialled, error) {
	network := "udp6"
	if addr.IP.To4() != nil {
		network = "udp4"
	}
	socket, err := net.ListenUDP(network, nil)
	if err != nil {
		return dialled{}, err
	}
	t := &quicgo.Transport{Conn: socket}
	release := func() {
		t.Close()
		socket.Close()
	}
	c, err := t.Dial(ctx, addr, d.tls, d.config)
	if err != nil {
		release()
		return dialled{}, err
	}
	released := make(chan struct{})
	context.AfterFunc(c.Context(), func() {
		release()
		close(released)
	})
	return dialled{c, released}, nil
}

// noApplicationProtocol is the TLS alert of a server that does not speak ALPN's
// protocol (https://www.rfc-editor.org/rfc/rfc9001#section-4.8).
const noApplicationProtocol quicgo.TransportErrorCode = 0x100 + 120

// Failure says what an attempt to speak protocol with the server at addr met with.
func Failure(addr, protocol string, err error) string {
	what := "cannot connect to " + addr
	if e, ok := errors.AsType[*quicgo.TransportError](err); ok && e.ErrorCode == noApplicationProtocol {
		what += ": the server there does not speak " + protocol
	}
	return what
}
