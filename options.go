package websockets

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// Options are the parameters of servers and clients. A nil *Options and the
// zero Options mean the same: every field documents what its zero value means,
// and a negative number switches a timer or a limit off, where that is
// possible. Options must not be changed once they are in use; any number of
// servers and dialers may share them.
//
// The zero Options are those of the classic websockets library that this one
// goes back to: a server then accepts every origin and drops pings. For the
// open internet begin with [Strict].
type Options struct {
	// PingInterval is the time between pings while a connection is open.
	// Default 15 s; negative: no pings.
	PingInterval time.Duration

	// PongTimeout is how long after a ping was written some byte of the
	// peer, a pong or any other, must arrive. Default: no such limit; the
	// ConnectionTimeout judges alone.
	PongTimeout time.Duration

	// CloseTimeout bounds the closing handshake, and with it Close. Default
	// 5 s; negative: wait for the peer's close frame for ever, or until the
	// ConnectionTimeout cuts a peer that is silent.
	CloseTimeout time.Duration

	// ConnectionTimeout is the longest time without a byte of any kind from
	// the peer, and the longest in which it takes none of the output that
	// waits for it. Default 58 s; negative: never. It must be longer than
	// the PingInterval in use.
	ConnectionTimeout time.Duration

	// HandshakeTimeout bounds the opening handshake, a client's together with
	// connecting, proxies, TLS and all redirects, which go by real time.
	// Default 10 s; negative: never. With net/http the server's own
	// ReadHeaderTimeout bounds the request.
	HandshakeTimeout time.Duration

	// MaxFrameSize and MaxMessageSize are the largest payload of a frame and
	// the largest message that are accepted, in bytes. A frame that exceeds
	// them is refused from its header, with 1009. Default 1 MiB each, and for
	// a frame what a message may be if that is more; negative: 1 GiB, which is
	// also the most that can be set. A compressed message is measured as what it
	// becomes, and it and its frames may be a sixteenth and 64 bytes longer on the
	// wire.
	MaxFrameSize   int64
	MaxMessageSize int64

	// MaxFragments is the largest number of frames that one message may be
	// spread over; beyond it: 1008. Default 65,536; negative: no limit.
	MaxFragments int

	// MaxControlRate is how many control frames a second are accepted;
	// beyond it: 1008. Default 10,000; negative: no limit.
	MaxControlRate int

	// Compression switches permessage-deflate on
	// (https://www.rfc-editor.org/rfc/rfc7692), if the peer agrees, for clients and
	// servers. Default: off. A connection that may compress cannot be recorded with
	// Redact.
	Compression *Compression

	// DropIncomingPings says whether pings of the peer are left without
	// pong. Default: a server drops them, a client answers them. [Off] is
	// what RFC 6455 section 5.5.3 wants, and what Strict sets.
	DropIncomingPings Switch

	// HoldClose leaves it to the application to answer the peer's close frame,
	// with Close or by returning from its handler, and bounds that by the
	// CloseTimeout, or without one by the end of the peer's output. Until then receiving fails with how the peer closed, while
	// messages can still be sent: a proxy passes the close on first, and answers
	// with what comes back. Default: a close frame is answered at once, when
	// the messages before it have been received.
	HoldClose bool

	// Driver is how the connections of [HandleEvents] wait for input: with [Evented] an
	// idle one has no goroutine. Those of Handle and HandleConcurrent have one in any
	// case. Default: [Blocking].
	Driver Driver

	// LendMessages says that the Data of a message belongs to OnMessage of an
	// [EventHandler] only until it returns: memory is then used again, and nothing
	// is allocated for most messages. Whoever keeps some copies it, with bytes.Clone.
	// It holds on both drivers. Default: OnMessage may keep it.
	LendMessages bool

	// Subprotocols are what a client offers and what a server supports, in
	// the order of preference. A server chooses the first of its own that
	// the client offers, and none if there is no such one:
	// [Conn.Subprotocol] tells.
	Subprotocols []string

	// ChooseSubprotocol is how a server chooses, in place of Subprotocols: one
	// of those that the client offers, "" for none. Another one refuses the
	// request with 500, and is logged.
	ChooseSubprotocol func(r *http.Request, offered []string) string

	// Header holds fields to add to the handshake: to a client's request, or
	// to a server's response. Those that a handler or a middleware set on the
	// http.ResponseWriter are added too.
	Header http.Header

	// AcceptConnection decides whether a server accepts a request; path and
	// Origin are both in it. It is highly recommended to set it: a browser
	// lets any page on the internet open a WebSocket to any server, with the
	// cookies of its user (https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
	// [SameOrigin] is a ready one, which Strict sets: a function of your own
	// replaces it, so call it there. Default: every request is accepted.
	AcceptConnection func(*http.Request) bool

	// AccessDenied answers a request that AcceptConnection refused. Default:
	// status 403 with the body <h1>Access denied</h1>.
	AccessDenied http.Handler

	// PropagateCommonErrors has Handle and the other forms report every error
	// to OnError, and not only unexpected ones. Default: connections that close, time out or
	// break, and peers that violate the protocol, are dealt with and not
	// reported.
	PropagateCommonErrors bool

	// OnError is called with the errors of requests and connections that a
	// Handler serves, be it of [Handle], [HandleConcurrent] or
	// [HandleEvents]; r is never nil. Calls for different connections may run
	// at once. What it panics with is logged. Default: errors are logged.
	OnError func(r *http.Request, err error)

	// Workers is how many messages of one connection [HandleConcurrent] works
	// on at a time; while all are busy the peer is held back. Default 8; at
	// most 65,536.
	Workers int

	// Ordered has what the workers of HandleConcurrent send, with the context
	// that they were given, leave in the order of the messages that they work
	// on: a Send waits until the work on all earlier messages has returned. A
	// failure takes effect in its turn too. Default: whoever is ready first
	// sends first.
	Ordered bool

	// TLSConfig is for clients: for wss URLs, for redirects to them, and for
	// proxies with an https URL. Its ServerName is never asked of a proxy,
	// and its NextProtos are replaced. Default: the system's roots, TLS 1.2 and
	// later.
	TLSConfig *tls.Config

	// HTTP is the version of HTTP that a client opens its WebSockets over.
	// Default: [HTTPAuto], HTTP/2 if the server of a wss URL offers it and
	// HTTP/1.1 otherwise.
	HTTP HTTPVersion

	// Carrier is what a client opens its WebSockets on in place of TCP. Proxy and
	// DialContext are not looked at then, and HTTP must not be set. Default: none.
	Carrier Carrier

	// Proxy chooses the proxy for a handshake request, whose URL has the
	// scheme http or https; none if it returns nil. The proxy's URL has the
	// scheme http or https (CONNECT,
	// https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6), or socks5 or
	// socks5h (https://www.rfc-editor.org/rfc/rfc1928; names are resolved by
	// the proxy with both); user information in it is for the proxy.
	// Default: [http.ProxyFromEnvironment], that is HTTP_PROXY for ws,
	// HTTPS_PROXY for wss, and NO_PROXY, but none to this machine itself.
	Proxy func(*http.Request) (*url.URL, error)

	// DialContext connects a client to a server, or to its proxy: network is
	// "tcp", addr is host:port. It must return when ctx ends, and the
	// connection belongs to the client from then on. Over HTTP/2 it may serve
	// later calls of the same Dialer too, whatever their ctx. Default: a
	// [net.Dialer].
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Jar holds a client's cookies: it adds those for the URL to the
	// handshake request, where they replace those of Header with the same
	// name, and takes those of every response, redirects and refusals
	// included. It sees URLs with the scheme http or https. Default: none.
	Jar http.CookieJar

	// MaxRedirects is how many redirects (301, 302, 303, 307, 308) a client
	// follows in one Dial. Authorization, Cookie, Proxy-Authorization and
	// the like of Header, the user information of the URL and the client
	// certificates of TLSConfig are not sent on to another origin, another
	// scheme included, nor from there; a redirect from wss to ws is an error.
	// Default 10; negative: none is followed.
	MaxRedirects int

	// Logger takes the few things that are logged. Default: slog.Default().
	Logger *slog.Logger

	// Recorder records connections, in memory, and writes those that failed to
	// files from which the same run can be replayed, call by call: see package
	// flight for what is in a file, which is all that was sent and received
	// unless its Redact is set, for when it is written and for what recording
	// costs. Servers and dialers may share one. Default: nothing is recorded, and
	// that costs nothing.
	Recorder *flight.Recorder

	// Machine makes the protocol's state machine of each connection, from the
	// Birth that it is given, and may be called from any goroutine. One that is a
	// [transport.Releaser] is released when its connection has let go of its
	// transport. An error refuses the connection, and is reported as an
	// [ErrUnexpected] or returned by Dial: with net/http the client is answered
	// 500, on a listener of our own it is cut. Default: the native core,
	// [core.Conn]; package wasm has one that runs the core in WebAssembly.
	Machine func(flight.Birth) (transport.Machine, error)

	// Clock is the clock that all timeouts go by. Default: the machine's. A
	// test may give a fake one.
	Clock clock.Clock
}

