package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// tapped serves a WebSocket as s does, with a tap on its stream. The request
// is played back at the beginning of the stream, and the handshake done there.
func (i *inspector) tapped(s *websockets.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !asksForWebSocket(r) {
			s.ServeHTTP(w, r)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			s.ServeHTTP(w, r)
			return
		}
		early, _ := rw.Reader.Peek(rw.Reader.Buffered())
		stream, err := tcp.FromConn(conn, append(playBack(r), early...))
		if err != nil {
			conn.Close()
			return
		}
		t := i.tap(stream, r)
		s.ServeStream(context.WithValue(r.Context(), tapKey{}, t), t)
	})
}

// asksForWebSocket reports whether r can be played back. Everything else is
// answered as well without.
func asksForWebSocket(r *http.Request) bool {
	return r.ProtoMajor == 1 && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		r.ContentLength == 0 && len(r.TransferEncoding) == 0
}

// playBack writes the head of r as it came, but for the order of its fields.
func playBack(r *http.Request) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	r.Header.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes()
}

// A tap is a stream that an inspector listens to.
type tap struct {
	transport.Stream
	peer    string // address of the client
	publish func(event)
	in, out sniffer
	lender  noting
	end     sync.Once
}

type tapKey struct{}

// tapOf returns the tap of the connection that a handler serves, nil without.
func tapOf(ctx context.Context) *tap {
	t, _ := ctx.Value(tapKey{}).(*tap)
	return t
}

func (i *inspector) tap(s transport.Stream, r *http.Request) *tap {
	number := i.lastConn.Add(1)
	t := &tap{Stream: s, peer: r.RemoteAddr}
	t.publish = func(e event) {
		e.Conn = number
		i.publish(e)
	}
	t.in = sniffer{direction: "in", watched: i.watched, emit: t.publish}
	t.out = sniffer{direction: "out", watched: i.watched, emit: t.publish}
	t.publish(event{Kind: "open", Target: r.RequestURI, Peer: t.peer})
	return t
}

// ConnectionState tells of TLS: on it depends which pages are of the same origin.
func (t *tap) ConnectionState() (tls.ConnectionState, bool) {
	s, ok := t.Stream.(interface {
		ConnectionState() (tls.ConnectionState, bool)
	})
	if !ok {
		return tls.ConnectionState{}, false
	}
	return s.ConnectionState()
}

func (t *tap) TryRead(p []byte) (int, error) {
	n, err := t.Stream.TryRead(p)
	t.in.feed(p[:n])
	return n, err
}

func (t *tap) AwaitRead(l transport.Lender) (int, error) {
	t.lender.Lender = l
	n, err := t.Stream.AwaitRead(&t.lender)
	if n > 0 {
		t.in.feed(t.lender.lent[:n])
	}
	t.lender = noting{}
	return n, err
}

func (t *tap) TryWrite(p []byte) (int, error) {
	n, err := t.Stream.TryWrite(p)
	t.out.feed(p[:n])
	return n, err
}

func (t *tap) Close() error {
	t.ended("transport closed")
	return t.Stream.Close()
}

func (t *tap) Abort() error {
	t.ended("transport cut")
	return t.Stream.Abort()
}

// note tells the watchers what the server says of the connection.
func (t *tap) note(text string) { t.publish(event{Kind: "note", Text: text}) }

func (t *tap) ended(how string) {
	t.end.Do(func() { t.publish(event{Kind: "end", Text: how}) })
}

// noting remembers what it lends.
type noting struct {
	transport.Lender
	lent []byte
}

func (n *noting) Borrow() []byte {
	n.lent = n.Lender.Borrow()
	return n.lent
}
