package websockets

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// Accept accepts one connection from an HTTP server: it checks the request
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.2), answers it and takes
// the connection over. A request that is not a valid handshake, or that
// AcceptConnection refuses, has been answered when Accept returns its
// *[HandshakeError]; the caller must not write to w. Header fields that were
// set on w before are sent with the response.
//
// The connection lives on when the HTTP handler returns. But over HTTP/2, and over
// HTTP/3 on a server that ConfigureServer of package transport/http3 does not know,
// the handler is what holds it: it must not return before Close or CloseNow has, or
// [Conn.Done] tells.
//
// Over HTTP/2 and HTTP/3 the request is an extended CONNECT
// (https://www.rfc-editor.org/rfc/rfc8441#section-5): its method is CONNECT, so a
// pattern for it names no method. Servers of net/http take it if the program
// imports package transport/http2/extendedconnect.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	return s.accept(w, r)
}

func (s *Server) accept(w http.ResponseWriter, r *http.Request, more ...transport.Option) (*Conn, error) {
	if err := s.init(); err != nil {
		return nil, s.refuse(w, r, http.StatusInternalServerError, err)
	}
	req := requestOf(r)
	err := checkRequest(r, req)
	if err == nil && len(req.Fields) > maxFields {
		err = core.ErrHeadTooBig
	}
	if err != nil {
		return nil, s.refuse(w, r, refusalStatus(r, err.(core.Error)), err)
	}
	if wanted, err := s.asks(r); err != nil || !wanted {
		return nil, s.denyHTTP(w, r, err)
	}
	if !s.enter() {
		return nil, s.refuse(w, r, http.StatusServiceUnavailable, wrap(core.ErrRejected))
	}
	defer s.leave()
	o, err := s.acceptOptions(r, req)
	if err != nil {
		return nil, s.denyHTTP(w, r, err)
	}
	o.Header = append(o.Header, added(w.Header())...)
	extensions, agreed := s.settings.Negotiate(req)
	o.Extensions = extensions
	take, err := s.taking(w, r, req, o)
	if err != nil {
		return nil, s.refuse(w, r, http.StatusInternalServerError, err)
	}
	m, err := s.machine(r, true, agreed)
	if err != nil {
		return nil, s.denyHTTP(w, r, err)
	}
	stream, err := take()
	if err != nil {
		m.abandon()
		return nil, err
	}
	c := &Conn{}
	c.chose(o.Subprotocol)
	c.asked.see(detached(r))
	return s.newConn(c, m, stream, more)
}

// patience is how long Close may take with the last bytes of a stream that an HTTP handler
// holds.
func (c *Conn) patience() time.Duration {
	switch {
	case c.server == nil:
		return 0
	case c.server.options.CloseTimeout > 0:
		return c.server.options.CloseTimeout
	}
	return defaultPatience
}

// defaultPatience is the default of Options.CloseTimeout.
const defaultPatience = 5 * time.Second

// taking returns what answers r and takes its connection or stream over.
func (s *Server) taking(w http.ResponseWriter, r *http.Request, req *core.Request, o core.AcceptOptions) (func() (transport.Stream, error), error) {
	if isConnect(r) {
		fields, err := core.ConnectFields(req, o)
		return func() (transport.Stream, error) { return s.connect(w, r, fields) }, err
	}
	head, err := core.AppendAccept(nil, req, o)
	return func() (transport.Stream, error) { return s.takeOver(w, r, head) }, err
}

// maxFields is how many header fields a request may have. How long it may be is
// the HTTP server's to limit.
const maxFields = 128

func (s *Server) newConn(c *Conn, m machine, stream transport.Stream, more []transport.Option) (*Conn, error) {
	s.drive(c, m, stream, more)
	if !s.track(c) {
		s.dismiss(c)
		return nil, &HandshakeError{Err: wrap(transport.ErrClosed)}
	}
	return c, nil
}

