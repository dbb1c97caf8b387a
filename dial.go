package websockets

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A Dialer opens connections as a client. The zero Dialer is ready. Its field
// must not be changed once it is in use; its methods may be called from any
// goroutine. Connections of one Dialer share a clock and its timers.
type Dialer struct {
	Options *Options // nil: the zero Options

	once     sync.Once
	err      error
	options  Options // a copy
	settings *core.Settings
	att      *transport.Attendant
}

// Dial connects to a URL with the scheme ws or wss (http and https mean the
// same) and does the opening handshake
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1). ctx is for dialling
// alone: the connection lives on when it ends. The error is that of ctx, an
// [ErrMisuse] for a URL that nobody could dial, what [Options.Validate] says,
// or a *[HandshakeError].
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
	stream, err := d.connect(bounded, t)
	if err != nil {
		err = fmt.Errorf("websocket: cannot connect to %s: %w", t.url.Redacted(), err)
		return nil, t.dialError(ctx, bounded, &HandshakeError{Err: err})
	}
	c, err := d.open(bounded, stream, t)
	return c, t.dialError(ctx, bounded, err)
}

// dialError returns the error of Dial: that of ctx if it has ended, a handshake
// timeout if only the time for the handshake has, and err otherwise.
func (t *target) dialError(ctx, bounded context.Context, err error) error {
	if err == nil {
		return nil
	}
	// The network tells of a deadline a moment before the context does.
	if at, ok := bounded.Deadline(); ok && !time.Now().Before(at) {
		<-bounded.Done()
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("websocket: cannot dial %s: %w", t.url.Redacted(), ctx.Err())
	case bounded.Err() != nil:
		return &HandshakeError{Err: wrap(core.ErrHandshakeTimeout)}
	}
	return err
}

// bound bounds connecting by the handshake timeout.
func (d *Dialer) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := d.options.HandshakeTimeout
	switch {
	case timeout < 0:
		return ctx, func() {}
	case timeout == 0:
		timeout = core.DefaultHandshakeTimeout
	}
	return context.WithTimeout(ctx, timeout)
}

// DialStream does the opening handshake of a client on any byte stream. The
// URL tells the server host and path, and nothing is dialled. The stream
// belongs to the connection, and is closed if there is an error.
func (d *Dialer) DialStream(ctx context.Context, stream transport.Stream, rawURL string) (*Conn, error) {
	err := d.init()
	if err == nil {
		var t *target
		if t, err = parseTarget(rawURL); err == nil {
			c, err := d.open(ctx, stream, t)
			return c, t.dialError(ctx, ctx, err)
		}
	}
	stream.Abort()
	return nil, err
}

func (d *Dialer) connect(ctx context.Context, t *target) (transport.Stream, error) {
	if t.secure {
		return tcp.DialTLS(ctx, "tcp", t.address, http11(d.options.TLSConfig))
	}
	return tcp.Dial(ctx, "tcp", t.address)
}

// http11 returns c with HTTP/1.1 as the only protocol: configurations that come
// from an HTTP client tend to offer HTTP/2, which the handshake is not in.
func http11(c *tls.Config) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.NextProtos = []string{"http/1.1"}
	return c
}

// open does the handshake on stream.
func (d *Dialer) open(ctx context.Context, stream transport.Stream, t *target) (*Conn, error) {
	header := headerFields(d.options.Header)
	if t.authorization != "" && d.options.Header.Get("Authorization") == "" {
		header = append(header, core.Field{Name: "Authorization", Value: t.authorization})
	}
	m, err := core.NewClient(d.settings, d.att.Clock().Now(), core.RequestOptions{
		Host: t.url.Host, Target: escape(t.url.RequestURI()), Subprotocols: d.options.Subprotocols, Header: header,
	})
	if err != nil {
		stream.Abort()
		return nil, fmt.Errorf("websocket: cannot ask for %s: %w", t.url.Redacted(), wrap(err))
	}
	c := &Conn{t: transport.NewConn(m, stream, d.att)}
	opened, err := c.t.AwaitOpen(ctx)
	c.response = httpResponse(opened)
	if err != nil {
		c.t.CloseNow()
		return nil, &HandshakeError{Status: statusFrom(c.response), Response: c.response, Err: wrap(err)}
	}
	c.subprotocol = opened.Subprotocol
	return c, nil
}

// escape escapes what may not stand in a request line, as browsers do in a
// query.
func escape(target string) string {
	var b strings.Builder
	for i := range len(target) {
		if c := target[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func statusFrom(r *http.Response) int {
	if r == nil {
		return 0
	}
	return r.StatusCode
}

// target is where a URL points.
type target struct {
	url           *url.URL
	secure        bool
	address       string // host:port to connect to
	authorization string // from the URL's user information
}

// parseTarget understands a WebSocket URL
// (https://www.rfc-editor.org/rfc/rfc6455#section-3).
func parseTarget(rawURL string) (*target, error) {
	t, err := parseURL(rawURL)
	if err != nil {
		return nil, &Error{Kind: ErrMisuse, Code: Abnormal, Err: fmt.Errorf("websocket: %w", err)}
	}
	return t, nil
}

func parseURL(rawURL string) (*target, error) {
	u, err := url.Parse(rawURL)
	if e, ok := errors.AsType[*url.Error](err); ok && strings.Contains(rawURL, "@") {
		return nil, fmt.Errorf("the URL cannot be parsed: %w", e.Err) // without the URL, which may tell a password
	}
	if err != nil {
		return nil, err
	}
	shown := rawURL
	if u.User != nil {
		shown = u.Redacted()
	}
	t := &target{url: u}
	switch strings.ToLower(u.Scheme) {
	case "ws", "http":
	case "wss", "https":
		t.secure = true
	default:
		return nil, fmt.Errorf("the URL %q must begin with ws:// or wss://", shown)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("the URL %q names no host", shown)
	}
	if u.Fragment != "" {
		return nil, fmt.Errorf("the URL %q must not have a fragment (#%s)", shown, u.Fragment)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	t.address = net.JoinHostPort(u.Hostname(), port)
	if u.User != nil {
		password, _ := u.User.Password()
		t.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return t, nil
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
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", r.Status, reason),
		StatusCode: r.Status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        h,
		Body:          io.NopCloser(strings.NewReader(string(o.Body))),
		ContentLength: -1,
	}
}
