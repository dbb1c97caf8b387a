package websockets

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/internal/blocking"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// dialHTTP2 opens the connection that r asks for over HTTP/2, or over HTTP/1.1 if
// the version is open and the server wants it so.
func (d *Dialer) dialHTTP2(ctx context.Context, t *target, r *http.Request, p *proxyServer) (*Conn, error) {
	key := connKey(t, p)
	if d.options.HTTP == HTTPAuto && d.http1.has(key) {
		return d.dialHTTP1(ctx, t, r, p)
	}
	n := &negotiation{d: d, t: t, p: p}
	stream, response, err := d.openHTTP2(ctx, key, r, n)
	switch {
	case err == nil && d.options.HTTP == HTTPAuto && stream == nil && wantsHTTP1(response.StatusCode):
		return d.dialHTTP1(ctx, t, r, p)
	case err == nil:
		return d.openConnected(stream, response, t, r)
	case d.options.HTTP == HTTP2 || !isHTTP1(err):
		return nil, t.cannotConnect(err)
	}
	d.http1.add(key)
	if n.agreed != nil {
		return d.open(ctx, n.agreed, t, r)
	}
	return d.dialHTTP1(ctx, t, r, p)
}

// wantsHTTP1 reports whether a refusal may be that of a handler which knows only
// HTTP/1.1: one that is for GET, or finds no Upgrade, on a server that takes extended
// CONNECT for others.
func wantsHTTP1(status int) bool {
	return status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented || status == http.StatusBadRequest
}

// openHTTP2 opens a stream on a connection that there is, or on a new one. A
// connection whose server takes no more streams is left for another.
func (d *Dialer) openHTTP2(ctx context.Context, key string, r *http.Request, n *negotiation) (transport.Stream, *http.Response, error) {
	for again := false; ; again = true {
		conn, err := d.http2.Get(ctx, key, n.connect)
		if err != nil {
			return nil, nil, err
		}
		stream, response, err := conn.OpenStream(ctx, d.connectRequest(r))
		if errors.Is(err, http2.ErrRefused) && !again {
			continue
		}
		if stream == nil { // and not a Stream that is nil
			return nil, response, err
		}
		return stream, response, err
	}
}

// A negotiation makes a connection and finds out what it speaks.
type negotiation struct {
	d *Dialer
	t *target
	p *proxyServer // nil: none

	agreed transport.Stream // on HTTP/1.1, if it came to that
}

// errNoStreams is why a server that allows no stream gets HTTP/1.1.
var errNoStreams = fmt.Errorf("the server allows no stream of HTTP/2: %w", http2.ErrNoExtendedConnect)

// errHTTP1 is why a server that was asked for HTTP/2 gets HTTP/1.1.
var errHTTP1 = errors.New("the server does not speak HTTP/2")

// isHTTP1 reports whether HTTP/1.1 may do where HTTP/2 has failed with err.
func isHTTP1(err error) bool {
	return errors.Is(err, errHTTP1) || errors.Is(err, http2.ErrNoExtendedConnect)
}

// connect returns a connection that speaks HTTP/2, with a place for a stream.
func (n *negotiation) connect(ctx context.Context) (*http2.Conn, error) {
	stream, err := n.secure(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := http2.NewConn(ctx, blocking.New(stream))
	if err != nil {
		return nil, err
	}
	if !conn.Reserve() {
		conn.Abort()
		return nil, errNoStreams
	}
	return conn, nil
}

// secure returns a stream on which HTTP/2 was agreed on; without TLS, any.
func (n *negotiation) secure(ctx context.Context) (*tcp.Stream, error) {
	conn, err := n.d.reach(ctx, n.t, n.p)
	if err != nil {
		return nil, err
	}
	if !n.t.secure {
		stream, err := tcp.FromConn(conn, nil)
		if err != nil {
			conn.Close()
		}
		return stream, err
	}
	config := n.d.tlsConfig(n.t)
	config.NextProtos = []string{"h2", "http/1.1"}
	if n.d.options.HTTP == HTTP2 {
		config.NextProtos = []string{"h2"}
	}
	stream, err := tcp.Client(ctx, conn, config)
	if err != nil {
		return nil, explainALPN(err)
	}
	state, _ := stream.ConnectionState()
	switch {
	case state.NegotiatedProtocol == "h2":
		return stream, nil
	case n.d.options.HTTP == HTTPAuto:
		n.agreed = stream
	default:
		stream.Abort()
	}
	return nil, errHTTP1
}

// noApplicationProtocol is the alert of a server that speaks nothing of what was
// offered (https://www.rfc-editor.org/rfc/rfc7301#section-3.2).
const noApplicationProtocol tls.AlertError = 120

// explainALPN says what that alert means. Its type is known to crypto/tls alone, but
// not its text.
func explainALPN(err error) error {
	remote, ok := errors.AsType[*net.OpError](err)
	if ok && remote.Err != nil && remote.Err.Error() == noApplicationProtocol.Error() {
		return fmt.Errorf("%w: %w", errHTTP1, err)
	}
	return err
}

// connKey tells connections apart by where they lead, through which proxy, and
// whether they may show the client's certificate.
func connKey(t *target, p *proxyServer) string {
	way := "direct"
	if p != nil {
		way = p.String() + " " + p.user.String()
	}
	return fmt.Sprintf("%t %s %t %s", t.secure, t.address(), t.foreign, way)
}

// A memory remembers for a while which servers want HTTP/1.1. The zero memory is
// ready.
type memory struct {
	mu    sync.Mutex
	until map[string]time.Time
}

const (
	memorySize = 1000 // of servers
	memoryTime = 10 * time.Minute
)

func (m *memory) has(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.until[key]
	if ok && !time.Now().Before(until) {
		delete(m.until, key)
		return false
	}
	return ok
}

func (m *memory) add(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.until == nil || len(m.until) >= memorySize {
		m.until = make(map[string]time.Time)
	}
	m.until[key] = time.Now().Add(memoryTime)
}