// machine makes the machine of the connection that r asks for; isOpen says that
// the handshake was done elsewhere, and has agreed on a compression, nil for none. A
// panic in Options.Machine is an error. Where nobody is shown requests, r is not needed.
func (s *Server) machine(r *http.Request, isOpen bool, agreed *deflate.Params) (m machine, err error) {
	b := flight.Birth{Role: core.Server, Open: isOpen, Compression: agreed, Now: s.att.Clock().Now(), Settings: s.settings}
	if !s.shows {
		return s.options.newMachine(b)
	}
	defer s.recoverFrom("Options.Machine", r, &err)
	b.Label = r.RemoteAddr
	return s.options.newMachine(b)
}

// drive makes the driver of c.
func (s *Server) drive(c *Conn, m machine, stream transport.Stream, more []transport.Option) {
	c.server = s
	var hooks [4]transport.Option
	c.drive(m, stream, s.att, append(append(hooks[:0], s.options.hooks()...), more...))
}

// pinged warns once of pings that are dropped because nobody said otherwise.
func (s *Server) pinged() {
	if s.options.DropIncomingPings != Default {
		return
	}
	s.warned.ping.Do(func() {
		s.log().Warn("websocket: a ping was dropped without a pong, which is the default; see Options.DropIncomingPings")
	})
}

// asks asks AcceptConnection; a panic in it is an error.
func (s *Server) asks(r *http.Request) (wanted bool, err error) {
	defer s.recoverFrom("Options.AcceptConnection", r, &err)
	return s.wants(r), nil
}

func (s *Server) wants(r *http.Request) bool {
	if s.options.AcceptConnection != nil {
		return s.options.AcceptConnection(r)
	}
	if !SameOrigin(r) {
		s.warned.origin.Do(func() {
			s.log().Warn("websocket: a request of another origin was accepted, which is the default; see Options.AcceptConnection",
				"origin", r.Header.Get("Origin"), "host", r.Host)
		})
	}
	return true
}

// rejected is the error of a request that AcceptConnection refused.
func rejected(r *http.Request, status int) error {
	what := fmt.Sprintf("%s for %q", r.URL.Path, r.Host)
	if origin := r.Header.Get("Origin"); origin != "" {
		what += fmt.Sprintf(" from the origin %q", origin)
	}
	return &HandshakeError{Status: status, Err: &step{what, wrap(core.ErrRejected)}}
}

const deniedBody = "<h1>Access denied</h1>"

// denyHTTP refuses a request as AccessDenied says, or with 500 after a panic.
func (s *Server) denyHTTP(w http.ResponseWriter, r *http.Request, err error) error {
	var d denial
	if err == nil {
		d, err = s.deny(r)
	}
	if isAbort(err) {
		panic(http.ErrAbortHandler) // the HTTP server cuts the connection
	}
	if err != nil {
		return s.refuse(w, r, http.StatusInternalServerError, err)
	}
	maps.Copy(w.Header(), d.header)
	w.WriteHeader(d.status)
	w.Write(d.body)
	return rejected(r, d.status)
}

// deny asks AccessDenied what to answer; a panic in it is an error, and so is a
// header that cannot be sent. A status that refuses nothing becomes 403.
func (s *Server) deny(r *http.Request) (d denial, err error) {
	d.header = make(http.Header)
	if s.options.AccessDenied == nil {
		d.header.Set("Content-Type", "text/html; charset=utf-8")
		d.status, d.body = http.StatusForbidden, []byte(deniedBody)
		return d, nil
	}
	defer s.recoverFrom("Options.AccessDenied", r, &err)
	s.options.AccessDenied.ServeHTTP(&d, r)
	if d.status < 300 || d.status == http.StatusNotModified || d.status > 599 {
		d.status = http.StatusForbidden
	}
	if _, err := core.AppendReject(nil, core.RejectOptions{Status: d.status, Header: added(d.header)}); err != nil {
		return d, errDeniedHeader
	}
	return d, nil
}

var errDeniedHeader = errors.New("websocket: Options.AccessDenied set a header field whose name or value is not valid in HTTP")

// denial keeps what AccessDenied answers.
type denial struct {
	header http.Header
	status int
	body   []byte
}