// A Switch is on, off, or as documented by default.
type Switch int8

const (
	Default Switch = 0
	On      Switch = 1
	Off     Switch = -1
)

// Strict returns new Options as one deploys them on the open internet: only
// requests of the same origin, or of no browser, are accepted, and pings are
// answered. Change what you need:
//
//	o := websockets.Strict()
//	o.MaxMessageSize = 64 << 10
func Strict() *Options {
	return &Options{
		AcceptConnection:  SameOrigin,
		DropIncomingPings: Off,
	}
}

// Validate tells what is wrong with o, nil if nothing is. Servers and dialers
// call it themselves and send nothing before. The error is a
// *[core.ConfigError].
func (o *Options) Validate() error {
	_, err := o.settings()
	return err
}

// settings compiles o for the core.
func (o *Options) settings() (*core.Settings, error) {
	if o == nil {
		o = &Options{}
	}
	if err := o.checkTimes(); err != nil {
		return nil, err
	}
	pings := core.PingDefault
	switch o.DropIncomingPings {
	case On:
		pings = core.PingDrop
	case Off:
		pings = core.PingAnswer
	case Default:
	default:
		return nil, &core.ConfigError{Field: "DropIncomingPings", Reason: "must be Default, On or Off"}
	}
	set, err := core.NewSettings(core.Config{
		PingInterval:      o.PingInterval,
		PongTimeout:       o.PongTimeout,
		CloseTimeout:      o.CloseTimeout,
		ConnectionTimeout: o.ConnectionTimeout,
		HandshakeTimeout:  o.HandshakeTimeout,
		MaxFrameSize:      o.MaxFrameSize,
		MaxMessageSize:    o.MaxMessageSize,
		MaxFragments:      o.MaxFragments,
		MaxControlRate:    o.MaxControlRate,
		Compression:       o.Compression.policy(),
		Pings:             pings,
		Entropy:           rand.Uint32,
	})
	if err != nil {
		return nil, err
	}
	if o.Compression != nil && o.Recorder != nil && o.Recorder.Redact {
		return nil, &core.ConfigError{Field: "Recorder", Reason: "cannot redact what is compressed; leave Recorder.Redact or Compression out"}
	}
	if o.Driver != Blocking && o.Driver != Evented {
		return nil, &core.ConfigError{Field: "Driver", Reason: "must be Blocking or Evented"}
	}
	if o.HTTP > HTTP2 {
		return nil, &core.ConfigError{Field: "HTTP", Reason: "must be HTTPAuto, HTTP1 or HTTP2"}
	}
	if o.HTTP != HTTPAuto && o.Carrier != nil {
		return nil, &core.ConfigError{Field: "HTTP", Reason: "is for TCP, and there is a Carrier"}
	}
	if o.Workers < 0 || o.Workers > maxWorkers {
		return nil, &core.ConfigError{Field: "Workers", Reason: "must be from 1 to 65536, or 0 for 8"}
	}
	if err := o.checkHandshake(set); err != nil {
		return nil, err
	}
	return set, nil
}

