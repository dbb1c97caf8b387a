package websockets

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A Carrier opens the byte streams of a client on something else than TCP. Those
// of package transport/http3 and of package transport/quic are Carriers. Its
// method may be called from any goroutine.
type Carrier interface {
	// OpenStream opens a stream to the server of r, the handshake request as
	// net/http shows it: URL has the scheme http or https, and Header all fields
	// but Sec-WebSocket-Key and Sec-WebSocket-Version. It must not change r. c is
	// the TLS configuration for r, with a ServerName; it is nil for a URL with the
	// scheme ws. ctx bounds opening alone.
	//
	// A nil Response means that the stream carries the bytes of HTTP/1.1, and
	// that the handshake is to be done on it. One with a status of 2xx means that
	// it was done, as an extended CONNECT
	// (https://www.rfc-editor.org/rfc/rfc8441#section-5), and that the stream
	// carries frames. Every other Response is a refusal and comes without a
	// stream; its Body need not be closed.
	OpenStream(ctx context.Context, r *http.Request, c *tls.Config) (transport.Stream, *http.Response, error)
}

// An HTTPVersion is one over which a client opens its WebSockets.
type HTTPVersion uint8

const (
	// HTTPAuto is HTTP/2 where TLS agrees on it for a wss URL and the server
	// takes WebSockets over it, and HTTP/1.1 otherwise. A server that speaks HTTP/2
	// but takes no WebSockets over it is asked again over HTTP/1.1, on another
	// connection; the Dialer remembers it for ten minutes. So is one that answers a
	// request over HTTP/2 with 400, 405 or 501, each time, as handlers do that know
	// only HTTP/1.1.
	HTTPAuto HTTPVersion = iota

	// HTTP1 is HTTP/1.1, with a connection for each WebSocket
	// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1).
	HTTP1

	// HTTP2 is HTTP/2, with one connection for all WebSockets to a server, as
	// long as there is one (https://www.rfc-editor.org/rfc/rfc8441). Without TLS
	// the server must be known to speak it.
	HTTP2
)

// dialCarrier opens the connection that r asks for on the Carrier of the options.
func (d *Dialer) dialCarrier(ctx context.Context, t *target, r *http.Request) (*Conn, error) {
	var config *tls.Config
	if t.secure {
		config = d.tlsConfig(t)
	}
	stream, response, err := d.options.Carrier.OpenStream(ctx, d.connectRequest(r), config)
	if err == nil && stream == nil && response == nil {
		err = errNothingOpened
	}
	if err != nil {
		return nil, t.cannotConnect(err)
	}
	if response == nil {
		return d.open(ctx, stream, t, r)
	}
	return d.openConnected(stream, response, t, r)
}

var (
	errNothingOpened = errors.New("the Carrier returned neither a stream nor an error")
	errNoStream      = errors.New("the Carrier returned a response of 2xx without a stream")
)

func (t *target) cannotConnect(err error) error {
	return &HandshakeError{Err: &step{"cannot connect to " + t.url.String(), err}}
}

// connectRequest returns r with what the core adds in HTTP/1.1.
func (d *Dialer) connectRequest(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	if len(d.options.Subprotocols) > 0 {
		r.Header.Set("Sec-WebSocket-Protocol", strings.Join(d.options.Subprotocols, ", "))
	}
	if offers := d.settings.Offers(); offers != "" {
		r.Header.Set("Sec-WebSocket-Extensions", offers)
	}
	return r
}

// openConnected makes the connection of what an extended CONNECT was answered with.
// The stream is nil if it was refused.
func (d *Dialer) openConnected(stream transport.Stream, response *http.Response, t *target, r *http.Request) (c *Conn, err error) {
	defer func() {
		if c == nil && stream != nil { // a panic of the jar included
			stream.Abort()
		}
	}()
	response.Request = r
	if response.Status == "" {
		response.Status = strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)))
	}
	d.takeCookies(response)
	head := &core.Response{Status: response.StatusCode, Fields: headerFields(response.Header)}
	subprotocol, agreed, err := head.CheckConnect(d.settings, d.options.Subprotocols)
	if err == nil && stream == nil {
		err = errNoStream
	}
	if err != nil {
		return nil, &HandshakeError{
			Status: response.StatusCode, Response: response,
			Err: &step{"cannot open " + t.url.String(), wrap(err)},
		}
	}
	if c, err = d.drive(stream, r, &flight.Birth{Open: true, Compression: agreed}); err != nil {
		stream = nil // drive has aborted it
		return nil, t.birthError(err)
	}
	c.chose(subprotocol)
	c.more().response = response
	return c, nil
}