func (d *denial) Header() http.Header { return d.header }

func (d *denial) WriteHeader(status int) {
	informs := 100 <= status && status <= 199 // what is to come
	if d.status == 0 && !informs {
		d.status = status
	}
}

func (d *denial) Write(p []byte) (int, error) {
	d.WriteHeader(http.StatusOK)
	d.body = append(d.body, p...)
	return len(p), nil
}

// refuse answers a request that is not accepted.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, err error) error {
	h := w.Header()
	switch {
	case status == http.StatusUpgradeRequired:
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
		h.Set("Sec-WebSocket-Version", "13")
	case err == core.ErrVersion:
		h.Set("Sec-WebSocket-Version", "13")
	case err == core.ErrMethod:
		h.Set("Allow", "GET")
	case err == core.ErrConnectMethod:
		h.Set("Allow", "CONNECT")
	case err == core.ErrRequestBody && !isConnect(r):
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
	if status == http.StatusInternalServerError {
		err = unexpected(err)
	}
	return &HandshakeError{Status: status, Err: wrap(err)}
}

func (s *Server) acceptOptions(r *http.Request, req *core.Request) (core.AcceptOptions, error) {
	chosen, err := s.chooseSubprotocol(r, req.Subprotocols())
	return core.AcceptOptions{Subprotocol: chosen, Header: headerFields(s.options.Header)}, err
}

// chooseSubprotocol chooses one of those that the client offers; a panic of the
// user's choice is an error.
func (s *Server) chooseSubprotocol(r *http.Request, offered []string) (chosen string, err error) {
	if s.options.ChooseSubprotocol != nil {
		defer s.recoverFrom("Options.ChooseSubprotocol", r, &err)
		chosen = s.options.ChooseSubprotocol(r, offered)
		return strings.Clone(chosen), nil // not to keep all of the head
	}
	for _, p := range s.options.Subprotocols {
		if slices.Contains(offered, p) {
			return p, nil
		}
	}
	return "", nil
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

var errCannotHijack = errors.New("websocket: the http.ResponseWriter cannot hand over its connection; is it wrapped by a middleware without Unwrap?")

// takeOver takes the connection from the HTTP server and writes head to it.
func (s *Server) takeOver(w http.ResponseWriter, r *http.Request, head []byte) (transport.Stream, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, s.refuse(w, r, http.StatusInternalServerError, errors.Join(errCannotHijack, err))
	}
	stream, err := s.openTaken(conn, rw, head)
	if err != nil {
		conn.Close()
		return nil, &HandshakeError{Err: wrap(&transport.LostError{Core: core.ErrHandshakeLost, Err: err})}
	}
	return stream, nil
}

// writeTimeout bounds the writing of the handshake's response, which fits into
// the socket's empty buffer.
const writeTimeout = 10 * time.Second

func (s *Server) openTaken(conn net.Conn, rw *bufio.ReadWriter, head []byte) (transport.Stream, error) {
	conn.SetDeadline(time.Now().Add(writeTimeout))
	if _, err := conn.Write(head); err != nil {
		return nil, err
	}
	buffered, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, err
	}
	if s.poller != nil {
		return s.poller.Adopt(conn, buffered)
	}
	return tcp.FromConn(conn, buffered)
}

// requestOf shows an HTTP server's request to the core. Over HTTP/2 and HTTP/3 a Host
// field that says the same as :authority is one with it
// (https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1).
func requestOf(r *http.Request) *core.Request {
	fields := append(headerFields(r.Header), core.Field{Name: "Host", Value: r.Host})
	switch {
	case isConnect(r):
		if hosts := r.Header["Host"]; len(hosts) == 1 && hosts[0] == r.Host {
			fields = fields[:len(fields)-1] // it is there already
		}
	case r.ContentLength != 0 && r.Header.Get("Content-Length") == "":
		fields = append(fields, core.Field{Name: "Content-Length", Value: strconv.FormatInt(max(r.ContentLength, 1), 10)})
	}
	return &core.Request{Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Fields: fields}
}

func sortedNames(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
