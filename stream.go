package websockets

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"

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
func (s *Server) acceptStream(ctx context.Context, stream transport.Stream, more ...transport.Option) (c *Conn, err error) {
	r := blankRequest(ctx, stream)
	c = &Conn{}
	c.asked.see(r)
	if err := s.init(); err != nil {
		stream.Abort()
		return c, &HandshakeError{Err: unexpected(err)}
	}
	c.compression = s.options.Compression
	if !s.enter() {
		stream.Close()
		return c, &HandshakeError{Err: wrap(transport.ErrClosed)}
	}
	defer s.leave()
	m, err := s.machine(r, false, nil)
	if err != nil {
		stream.Abort()
		return c, &HandshakeError{Err: unexpected(err)}
	}
	s.drive(c, m, stream, more)
	if !s.track(c) {
		c.t.CloseNow()
		return c, &HandshakeError{Err: wrap(transport.ErrClosed)}
	}
	req, err := c.t.AwaitRequest(ctx)
	if err == nil {
		r.TLS = tlsState(stream)
		err = fillRequest(r, req)
	}
	if err != nil {
		return c, s.refuseStream(c, err)
	}
	answered := false
	defer func() {
		if !answered {
			s.reportRefused(r, s.refuseStream(c, unexpected(errAskedGoexit)))
		}
	}()
	head := ""
	if !s.shows {
		head = headOf(req)
	}
	err = s.answer(c, r, req)
	answered = true
	if err == nil && head != "" {
		c.asked.fold(ctx, head)
	}
	return c, err
}

var errAskedGoexit = errors.New("websocket: a function of the Options ended its goroutine")

// answer answers a request as the Options say.
func (s *Server) answer(c *Conn, r *http.Request, req *core.Request) error {
	if wanted, err := s.asks(r); err != nil || !wanted {
		return s.denyStream(c, r, err)
	}
	o, err := s.acceptOptions(r, req)
	if err != nil {
		return s.denyStream(c, r, err)
	}
	if err := c.t.Accept(o); err != nil {
		return s.refuseStream(c, c.cause(err))
	}
	c.subprotocol = o.Subprotocol
	return nil
}

// cause returns how the connection ended, if it has, and otherwise err, which
// nobody expected.
func (c *Conn) cause(err error) error {
	if ended := c.t.Err(); ended != nil {
		return ended
	}
	return unexpected(err)
}

// denyStream refuses a request as AccessDenied says, or with 500 after a panic.
func (s *Server) denyStream(c *Conn, r *http.Request, err error) error {
	var d denial
	if err == nil {
		d, err = s.deny(r)
	}
	if isAbort(err) {
		c.t.CloseNow()
		return &HandshakeError{Err: wrap(transport.ErrClosed)}
	}
	if err != nil {
		return s.refuseStream(c, c.cause(err))
	}
	if err := c.t.Reject(core.RejectOptions{Status: d.status, Header: added(d.header), Body: d.body}); err != nil {
		return s.refuseStream(c, c.cause(err))
	}
	return rejected(r, d.status)
}

// refuseStream ends a handshake that failed with err; what the core has not
// answered is answered with a status.
func (s *Server) refuseStream(c *Conn, err error) error {
	if errors.Is(err, core.ErrHandshakeTimeout) && lacksTLS(c.t.Stream()) {
		c.t.CloseNow() // there is nobody yet to be told
		return &HandshakeError{Err: wrap(err)}
	}
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

// blankRequest tells what is known of a request before it has come.
func blankRequest(ctx context.Context, stream transport.Stream) *http.Request {
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody,
	}
	if ctx != context.Background() {
		r = r.WithContext(ctx)
	}
	if s, ok := stream.(interface{ RemoteAddr() net.Addr }); ok && s.RemoteAddr() != nil {
		r.RemoteAddr = s.RemoteAddr().String()
	}
	return r
}

// fillRequest shows the core's request as an HTTP server would have.
func fillRequest(r *http.Request, req *core.Request) error {
	u, err := url.ParseRequestURI(req.Path())
	if err != nil {
		return core.ErrBadRequest
	}
	r.URL = u
	r.RequestURI = req.Target
	r.Host = req.Host()
	r.Header = headerOf(req.Fields)
	return nil
}

// headerOf returns fields, but for Host, as an HTTP server would have them.
func headerOf(fields []core.Field) http.Header {
	h := make(http.Header, len(fields))
	values := make([]string, len(fields))
	for i, f := range fields {
		name := http.CanonicalHeaderKey(f.Name)
		values[i] = f.Value
		if others := h[name]; len(others) > 0 {
			h[name] = append(others, f.Value)
		} else {
			h[name] = values[i : i+1 : i+1]
		}
	}
	delete(h, "Host")
	return h
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

// lacksTLS reports whether a stream is to have TLS and has not yet.
func lacksTLS(stream transport.Stream) bool {
	s, ok := stream.(interface{ NetConn() net.Conn })
	if !ok {
		return false
	}
	_, secure := s.NetConn().(*tls.Conn)
	return secure && tlsState(stream) == nil
}
