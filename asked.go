package websockets

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/fb1e3c20/websockets/core"
)

// asked is the handshake request of a server's connection. One that came on a stream of our
// own, and that nobody has seen, is kept as the text that it was: that is a third of
// what an [http.Request] takes.
type asked struct {
	seen atomic.Pointer[http.Request]
	ctx  context.Context // of seen, when it is made of head
	head string          // the target and the fields, each in a line
}

// see keeps r as the request.
func (a *asked) see(r *http.Request) { a.seen.Store(r) }

// fold keeps the text of the request, until somebody wants to see it.
func (a *asked) fold(ctx context.Context, head string) {
	a.ctx, a.head = ctx, head
	a.seen.Store(nil)
}

// request returns the request, the same one each time, nil if there is none.
func (a *asked) request(c *Conn) *http.Request {
	if r := a.seen.Load(); r != nil || a.head == "" {
		return r
	}
	stream := c.t.Stream()
	r := blankRequest(a.ctx, stream)
	r.TLS = tlsState(stream)
	_ = fillRequest(r, parseHead(a.head)) // it could be done before
	a.seen.CompareAndSwap(nil, r)
	return a.seen.Load()
}

// headOf returns what parseHead makes r of. None of its strings, which the core has checked,
// has the end of a line in it.
func headOf(r *core.Request) string {
	size := len(r.Target)
	for _, f := range r.Fields {
		size += len("\n:") + len(f.Name) + len(f.Value)
	}
	var head strings.Builder
	head.Grow(size)
	head.WriteString(r.Target)
	for _, f := range r.Fields {
		head.WriteByte('\n')
		head.WriteString(f.Name)
		head.WriteByte(':')
		head.WriteString(f.Value)
	}
	return head.String()
}

func parseHead(head string) *core.Request {
	target, rest, _ := strings.Cut(head, "\n")
	r := &core.Request{Target: target, Fields: make([]core.Field, 0, 1+strings.Count(rest, "\n"))}
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		name, value, _ := strings.Cut(line, ":")
		r.Fields = append(r.Fields, core.Field{Name: name, Value: value})
	}
	return r
}

// showRequests reports whether a function of the user's sees a request before it is accepted: it
// may keep it, or mark it for the handler.
func (o *Options) showRequests() bool {
	return o.ChooseSubprotocol != nil || o.AcceptConnection != nil && !isOurs(o.AcceptConnection)
}

// isOurs reports whether accept is SameOrigin, or of Origins.
func isOurs(accept func(*http.Request) bool) bool {
	origins, _ := Origins()
	code := reflect.ValueOf(accept).Pointer()
	return code == reflect.ValueOf(SameOrigin).Pointer() || code == reflect.ValueOf(origins).Pointer()
}
