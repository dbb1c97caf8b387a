package http3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport"
)

// Bounds of responses.
const (
	maxInformational = 10          // responses of 1xx
	maxRefusal       = 4 << 10     // bytes of the body of a refusal
	refusalTime      = time.Second // for it to come
)

// ask opens a WebSocket as r says, for the place that is held.
func (c *conn) ask(ctx context.Context, r *http.Request) (transport.Stream, *http.Response, error) {
	s, err := c.openStream(ctx)
	if err != nil {
		return nil, nil, err
	}
	carrier := newCarrier(s, c.leave)
	stop := context.AfterFunc(ctx, carrier.cancel)
	response, err := exchange(s, r)
	if err == nil && !accepted(response) {
		response.Body = refusal(s)
		stop()
		carrier.cancel()
		return nil, c.complete(response, r), nil // an answer is an answer, however late
	}
	if !stop() {
		return nil, nil, fmt.Errorf("http3: waiting for the response: %w", ctx.Err())
	}
	if err != nil {
		carrier.cancel()
		return nil, nil, ended(err)
	}
	response.Body = http.NoBody // the stream is the caller's
	return c.newStream(carrier), c.complete(response, r), nil
}

func (c *conn) newStream(carrier *carrier) *Stream {
	return &Stream{
		Stream: transport.NewPump(carrier),
		local:  c.quic.LocalAddr(),
		remote: c.quic.RemoteAddr(),
		tls:    c.quic.ConnectionState().TLS,
	}
}

// complete adds to a response what the http3 package does not know.
func (c *conn) complete(response *http.Response, r *http.Request) *http.Response {
	state := c.quic.ConnectionState().TLS
	response.Request, response.TLS = r, &state
	return response
}

func accepted(r *http.Response) bool { return r.StatusCode >= 200 && r.StatusCode <= 299 }

// exchange sends the request and waits for the final response.
func exchange(s *h3.RequestStream, r *http.Request) (*http.Response, error) {
	if err := s.SendRequestHeader(extendedConnect(r)); err != nil {
		return nil, err
	}
	for range maxInformational + 1 {
		response, err := s.ReadResponse()
		if err != nil || response.StatusCode >= 200 {
			return response, err
		}
	}
	return nil, fmt.Errorf("more than %d informational responses", maxInformational)
}

// extendedConnect is r as the request of RFC 8441 section 4
// (https://www.rfc-editor.org/rfc/rfc8441#section-4). That it has no User-Agent of its
// own keeps the http3 package from adding one.
func extendedConnect(r *http.Request) *http.Request {
	h := r.Header.Clone()
	if h == nil {
		h = make(http.Header)
	}
	h.Set("Sec-Websocket-Version", "13")
	if h.Get("User-Agent") == "" {
		h["User-Agent"] = nil
	}
	u := &url.URL{Scheme: "https", Host: r.URL.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, ForceQuery: r.URL.ForceQuery, RawQuery: escape(r.URL.RawQuery)}
	return &http.Request{Method: http.MethodConnect, Proto: "websocket", URL: u, Host: r.Host, Header: h}
}

// escape escapes what may not stand in :path, as browsers do in a query.
func escape(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// refusal returns what comes of the body of a refusal in time.
func refusal(s *h3.RequestStream) io.ReadCloser {
	late := time.AfterFunc(refusalTime, func() { s.CancelRead(streamCancelled) })
	defer late.Stop()
	body, _ := io.ReadAll(io.LimitReader(s, maxRefusal)) // it may be cut
	return io.NopCloser(bytes.NewReader(body))
}