// checkTimes finds what was given without its unit: 15 is 15 nanoseconds.
func (o *Options) checkTimes() error {
	for _, t := range []struct {
		field string
		time  time.Duration
	}{
		{"PingInterval", o.PingInterval}, {"PongTimeout", o.PongTimeout}, {"CloseTimeout", o.CloseTimeout},
		{"ConnectionTimeout", o.ConnectionTimeout}, {"HandshakeTimeout", o.HandshakeTimeout},
	} {
		if t.time > 0 && t.time < time.Microsecond {
			return &core.ConfigError{Field: t.field, Reason: fmt.Sprintf("is %v: multiply the number by a unit, such as time.Second", t.time)}
		}
	}
	return nil
}

// checkHandshake refuses what the handshake would refuse, before any dial.
func (o *Options) checkHandshake(set *core.Settings) error {
	asks := func(subprotocols []string, header []core.Field) bool {
		_, err := core.NewClient(set, 0, core.RequestOptions{Host: "localhost", Subprotocols: subprotocols, Header: header})
		return err == nil
	}
	for _, p := range o.Subprotocols {
		if !asks([]string{p}, nil) {
			return &core.ConfigError{Field: "Subprotocols", Reason: fmt.Sprintf("has %q, which is not a token of HTTP: letters, digits and !#$%%&'*+-.^_`|~", p)}
		}
	}
	if !asks(o.Subprotocols, nil) {
		return &core.ConfigError{Field: "Subprotocols", Reason: "must be at most 64, and none of them twice"}
	}
	for _, f := range headerFields(o.Header) {
		switch {
		case asks(nil, []core.Field{f}):
		case asks(nil, []core.Field{{Name: f.Name, Value: "x"}}):
			return &core.ConfigError{Field: "Header", Reason: fmt.Sprintf("has a value of %q that is not valid in HTTP", f.Name)}
		case f.Name != "" && asks(nil, []core.Field{{Name: "X-" + f.Name, Value: "x"}}):
			return &core.ConfigError{Field: "Header", Reason: fmt.Sprintf("has %q, which the handshake sets itself", f.Name)}
		default:
			return &core.ConfigError{Field: "Header", Reason: fmt.Sprintf("has the name %q, which is not valid in HTTP", f.Name)}
		}
	}
	if !asks(nil, headerFields(o.Header)) {
		return &core.ConfigError{Field: "Header", Reason: "is too long"}
	}
	return nil
}

// hooks are what the driver is told.
func (o *Options) hooks() []transport.Option {
	if o.HoldClose {
		return []transport.Option{transport.HoldClose()}
	}
	return nil
}

func (o *Options) clock() clock.Clock {
	if o.Clock != nil {
		return o.Clock
	}
	return real.New()
}

// headerFields lists h for the core, names in a stable order.
func headerFields(h http.Header) []core.Field {
	if len(h) == 0 {
		return nil
	}
	var fields []core.Field
	for _, name := range sortedNames(h) {
		for _, value := range h[name] {
			fields = append(fields, core.Field{Name: name, Value: value})
		}
	}
	return fields
}
