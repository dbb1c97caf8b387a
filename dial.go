package websockets

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/internal/escape"
	"github.com/fb1e3c20/websockets/internal/pool"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/transport/http2"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A Dialer opens connections as a client. The zero Dialer is ready. Its field
// must not be changed once it is in use; its methods may be called from any
// goroutine. Connections of one Dialer share a clock and its timers, and over
// HTTP/2 those to one server share the connection under them, which is closed with
// the last of them.
type Dialer struct {
	Options *Options // nil: the zero Options

	once     sync.Once
	err      error
	options  Options // a copy
	settings *core.Settings
	att      *transport.Attendant
	http2    pool.Pool[*http2.Conn]
	http1    memory // of servers that take no WebSockets over HTTP/2
}

// Dial connects to a URL with the scheme ws or wss (http and https mean the
// same) and does the opening handshake
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1), over HTTP/1.1 or HTTP/2 or
// on a carrier of its own, as Options.HTTP and Options.Carrier say. What calls
// share, they share through a [Dialer]. It goes through a proxy,
// follows redirects and keeps cookies as the Options say; the Request of
// [Conn.Response] tells where it arrived. ctx is for dialling alone: the
// connection lives on when it ends. The error is that of ctx, an [ErrMisuse]
// for a URL that nobody could dial, what [Options.Validate] says, or a
// *[HandshakeError].
func Dial(ctx context.Context, url string, o *Options) (*Conn, error) {
	return (&Dialer{Options: o}).Dial(ctx, url)
}

func (d *Dialer) init() error {
	d.once.Do(func() {
		if d.Options != nil {
			d.options = *d.Options
		}
		d.settings, d.err = d.options.settings()
		d.att = transport.NewAttendant(d.options.clock())
	})
	return d.err
}

// Dial connects to a URL; see the function [Dial].
func (d *Dialer) Dial(ctx context.Context, rawURL string) (*Conn, error) {
	if err := d.init(); err != nil {
		return nil, err
	}
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, err
	}
	bounded, cancel := d.bound(ctx)
	defer cancel()
	c, err := d.follow(bounded, t)
	return c, t.dialError(ctx, bounded, err)
}

// dial connects to t and does the handshake, and follows no redirect.
func (d *Dialer) dial(ctx context.Context, t *target) (*Conn, error) {
	r := d.request(t)
	if d.options.Carrier != nil {
		return d.dialCarrier(ctx, t, r)
	}
	p, err := d.proxyFor(r.WithContext(ctx))
	if err != nil {
		return nil, t.cannotConnect(err)
	}
	if d.options.HTTP == HTTP2 || d.options.HTTP == HTTPAuto && t.secure {
		return d.dialHTTP2(ctx, t, r, p)
	}
	return d.dialHTTP1(ctx, t, r, p)
}

// dialHTTP1 is dial with a connection for this WebSocket alone.
func (d *Dialer) dialHTTP1(ctx context.Context, t *target, r *http.Request, p *proxyServer) (*Conn, error) {
	stream, err := d.connect(ctx, t, p)
	if err != nil {
		return nil, t.cannotConnect(err)
	}
	return d.open(ctx, stream, t, r)
}

// dialError returns the error of Dial: that of ctx if it has ended, a handshake
// timeout if only the time for the handshake has, and err otherwise.
func (t *target) dialError(ctx, bounded context.Context, err error) error {
	if e, ok := errors.AsType[*HandshakeError](err); err == nil || ok && e.Status != 0 {
		return err // an answer is an answer, however late
	}
	// The network tells of a deadline a moment before the context does.
	if at, ok := bounded.Deadline(); ok && !time.Now().Before(at) {
		<-bounded.Done()
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("websocket: cannot dial %s: %w", t.url, ctx.Err())
	case bounded.Err() != nil:
		late := &step{"cannot dial " + t.url.String(), wrap(core.ErrHandshakeTimeout)}
		if errors.Is(err, core.ErrHandshakeTimeout) || errors.Is(err, context.DeadlineExceeded) {
			return &HandshakeError{Err: late}
		}
		return &HandshakeError{Err: fmt.Errorf("%w: %v", late, err)}
	}
	return err
}

// bound bounds connecting by the handshake timeout.
func (d *Dialer) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := d.options.HandshakeTimeout
	switch {
	case timeout < 0:
		timeout = never
	case timeout == 0:
		timeout = core.DefaultHandshakeTimeout
	}
	return context.WithTimeout(ctx, timeout)
}

// never is a timeout all the same: without one TLS has one of its own.
const never time.Duration = math.MaxInt64

// DialStream does the opening handshake of a client on any byte stream. The
// URL tells the server host and path; nothing is dialled, no proxy is asked and
// no redirect followed. The stream belongs to the connection, and is closed if
// there is an error.
func (d *Dialer) DialStream(ctx context.Context, stream transport.Stream, rawURL string) (*Conn, error) {
	err := d.init()
	if err == nil {
		var t *target
		if t, err = parseTarget(rawURL); err == nil {
			c, err := d.open(ctx, stream, t, d.request(t))
			return c, t.dialError(ctx, ctx, err)
		}
	}
	stream.Abort()
	return nil, err
}

