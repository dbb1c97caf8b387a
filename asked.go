package websockets

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/fb1e3c20/websockets/core"
)

// asked is the handshake request of a server's connection. One that came on a stream of our
// own is kept as the text that it was, in short, until somebody wants to see it: that is a
// tenth of what an [http.Request] takes.
type asked struct {
	seen atomic.Pointer[http.Request]
	text string // that the core parsed, shortened; "" until it has come, and if it is seen
}

// see keeps r as the request.
func (a *asked) see(r *http.Request) { a.seen.Store(r) }

// request returns the request, the same one each time, nil at a client.
func (a *asked) request(c *Conn) *http.Request {
	if r := a.seen.Load(); r != nil || c.server == nil {
		return r
	}
	stream := c.t.Stream()
	r := blankRequest(c.extras.requestContext(), stream)
	if a.text == "" {
		return r
	}
	r.TLS = tlsState(stream)
	if req, err := core.ParseRequest(lengthen(a.text)); err == nil {
		_ = fillRequest(r, req) // a target that is no URL has been refused
	}
	a.seen.CompareAndSwap(nil, r)
	return a.seen.Load()
}

// fromOwnPage reports whether it can be told without an http.Request that req comes from no page,
// or from one of this server.
func (c *Conn) fromOwnPage(req *core.Request) bool {
	origin, present := req.Origin()
	return !present || isSameOrigin(origin, req.Host(), tlsState(c.t.Stream()) != nil)
}

// checkTarget reports whether req has a target that package url knows.
func checkTarget(req *core.Request) error {
	path := req.Path()
	if isPlain(path) {
		return nil
	}
	if _, err := url.ParseRequestURI(path); err != nil {
		return core.ErrBadRequest
	}
	return nil
}

// isPlain reports whether path is without doubt one.
func isPlain(path string) bool {
	for _, c := range []byte(path) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && strings.IndexByte("/-._~?=&", c) < 0 {
			return false
		}
	}
	return path != "" && path[0] == '/'
}

// showRequests reports whether a function of the user's sees a request before it is accepted: it
// may keep it, or mark it for the handler. Recordings are labelled with the peer's address.
func (o *Options) showRequests() bool {
	return o.Machine != nil || o.Recorder != nil || o.ChooseSubprotocol != nil || o.AcceptConnection != nil && !isOurs(o.AcceptConnection)
}

// isOurs reports whether accept is SameOrigin, or of Origins.
func isOurs(accept func(*http.Request) bool) bool {
	origins, _ := Origins()
	code := reflect.ValueOf(accept).Pointer()
	return code == reflect.ValueOf(SameOrigin).Pointer() || code == reflect.ValueOf(origins).Pointer()
}
