package websockets

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// Accept accepts one connection from an HTTP server: it checks the request
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.2), answers it and takes
// the connection over. A request that is not a valid handshake, or that
// AcceptConnection refuses, has been answered when Accept returns its
// *[HandshakeError]; the caller must not write to w. Header fields that were
// set on w before are sent with the response.
//
// The connection lives on when the HTTP handler returns.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	if err := s.init(); err != nil {
		return nil, s.refuse(w, http.StatusInternalServerError, err)
	}
	req := requestOf(r)
	if err := req.Check(); err != nil {
		return nil, s.refuse(w, err.(core.Error).Status(), err)
	}
	if !s.wants(r) {
		s.denyHTTP(w, r)
		return nil, &HandshakeError{Status: http.StatusForbidden, Err: wrap(core.ErrRejected)}
	}
	if !s.enter() {
		return nil, s.refuse(w, http.StatusServiceUnavailable, wrap(core.ErrRejected))
	}
	defer s.leave()
	o := s.acceptOptions(req)
	o.Header = append(o.Header, added(w.Header())...)
	head, err := core.AppendAccept(nil, req, o)
	if err != nil {
		return nil, s.refuse(w, http.StatusInternalServerError, err)
	}
	stream, err := s.takeOver(w, head)
	if err != nil {
		return nil, err
	}
	m, err := core.NewOpen(s.settings, s.att.Clock().Now(), core.Server)
	if err != nil {
		stream.Abort()
		return nil, wrap(err)
	}
	return s.newConn(m, stream, r, o.Subprotocol)
}

// AcceptStream accepts one connection on any byte stream, with the HTTP/1.1
// handshake of RFC 6455. The stream belongs to the connection, and is closed if
// there is an error. ctx bounds the handshake, with the handshake timeout.
func (s *Server) AcceptStream(ctx context.Context, stream transport.Stream) (*Conn, error) {
	c, err := s.acceptStream(ctx, stream)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// acceptStream returns with an error the Conn too, to tell the request, if one
// has come.
func (s *Server) acceptStream(ctx context.Context, stream transport.Stream) (*Conn, error) {
	c := &Conn{}
	if err := s.init(); err != nil {
		stream.Abort()
		return c, wrap(err)
	}
	c.t = transport.NewConn(core.NewServer(s.settings, s.att.Clock().Now()), stream, s.att, s.hooks(c)...)
	req, err := c.t.AwaitRequest(ctx)
	if err != nil {
		c.t.Close(GoingAway, "")
		return c, &HandshakeError{Status: statusOf(err), Err: wrap(err)}
	}
	c.request, err = httpRequest(ctx, req, stream)
	if err != nil {
		return c, s.rejectStream(c, http.StatusBadRequest, err)
	}
	if !s.wants(c.request) {
		s.denyStream(c)
		return c, &HandshakeError{Status: http.StatusForbidden, Err: wrap(core.ErrRejected)}
	}
	if !s.track(c) {
		return c, s.rejectStream(c, http.StatusServiceUnavailable, core.ErrRejected)
	}
	o := s.acceptOptions(req)
	if err := c.t.Accept(o); err != nil {
		c.t.CloseNow()
		return c, &HandshakeError{Err: wrap(err)}
	}
	c.subprotocol = o.Subprotocol
	return c, nil
}

// ServeStream accepts one connection on any byte stream and calls the Handler,
// as ServeHTTP does on a request. It returns when the connection is closed.
func (s *Server) ServeStream(ctx context.Context, stream transport.Stream) {
	c, err := s.acceptStream(ctx, stream)
	if err != nil {
		s.report(c.request, err)
		return
	}
	s.serve(ctx, c)
}

func (s *Server) newConn(m transport.Machine, stream transport.Stream, r *http.Request, subprotocol string) (*Conn, error) {
	c := &Conn{request: r, subprotocol: subprotocol}
	c.t = transport.NewConn(m, stream, s.att, s.hooks(c)...)
	if !s.track(c) {
		c.Close(GoingAway, "")
		return nil, wrap(transport.ErrClosed)
	}
	return c, nil
}

func (s *Server) hooks(c *Conn) []transport.Option {
	return []transport.Option{
		transport.OnRelease(func() { s.untrack(c) }),
		transport.OnPing(s.pinged),
	}
}

// pinged warns once of pings that are dropped because nobody said otherwise.
func (s *Server) pinged() {
	if s.Options.DropIncomingPings != Default {
		return
	}
	s.warnPing.Do(func() {
		s.log().Warn("websocket: a ping was dropped without a pong, which is the default; see Options.DropIncomingPings")
	})
}

// wants asks AcceptConnection.
func (s *Server) wants(r *http.Request) bool {
	if s.Options.AcceptConnection != nil {
		return s.Options.AcceptConnection(r)
	}
	if !SameOrigin(r) {
		s.warnOrigin.Do(func() {
			s.log().Warn("websocket: a request of another origin was accepted, which is the default; see Options.AcceptConnection",
				"origin", r.Header.Get("Origin"), "host", r.Host)
		})
	}
	return true
}

const deniedBody = "<h1>Access denied</h1>"

func (s *Server) denyHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Options.AccessDenied != nil {
		s.Options.AccessDenied.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, deniedBody)
}

