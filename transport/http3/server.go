package http3

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"time"

	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// ConfigureServer prepares a server for WebSockets. It must be called before the
// server is used, and after its Handler, QUICConfig and IdleTimeout are set.
//
// QUICConfig gets the defaults of [quic.Defaults] where it says nothing else: idle
// sockets live, and one that nobody reads holds up no other. 0-RTT is off, and at
// least the three unidirectional streams of HTTP/3 are allowed. A connection without
// requests is closed after an IdleTimeout of [quic.DefaultMaxIdleTimeout] (negative:
// never). For ServeQUICConn and ServeListener, listen with QUICConfig as it is then.
//
// The Handler (nil: [http.DefaultServeMux]) gets requests for WebSockets with a
// ResponseWriter from which a websockets.Server can take the stream, so that no
// goroutine of the handler stays behind for as long as the socket lives. All other
// requests pass through untouched.
func ConfigureServer(s *h3.Server) {
	s.QUICConfig = serverConfig(s.QUICConfig)
	s.IdleTimeout = cmp.Or(s.IdleTimeout, quic.DefaultMaxIdleTimeout)
	s.Handler = takingHandler{s.Handler}
}

// A takingHandler lets streams be taken.
type takingHandler struct{ next http.Handler }

func (h takingHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	next := h.next
	if next == nil {
		next = http.DefaultServeMux
	}
	if a, ok := w.(answerer); ok && isWebSocket(r) {
		w = &taker{answerer: a, request: r}
	}
	next.ServeHTTP(w, r)
}

// isWebSocket reports whether r is an extended CONNECT for a WebSocket
// (https://www.rfc-editor.org/rfc/rfc8441#section-4), as the http3 package shows it.
func isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodConnect && r.Proto == "websocket"
}

// An answerer is the ResponseWriter of the http3 package.
type answerer interface {
	http.ResponseWriter
	h3.HTTPStreamer
	h3.Settingser
	Flush()
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

type taker struct {
	answerer
	request *http.Request
	status  int
}

func (t *taker) Unwrap() http.ResponseWriter { return t.answerer }

func (t *taker) WriteHeader(status int) {
	t.answerer.WriteHeader(status)
	if t.status < 200 {
		t.status = status
	}
}

// TakeStream sends the response header, which must have been written with a status
// of 2xx, and returns the stream, a *[Stream]: from then on it belongs to the caller,
// and the handler may return.
func (t *taker) TakeStream() (transport.Stream, error) {
	if t.status < 200 || t.status > 299 {
		return nil, fmt.Errorf("http3: the stream of a WebSocket is there after WriteHeader(200); the status is %d", t.status)
	}
	local, _ := t.request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	remote, _ := t.request.Context().Value(h3.RemoteAddrContextKey).(net.Addr)
	s, err := t.HTTPStream()
	if err != nil {
		return nil, ended(err)
	}
	t.prioritise(s)
	return &Stream{
		Stream: transport.NewPump(newCarrier(s, func() {})),
		local:  local, remote: remote, tls: *t.request.TLS,
	}, nil
}

// defaultUrgency is that of https://www.rfc-editor.org/rfc/rfc9218#section-4.1.
const defaultUrgency = 3

// prioritise lets a socket take turns with others, unless the client has said what
// it wants. The default of RFC 9218, which the http3 package follows once a client
// has set the priority of anything, is one stream after the other, and a socket has
// no end.
func (t *taker) prioritise(s *h3.Stream) {
	if t.request.Header.Get("Priority") == "" {
		s.SetPriority(defaultUrgency, true)
	}
}
