package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets"
)

// A proxy is an HTTP handler that joins each client with its own connection to
// the backend.
type proxy struct {
	backend  *url.URL
	patience time.Duration // for the backend's answer
	pairs    sync.WaitGroup
	stopping context.Context
	stop     context.CancelFunc // closes all connections
}

func newProxy(backend *url.URL) *proxy {
	p := &proxy{backend: backend, patience: 10 * time.Second}
	p.stopping, p.stop = context.WithCancel(context.Background())
	return p
}

// ServeHTTP asks the backend first: what it answers is for the client.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.pairs.Add(1)
	defer p.pairs.Done()
	if !isHandshake(r) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		http.Error(w, "only WebSockets here", http.StatusUpgradeRequired)
		return
	}
	backend, err := p.dial(r)
	if err != nil {
		refuse(w, err)
		return
	}
	defer backend.CloseNow()
	client, err := accept(w, r, backend)
	if err != nil {
		return
	}
	defer client.CloseNow()
	p.join(client, backend)
}

// isHandshake spares the backend what Accept would refuse afterwards.
func isHandshake(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// unlimited are options without limits of their own: nothing is held in memory,
// and how large a message may be is for the two ends to say.
func unlimited() *websockets.Options {
	o := websockets.Strict()
	o.MaxFrameSize, o.MaxMessageSize, o.MaxFragments = -1, -1, -1
	o.HoldClose = true
	return o
}

// dial connects to the backend for a client. Host and Origin are passed as they
// are, so that the backend can compare them: the URL names the host that the
// client asked for, and DialContext goes to the backend all the same.
func (p *proxy) dial(r *http.Request) (*websockets.Conn, error) {
	o := unlimited()
	o.Header = forwarded(r)
	o.Subprotocols = offered(r)
	o.MaxRedirects = -1
	o.HandshakeTimeout = p.patience
	o.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	o.TLSConfig = &tls.Config{ServerName: p.backend.Hostname()}
	o.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, hostPort(p.backend))
	}
	u := *r.URL
	u.Scheme, u.Host = p.backend.Scheme, r.Host
	return websockets.Dial(r.Context(), u.String(), o)
}

func hostPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "wss":
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// accept accepts the client as the backend has accepted the proxy.
func accept(w http.ResponseWriter, r *http.Request, backend *websockets.Conn) (*websockets.Conn, error) {
	o := unlimited()
	o.AcceptConnection = func(*http.Request) bool { return true } // the backend has judged the Origin
	if s := backend.Subprotocol(); s != "" {
		o.Subprotocols = []string{s}
	}
	o.Header = endToEnd(backend.Response().Header)
	return websockets.Accept(w, r, o)
}

// refuse passes the backend's refusal on, or tells that there is no answer.
func refuse(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*websockets.HandshakeError](err)
	switch {
	case ok && e.Response != nil && e.Status >= 300:
		for name, values := range endToEnd(e.Response.Header) {
			w.Header()[name] = values
		}
		w.WriteHeader(e.Status)
		io.Copy(w, e.Response.Body)
	case ok && e.Timeout():
		http.Error(w, "the server behind this proxy does not answer", http.StatusGatewayTimeout)
	default:
		http.Error(w, "the server behind this proxy cannot be reached", http.StatusBadGateway)
	}
}