// denyStream answers as denyHTTP does, where there is no HTTP server.
func (s *Server) denyStream(c *Conn) {
	w := &response{header: make(http.Header)}
	s.denyHTTP(w, c.request)
	if w.status == 0 {
		w.status = http.StatusForbidden
	}
	header := headerFields(w.header)
	header = slices.DeleteFunc(header, func(f core.Field) bool { return f.Name == "Content-Length" })
	if c.t.Reject(core.RejectOptions{Status: w.status, Header: header, Body: w.body}) != nil {
		c.t.Reject(core.RejectOptions{Status: http.StatusForbidden})
	}
}

func (s *Server) rejectStream(c *Conn, status int, err error) error {
	c.t.Reject(core.RejectOptions{Status: status, Body: []byte(err.Error() + "\n")})
	return &HandshakeError{Status: status, Err: wrap(err)}
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

// refuse answers a request that is not accepted.
func (s *Server) refuse(w http.ResponseWriter, status int, err error) error {
	h := w.Header()
	switch status {
	case http.StatusUpgradeRequired:
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
		h.Set("Sec-WebSocket-Version", "13")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", "GET")
	}
	if err == core.ErrRequestBody {
		h.Set("Connection", "close") // or net/http waits for the body first
	}
	text := err.Error()
	switch status {
	case http.StatusInternalServerError:
		text = http.StatusText(status) // what is wrong here is not the client's to know
	case http.StatusServiceUnavailable:
		text = "the server is shutting down"
	}
	http.Error(w, text, status)
	return &HandshakeError{Status: status, Err: wrap(err)}
}

func (s *Server) acceptOptions(r *core.Request) core.AcceptOptions {
	o := core.AcceptOptions{Header: headerFields(s.Options.Header)}
	if len(s.Options.Subprotocols) == 0 {
		return o
	}
	offered := r.Subprotocols()
	for _, p := range s.Options.Subprotocols {
		if slices.Contains(offered, p) {
			o.Subprotocol = p
			break
		}
	}
	return o
}

// added lists the fields that were set on an HTTP response before it became a
// handshake, without those that the handshake sets itself.
func added(h http.Header) []core.Field {
	return slices.DeleteFunc(headerFields(h), func(f core.Field) bool {
		switch name := http.CanonicalHeaderKey(f.Name); name {
		case "Connection", "Content-Length", "Host", "Transfer-Encoding", "Upgrade":
			return true
		default:
			return strings.HasPrefix(name, "Sec-Websocket-")
		}
	})
}

// takeOver takes the connection from the HTTP server and writes head to it.
func (s *Server) takeOver(w http.ResponseWriter, head []byte) (transport.Stream, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		err = errors.Join(errors.New("websocket: the http.ResponseWriter cannot hand over its connection; is it wrapped by a middleware without Unwrap?"), err)
		return nil, s.refuse(w, http.StatusInternalServerError, err)
	}
	stream, err := openTaken(conn, rw, head)
	if err != nil {
		conn.Close()
		return nil, &HandshakeError{Err: wrap(&transport.LostError{Core: core.ErrHandshakeLost, Err: err})}
	}
	return stream, nil
}

// writeTimeout bounds the writing of the handshake's response, which fits into
// the socket's empty buffer.
const writeTimeout = 10 * time.Second

func openTaken(conn net.Conn, rw *bufio.ReadWriter, head []byte) (transport.Stream, error) {
	conn.SetDeadline(time.Now().Add(writeTimeout))
	if _, err := conn.Write(head); err != nil {
		return nil, err
	}
	buffered, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, err
	}
	return tcp.FromConn(conn, buffered)
}

// requestOf shows an HTTP server's request to the core.
func requestOf(r *http.Request) *core.Request {
	fields := append(headerFields(r.Header), core.Field{Name: "Host", Value: r.Host})
	if r.ContentLength != 0 && r.Header.Get("Content-Length") == "" {
		fields = append(fields, core.Field{Name: "Content-Length", Value: strconv.FormatInt(max(r.ContentLength, 1), 10)})
	}
	return &core.Request{Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Fields: fields}
}

// httpRequest shows the core's request as an HTTP server would have.
func httpRequest(ctx context.Context, r *core.Request, stream transport.Stream) (*http.Request, error) {
	u, err := url.ParseRequestURI(r.Path())
	if err != nil {
		return nil, err
	}
	h := make(http.Header)
	for _, f := range r.Fields {
		h.Add(strings.Clone(f.Name), strings.Clone(f.Value))
	}
	h.Del("Host")
	req := &http.Request{
		Method: http.MethodGet, URL: u, RequestURI: strings.Clone(r.Target),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Host: strings.Clone(r.Host()), Body: http.NoBody,
	}
	if s, ok := stream.(interface{ RemoteAddr() net.Addr }); ok {
		req.RemoteAddr = s.RemoteAddr().String()
	}
	if s, ok := stream.(interface {
		ConnectionState() (tls.ConnectionState, bool)
	}); ok {
		if state, secure := s.ConnectionState(); secure {
			req.TLS = &state
		}
	}
	return req.WithContext(ctx), nil
}

func statusOf(err error) int {
	if e, ok := errors.AsType[core.Error](err); ok {
		return e.Status()
	}
	return 0
}

func sortedNames(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