// connect returns a stream to t, through the proxy p unless that is nil.
func (d *Dialer) connect(ctx context.Context, t *target, p *proxyServer) (transport.Stream, error) {
	conn, err := d.reach(ctx, t, p)
	if err != nil {
		return nil, err
	}
	if t.secure {
		return asStream(tcp.Client(ctx, conn, http11(d.tlsConfig(t))))
	}
	stream, err := tcp.FromConn(conn, nil)
	if err != nil {
		conn.Close()
	}
	return asStream(stream, err)
}

func asStream(s *tcp.Stream, err error) (transport.Stream, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// reach connects to t, without TLS of its own.
func (d *Dialer) reach(ctx context.Context, t *target, p *proxyServer) (net.Conn, error) {
	if p == nil {
		return d.dialTCP(ctx, t.address())
	}
	conn, err := p.connect(ctx, d, t)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", p, err)
	}
	return conn, nil
}

func (d *Dialer) dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	dial := d.options.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", addr)
	if err == nil && conn == nil {
		err = errors.New("DialContext returned neither a connection nor an error")
	}
	return conn, err
}

func (d *Dialer) tlsConfig(t *target) *tls.Config {
	c := cloneTLS(d.options.TLSConfig)
	if c.ServerName == "" {
		c.ServerName = withoutZone(t.url.Hostname())
	}
	if t.foreign {
		c.Certificates, c.GetClientCertificate = nil, nil
	}
	return c
}

// cloneTLS returns a copy of c that offers no protocol.
func cloneTLS(c *tls.Config) *tls.Config {
	if c == nil {
		return &tls.Config{}
	}
	c = c.Clone()
	c.NextProtos = nil
	return c
}

// http11 returns c with HTTP/1.1 as the only protocol: configurations that come
// from an HTTP client tend to offer HTTP/2, which this handshake is not in.
func http11(c *tls.Config) *tls.Config {
	c = cloneTLS(c)
	c.NextProtos = []string{"http/1.1"}
	return c
}

// request returns the handshake request for t, as net/http would show it.
func (d *Dialer) request(t *target) *http.Request {
	r := &http.Request{
		Method: http.MethodGet, URL: t.httpURL(), Host: t.hostField(), Header: d.header(t),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	d.addCookies(r)
	return r
}

// open does the handshake for t, which r asks for, on stream.
func (d *Dialer) open(ctx context.Context, stream transport.Stream, t *target, r *http.Request) (*Conn, error) {
	c, err := d.drive(stream, r, &flight.Birth{Request: core.RequestOptions{
		Host: r.Host, Target: escape.Target(r.URL.RequestURI()), Subprotocols: d.options.Subprotocols, Header: headerFields(r.Header),
	}})
	if err != nil {
		return nil, t.birthError(err)
	}
	done := false
	defer func() {
		if !done { // a panic of the jar included
			c.t.CloseNow()
		}
	}()
	opened, err := c.t.AwaitOpen(ctx)
	response := httpResponse(opened)
	if response != nil {
		response.Request, response.TLS = r, tlsState(stream)
		d.takeCookies(response)
	}
	if err != nil {
		return nil, &HandshakeError{
			Status: statusFrom(response), Response: response,
			Err: &step{"cannot open " + t.url.String(), wrap(err)},
		}
	}
	c.chose(opened.Subprotocol)
	c.more().response = response
	done = true
	return c, nil
}

// drive makes the machine, as b says, and the driver of the connection that r asks for.
func (d *Dialer) drive(stream transport.Stream, r *http.Request, b *flight.Birth) (c *Conn, err error) {
	defer func() {
		if c == nil { // a panic of Options.Machine included
			stream.Abort()
		}
	}()
	b.Role, b.Now, b.Settings = core.Client, d.att.Clock().Now(), d.settings
	if s, ok := stream.(interface{ RemoteAddr() net.Addr }); ok && s.RemoteAddr() != nil {
		b.Label = s.RemoteAddr().String()
	}
	m, err := d.options.newMachine(*b)
	if err != nil {
		return nil, err
	}
	c = &Conn{extras: &extras{compression: d.options.Compression}}
	c.drive(m, stream, d.att, d.options.hooks())
	return c, nil
}

// birthError is the error of a machine that cannot be made: that of a request
// which cannot be sent, or of Options.Machine.
func (t *target) birthError(err error) error {
	err = &step{"cannot ask for " + t.url.String(), wrap(err)}
	if errors.Is(err, ErrMisuse) {
		return err
	}
	return &HandshakeError{Err: err}
}

func statusFrom(r *http.Response) int {
	if r == nil {
		return 0
	}
	return r.StatusCode
}

// httpResponse shows the core's response as net/http does.
func httpResponse(o transport.Opened) *http.Response {
	r := o.Response
	if r == nil {
		return nil
	}
	h := make(http.Header)
	for _, f := range r.Fields {
		h.Add(f.Name, f.Value)
	}
	reason := r.Reason
	if reason == "" {
		reason = http.StatusText(r.Status)
	}
	response := &http.Response{
		Status:     fmt.Sprintf("%d %s", r.Status, reason),
		StatusCode: r.Status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        h,
		Body:          io.NopCloser(bytes.NewReader(o.Body)),
		ContentLength: -1,
	}
	if strings.EqualFold(h.Get("Transfer-Encoding"), "chunked") {
		h.Del("Transfer-Encoding")
		response.TransferEncoding = []string{"chunked"}
		body, _ := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(o.Body))) // it may be cut
		response.Body = io.NopCloser(bytes.NewReader(body))
	}
	return response
}
