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
	c = &Conn{}
	if err := s.begin(ctx, c, stream, more); err != nil {
		return c, err
	}
	defer s.leave()
	req, err := c.t.AwaitRequest(ctx)
	if err != nil {
		return c, s.refuseStream(c, err)
	}
	if refusal := s.answer(c, req); refusal != nil {
		return c, s.refuseAs(c, refusal)
	}
	return c, nil
}

// begin makes c of a stream whose handshake is to come, and counts it until leave. With an
// error c has a request all the same.
func (s *Server) begin(ctx context.Context, c *Conn, stream transport.Stream, more []transport.Option) error {
	failed := func(err error) error {
		c.asked.see(blankRequest(ctx, stream))
		return &HandshakeError{Err: wrap(err)}
	}
	if err := s.init(); err != nil {
		stream.Abort()
		return failed(unexpected(err))
	}
	if !s.enter() {
		stream.Close()
		return failed(transport.ErrClosed)
	}
	c.askedIn(ctx)
	if s.shows {
		c.asked.see(blankRequest(ctx, stream))
	}
	m, err := s.machine(c.asked.seen.Load(), false, nil)
	if err != nil {
		s.leave()
		stream.Abort()
		return failed(unexpected(err))
	}
	s.drive(c, m, stream, more)
	if !s.track(c) {
		s.leave()
		c.t.CloseNow()
		return failed(transport.ErrClosed)
	}
	return nil
}

var errAskedGoexit = errors.New("websocket: a function of the Options ended its goroutine")

// answer accepts a request if it is as the Options say; otherwise it returns what refuses
// it, for refuseAs.
func (s *Server) answer(c *Conn, req *core.Request) (refusal func() error) {
	returned := false
	defer s.unlessReturned(c, &returned)
	refusal = s.accepts(c, req)
	returned = true
	return refusal
}

// refuseAs refuses a request, which may wait for the peer, and returns why.
func (s *Server) refuseAs(c *Conn, refusal func() error) error {
	returned := false
	defer s.unlessReturned(c, &returned)
	err := refusal()
	returned = true
	return err
}

// unlessReturned reports that a function of the Options has ended its goroutine.
func (s *Server) unlessReturned(c *Conn, returned *bool) {
	if !*returned {
		s.reportRefused(c.Request(), s.refuseStream(c, unexpected(errAskedGoexit)))
	}
}

func (s *Server) accepts(c *Conn, req *core.Request) (refusal func() error) {
	if !s.shows {
		c.asked.text = shorten(req.Text())
	}
	if err := s.show(c, req); err != nil {
		return func() error { return s.refuseStream(c, err) }
	}
	if wanted, err := s.asksFor(c, req); err != nil || !wanted {
		return func() error { return s.denyStream(c, c.Request(), err) }
	}
	o, err := s.acceptOptions(c.asked.seen.Load(), req)
	if err != nil {
		return func() error { return s.denyStream(c, c.Request(), err) }
	}
	if err := c.t.Accept(o); err != nil {
		return func() error { return s.refuseStream(c, c.cause(err)) }
	}
	c.chose(o.Subprotocol)
	return nil
}

// show makes the request that functions of the user's see, if there are any; it tells
// what is wrong with req that the core does not.
func (s *Server) show(c *Conn, req *core.Request) error {
	r := c.asked.seen.Load()
	if r == nil {
		return checkTarget(req)
	}
	r.TLS = tlsState(c.t.Stream())
	return fillRequest(r, req)
}

// asksFor is asks for a request that may not have been shown.
func (s *Server) asksFor(c *Conn, req *core.Request) (wanted bool, err error) {
	if !s.shows && c.fromOwnPage(req) {
		return true, nil
	}
	return s.asks(c.Request())
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
