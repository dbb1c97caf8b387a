package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// tapped serves a WebSocket as s does, with a tap on its stream. The request of
// HTTP/1.1 is played back at the beginning of the stream, and the handshake done
// there.
func (i *inspector) tapped(s *websockets.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor > 1 {
			i.tapConnect(s, w, r)
			return
		}
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
		t := i.tap(stream, opening{target: r.RequestURI, peer: r.RemoteAddr, carrier: "HTTP/1.1"})
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

// An opening is what is known of a connection before its first byte.
type opening struct{ target, peer, carrier string }

type tapKey struct{}

// tapOf returns the tap of the connection that a handler serves, nil without.
func tapOf(ctx context.Context) *tap {
	t, _ := ctx.Value(tapKey{}).(*tap)
	return t
}

func (i *inspector) tap(s transport.Stream, o opening) *tap {
	number := i.lastConn.Add(1)
	t := &tap{Stream: s, peer: o.peer}
	t.publish = func(e event) {
		e.Conn = number
		i.publish(e)
	}
	t.in = sniffer{direction: "in", watched: i.watched, emit: t.publish}
	t.out = sniffer{direction: "out", watched: i.watched, emit: t.publish}
	t.publish(event{Kind: "open", Target: o.target, Peer: o.peer, Carrier: o.carrier})
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

// Released tells when the HTTP handler may return, nil if it may at any time.
func (t *tap) Released() <-chan struct{} {
	if s, ok := t.Stream.(interface{ Released() <-chan struct{} }); ok {
		return s.Released()
	}
	return nil
}

// LocalAddr returns the address of this side, nil if the stream has none.
func (t *tap) LocalAddr() net.Addr {
	if s, ok := t.Stream.(interface{ LocalAddr() net.Addr }); ok {
		return s.LocalAddr()
	}
	return nil
}

// RemoteAddr returns the address of the client, nil if the stream has none.
func (t *tap) RemoteAddr() net.Addr {
	if s, ok := t.Stream.(interface{ RemoteAddr() net.Addr }); ok {
		return s.RemoteAddr()
	}
	return nil
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

// tapStream puts a tap on a stream of QUIC.
func (i *inspector) tapStream(s transport.Stream) transport.Stream {
	o := opening{target: "/ on a stream of QUIC", carrier: "QUIC"}
	if s, ok := s.(interface{ RemoteAddr() net.Addr }); ok {
		o.peer = s.RemoteAddr().String()
	}
	return i.tap(s, o)
}

// A tappedListener taps what it accepts.
type tappedListener struct {
	websockets.Listener
	tap func(transport.Stream) transport.Stream
}

func (l tappedListener) AcceptStream() (transport.Stream, error) {
	s, err := l.Listener.AcceptStream()
	if err != nil {
		return nil, err
	}
	return l.tap(s), nil
}
