package websockets

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// AcceptStream accepts one connection on any byte stream, with the HTTP/1.1
// handshake of RFC 6455. The stream belongs to the connection, and is closed if
// there is an error, a *[HandshakeError]. ctx bounds the handshake, with the
// handshake timeout.
//
// [Conn.Request] tells the peer's address and TLS state if the stream does, as
// those of package transport/tcp do.
func (s *Server) AcceptStream(ctx context.Context, stream transport.Stream) (*Conn, error) {
	c, err := s.acceptStream(ctx, stream)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// acceptStream returns with an error the Conn too, for its request.
func (s *Server) acceptStream(ctx context.Context, stream transport.Stream) (c *Conn, err error) {
	c = &Conn{request: blankRequest(ctx, stream)}
	if err := s.init(); err != nil {
		stream.Abort()
		return c, &HandshakeError{Err: unexpected(err)}
	}
	if !s.enter() {
		stream.Close()
		return c, &HandshakeError{Err: wrap(transport.ErrClosed)}
	}
	defer s.leave()
	c.t = transport.NewConn(core.NewServer(s.settings, s.att.Clock().Now()), stream, s.att, s.hooks(c)...)
	if !s.track(c) {
		c.t.CloseNow()
		return c, &HandshakeError{Err: wrap(transport.ErrClosed)}
	}
	req, err := c.t.AwaitRequest(ctx)
	if err == nil {
		err = fillRequest(c.request, req)
	}
	if err != nil {
		return c, s.refuseStream(c, err)
	}
	o, err := s.answer(c, req)
	if err != nil {
		return c, err
	}
	if err := c.t.Accept(o); err != nil {
		return c, s.refuseStream(c, unexpected(err))
	}
	c.subprotocol = o.Subprotocol
	return c, nil
}

// answer asks the user's functions about a request. A panic in them refuses it.
func (s *Server) answer(c *Conn, req *core.Request) (o core.AcceptOptions, err error) {
	var failed error
	wanted := s.asks(c.request, &failed)
	switch {
	case failed != nil:
		return o, s.refuseStream(c, unexpected(failed))
	case wanted:
		return s.acceptOptions(req), nil
	}
	if failed = s.denyStream(c); failed != nil {
		return o, s.refuseStream(c, unexpected(failed))
	}
	return o, &HandshakeError{Status: http.StatusForbidden, Err: wrap(core.ErrRejected)}
}

func (s *Server) asks(r *http.Request, err *error) bool {
	defer s.recoverFrom("Options.AcceptConnection", r, err)
	return s.wants(r)
}

// denyStream answers as denyHTTP does, where there is no HTTP server.
func (s *Server) denyStream(c *Conn) (err error) {
	defer s.recoverFrom("Options.AccessDenied", c.request, &err)
	w := &response{header: make(http.Header)}
	s.denyHTTP(w, c.request)
	o := core.RejectOptions{Status: w.status, Header: added(w.header), Body: w.body}
	if c.t.Reject(o) != nil { // a status that refuses nothing
		o.Status = http.StatusForbidden
		return c.t.Reject(o)
	}
	return nil
}

// refuseStream ends a handshake that failed with err; what the core has not
// answered is answered with a status.
func (s *Server) refuseStream(c *Conn, err error) error {
	status := statusOf(err)
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if c.t.Reject(core.RejectOptions{Status: status, Body: []byte(http.StatusText(status) + "\n")}) != nil {
		c.t.Close(GoingAway, "") // it has been answered, or cannot be
		status = statusOf(err)
	}
	return &HandshakeError{Status: status, Err: wrap(err)}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[core.Error](err); ok {
		return e.Status()
	}
	return 0
}

// response keeps what an http.Handler answers.
type response struct {
	header http.Header
	status int
	body   []byte
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, p...)
	return len(p), nil
}

// blankRequest tells what is known of a request before it has come.
func blankRequest(ctx context.Context, stream transport.Stream) *http.Request {
	r := (&http.Request{
		Method: http.MethodGet, URL: &url.URL{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody,
	}).WithContext(ctx)
	if s, ok := stream.(interface{ RemoteAddr() net.Addr }); ok {
		r.RemoteAddr = s.RemoteAddr().String()
	}
	r.TLS = tlsState(stream)
	return r
}

// fillRequest shows the core's request as an HTTP server would have.
func fillRequest(r *http.Request, req *core.Request) error {
	u, err := url.ParseRequestURI(req.Path())
	if err != nil {
		return core.ErrBadRequest
	}
	r.URL = u
	r.RequestURI = strings.Clone(req.Target)
	r.Host = strings.Clone(req.Host())
	for _, f := range req.Fields {
		r.Header.Add(strings.Clone(f.Name), strings.Clone(f.Value))
	}
	r.Header.Del("Host")
	return nil
}

// tlsState tells what TLS agreed on, nil without TLS.
func tlsState(stream transport.Stream) *tls.ConnectionState {
	s, ok := stream.(interface {
		ConnectionState() (tls.ConnectionState, bool)
	})
	if !ok {
		return nil
	}
	state, secure := s.ConnectionState()
	if !secure {
		return nil
	}
	return &state
}
