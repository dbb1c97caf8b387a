package http2

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A HandlerStream is the [transport.Stream] of an extended CONNECT request in the
// HTTP handler that serves it
// (https://www.rfc-editor.org/rfc/rfc8441#section-5). It reads the request's body
// and writes the response's, so it lives no longer than the handler, which must
// not return before [HandlerStream.Released].
//
// It has no CloseWrite: net/http ends the output when the handler returns. Abort
// resets the stream, with INTERNAL_ERROR over HTTP/2. Closing again does nothing.
type HandlerStream struct {
	transport.Stream
	carrier *handlerCarrier
}

// FromRequest returns the stream that r and w carry once r was answered, with
// w.WriteHeader(200). It sends that answer and switches off the deadlines that the
// server's ReadTimeout and WriteTimeout have set. Nobody else may use w from then
// on.
//
// What is written goes to the innermost writer that Unwrap leads to, so that no
// middleware compresses or buffers it.
func FromRequest(w http.ResponseWriter, r *http.Request) (*HandlerStream, error) {
	c := &handlerCarrier{request: r, body: r.Body, w: innermost(w), released: make(chan struct{})}
	c.control = http.NewResponseController(c.w)
	if err := errors.Join(c.control.SetReadDeadline(time.Time{}), c.control.SetWriteDeadline(time.Time{})); err != nil {
		return nil, fmt.Errorf("http2: cannot use the http.ResponseWriter, a %T: %w", c.w, err)
	}
	if err := c.control.Flush(); err != nil {
		return nil, fmt.Errorf("http2: cannot send the response: %w", err)
	}
	return &HandlerStream{Stream: transport.NewPump(c), carrier: c}, nil
}

// innermost returns what wrappers with Unwrap lead to.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// Released returns a channel that is closed when the stream has been closed or
// aborted and what Close lets go out has gone: within five seconds, unless a write
// hangs in a connection that takes nothing any more, which the HTTP server must
// end; see [ConfigureServer].
func (s *HandlerStream) Released() <-chan struct{} { return s.carrier.released }

// LocalAddr returns the local address of the connection, nil if the server does not
// tell.
func (s *HandlerStream) LocalAddr() net.Addr {
	addr, _ := s.carrier.request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return addr
}

// RemoteAddr returns the address of the client, nil if the server does not tell.
func (s *HandlerStream) RemoteAddr() net.Addr {
	addr, err := netip.ParseAddrPort(s.carrier.request.RemoteAddr)
	switch {
	case err != nil:
		return nil
	case s.carrier.request.ProtoMajor > 2:
		return net.UDPAddrFromAddrPort(addr)
	}
	return net.TCPAddrFromAddrPort(addr)
}

// ConnectionState returns what TLS has agreed on, false without TLS.
func (s *HandlerStream) ConnectionState() (tls.ConnectionState, bool) {
	if state := s.carrier.request.TLS; state != nil {
		return *state, true
	}
	return tls.ConnectionState{}, false
}

// A handlerCarrier is what a pump reads, writes and closes.
type handlerCarrier struct {
	request *http.Request
	body    io.ReadCloser
	w       http.ResponseWriter
	control *http.ResponseController

	mu       sync.Mutex
	users    int  // of w, at this moment
	over     bool // there will be no more
	released chan struct{}
}

func (c *handlerCarrier) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	if n > 0 {
		return n, nil
	}
	return n, c.ended(err)
}

func (c *handlerCarrier) Write(p []byte) (n int, err error) {
	if !c.enter() {
		return 0, c.ended(errStreamEnded)
	}
	defer c.leave()
	defer recovered(&err)
	if n, err = c.w.Write(p); err == nil {
		err = c.control.Flush()
	}
	return n, c.ended(err)
}

var (
	errStreamEnded = errors.New("http2: the peer has reset the stream, or the HTTP handler has returned")
	errReturned    = errors.New("http2: the stream has ended too early, as when the HTTP handler returns before Close or CloseNow has")
)

// recovered makes an error of the panic by which net/http tells that the handler has
// returned while something was being written.
func recovered(err *error) {
	if recover() != nil {
		*err = errReturned
	}
}

// ended says of an error that this side caused it, if it did.
func (c *handlerCarrier) ended(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
		return net.ErrClosed
	case strings.Contains(err.Error(), "NO_ERROR"): // which net/http gives no type
		return errReturned
	}
	return err
}

// Close lets the handler return, which ends the output.
func (c *handlerCarrier) Close() error {
	c.finish()
	return c.body.Close()
}

// Abort resets the stream: that is what net/http does when a deadline has passed.
func (c *handlerCarrier) Abort() (err error) {
	if c.enter() {
		err = c.reset()
		c.leave()
	}
	c.finish()
	return errors.Join(err, c.body.Close())
}

func (c *handlerCarrier) reset() (err error) {
	defer recovered(&err)
	past := time.Unix(1, 0)
	return errors.Join(c.control.SetWriteDeadline(past), c.control.SetReadDeadline(past))
}

// enter reports whether w may be used, until leave. When the context has ended, the
// stream has, or the handler has returned.
func (c *handlerCarrier) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.request.Context().Err() != nil {
		return false
	}
	c.users++
	return true
}

func (c *handlerCarrier) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.check()
}

func (c *handlerCarrier) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.over = true
		c.check()
	}
}

// check releases the handler when nobody uses w any more. The lock is held.
func (c *handlerCarrier) check() {
	if c.over && c.users == 0 {
		close(c.released)
	}
}
