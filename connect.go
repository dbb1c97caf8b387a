package websockets

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
)

// isConnect reports whether r came over HTTP/2 or later, where the handshake is an
// extended CONNECT (https://www.rfc-editor.org/rfc/rfc8441#section-5).
func isConnect(r *http.Request) bool { return r.ProtoMajor >= 2 }

// checkRequest returns what is wrong with r, which req shows to the core.
func checkRequest(r *http.Request, req *core.Request) error {
	if isConnect(r) {
		return req.CheckConnect(connectProtocol(r))
	}
	return req.Check()
}

// connectProtocol returns :protocol as the servers of net/http and of quic-go show
// it, "" without one.
func connectProtocol(r *http.Request) string {
	if r.ProtoMajor > 2 && !strings.HasPrefix(r.Proto, "HTTP/") {
		return r.Proto
	}
	return r.Header.Get(":protocol")
}

// refusalStatus returns the status that answers err.
func refusalStatus(r *http.Request, err core.Error) int {
	status := err.Status()
	if status == http.StatusUpgradeRequired && isConnect(r) {
		return http.StatusBadRequest
	}
	return status
}

// A taker is a ResponseWriter that hands over the stream of an extended CONNECT
// request once that is answered. If the stream has a method Released, the HTTP
// handler must wait for it, unless it returns nil.
type taker interface {
	TakeStream() (transport.Stream, error)
}

// connect answers an extended CONNECT request with these fields and takes its
// stream over.
func (s *Server) connect(w http.ResponseWriter, r *http.Request, fields []core.Field) (transport.Stream, error) {
	h := w.Header()
	clear(h)
	for _, f := range fields {
		h.Add(f.Name, f.Value)
	}
	stream, err := takeStream(w, r)
	if err != nil {
		return nil, &HandshakeError{Err: wrap(&transport.LostError{Core: core.ErrHandshakeLost, Err: err})}
	}
	return stream, nil
}

func takeStream(w http.ResponseWriter, r *http.Request) (transport.Stream, error) {
	w.WriteHeader(http.StatusOK)
	if t := takerOf(w); t != nil {
		return t.TakeStream()
	}
	stream, err := http2.FromRequest(w, r)
	if err != nil {
		return nil, err
	}
	return stream, nil
}

// takerOf returns the taker that w is or wraps, nil if there is none.
func takerOf(w http.ResponseWriter) taker {
	for {
		if t, ok := w.(taker); ok {
			return t
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}

// detached returns r without what belongs to the stream: its body, and the end of
// its context, which comes with that of the stream and would tell a handler less
// than its connection does.
func detached(r *http.Request) *http.Request {
	if !isConnect(r) {
		return r
	}
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = http.NoBody
	return r
}

// awaitRelease waits, when c has ended, until the HTTP handler may return, which must
// outlive its stream: for what is left of the patience since the given time, and then
// for a moment after the stream was cut.
func (c *Conn) awaitRelease(since time.Time, patience time.Duration) {
	released := c.held()
	if released == nil || c.t.Err() == nil {
		return
	}
	if waitFor(released, patience-time.Since(since)) {
		return
	}
	c.t.Stream().Abort()
	waitFor(released, abortTime)
}

// abortTime is how long cutting a stream takes at most where the connection under it
// takes anything.
const abortTime = 50 * time.Millisecond

func waitFor(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// held returns what tells when the HTTP handler may return; nil if it may at any time.
func (c *Conn) held() <-chan struct{} {
	if s, ok := c.t.Stream().(interface{ Released() <-chan struct{} }); ok {
		return s.Released()
	}
	return nil
}
