package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/quic"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// playground is what websockets serve serves.
type playground struct {
	http.Handler
	sockets  []*websockets.Server
	streams  map[string]func(net.Conn, []byte, *core.Request) // by path
	handlers map[string]websockets.HandlerFunc                // by path
	raw      *websockets.Server                               // of streams that have no HTTP server
	tap      func(transport.Stream) transport.Stream          // of such a stream
}

// newPlayground makes one. With inspect, the page can watch its connections.
func newPlayground(o *websockets.Options, inspect bool, log *slog.Logger) *playground {
	mux := http.NewServeMux()
	p := &playground{
		Handler:  mux,
		streams:  make(map[string]func(net.Conn, []byte, *core.Request)),
		handlers: make(map[string]websockets.HandlerFunc),
	}
	insp := newInspector()
	handle := func(path string, h websockets.HandlerFunc) {
		p.handlers[path] = logged(h, log)
		s := p.socket(p.handlers[path], o)
		p.streams[path] = onStream(s, insp, inspect)
		if inspect {
			mux.Handle(path, insp.tapped(s))
		} else {
			mux.Handle(path, s)
		}
	}
	mux.HandleFunc("GET /{$}", pageHandler(inspect, log))
	handle("/echo", echo)
	handle("/chat", newRoom(log).serve)
	if inspect {
		watch := p.socket(insp.serve, onlyOurPage(o))
		p.streams["/inspect"] = onStream(watch, insp, false)
		mux.Handle("/inspect", watch)
	}
	p.raw = p.socket(p.byPath, p.knownPaths(o))
	p.tap = func(s transport.Stream) transport.Stream { return s }
	if inspect {
		p.tap = insp.tapStream
	}
	return p
}

// byPath serves a WebSocket on a stream of its own.
func (p *playground) byPath(ctx context.Context, c *websockets.Conn) error {
	return p.handlers[c.Request().URL.Path](ctx, c)
}

// knownPaths is o for byPath.
func (p *playground) knownPaths(o *websockets.Options) *websockets.Options {
	known := *o
	accept := o.AcceptConnection
	known.AcceptConnection = func(r *http.Request) bool {
		return p.handlers[r.URL.Path] != nil && (accept == nil || accept(r))
	}
	known.AccessDenied = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.handlers[r.URL.Path] == nil {
			http.NotFound(w, r)
			return
		}
		http.Error(w, "a page of another origin", http.StatusForbidden)
	})
	return &known
}

// serveStreams serves the streams of l, each of which is a WebSocket.
func (p *playground) serveStreams(l websockets.Listener) error {
	return p.raw.Serve(tappedListener{l, p.tap})
}

// onStream serves WebSockets as s does, without an HTTP server: the handshake is done
// on the stream.
func onStream(s *websockets.Server, i *inspector, tapped bool) func(net.Conn, []byte, *core.Request) {
	return func(conn net.Conn, early []byte, r *core.Request) {
		stream, err := tcp.FromConn(conn, early)
		if err != nil {
			conn.Close()
			return
		}
		if !tapped {
			s.ServeStream(context.Background(), stream)
			return
		}
		t := i.tap(stream, opening{target: r.Target, peer: conn.RemoteAddr().String(), carrier: "HTTP/1.1"})
		s.ServeStream(context.WithValue(context.Background(), tapKey{}, t), t)
	}
}

// route finds who serves a handshake, nil if nobody does.
func (p *playground) route(r *core.Request) opener {
	u, err := url.ParseRequestURI(r.Path())
	if err != nil {
		return nil
	}
	serve := p.streams[u.Path]
	if serve == nil {
		return nil
	}
	return func(conn net.Conn, early []byte) { serve(conn, early, r) }
}

// refuse answers what is no HTTP. Every server does so alike, and calls no handler.
func (p *playground) refuse(conn net.Conn, early []byte) {
	onStream(p.sockets[0], nil, false)(conn, early, nil)
}

func (p *playground) socket(h websockets.HandlerFunc, o *websockets.Options) *websockets.Server {
	s := websockets.Handle(h, o)
	p.sockets = append(p.sockets, s)
	return s
}

// onlyOurPage is o for what no other page may see, strict or not.
func onlyOurPage(o *websockets.Options) *websockets.Options {
	ours := *o
	ours.AcceptConnection = websockets.SameOrigin
	ours.DropIncomingPings = websockets.Off
	return &ours
}

// shutdown closes all sockets with 1001.
func (p *playground) shutdown(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range p.sockets {
		wg.Go(func() { s.Shutdown(ctx) })
	}
	wg.Wait()
	return ctx.Err()
}

// logged logs how connections begin and end.
func logged(h websockets.HandlerFunc, log *slog.Logger) websockets.HandlerFunc {
	return func(ctx context.Context, c *websockets.Conn) error {
		log := log.With("path", c.Request().URL.Path, "peer", peerOf(ctx, c), "over", carrierOf(c.Request()))
		if c.Compressed() {
			log = log.With("deflate", true)
		}
		log.Info("opened")
		err := h(ctx, c)
		log.Info("ended", "how", err)
		if t := tapOf(ctx); t != nil {
			t.note(err.Error())
		}
		return err
	}
}

// peerOf returns the address of the client.
func peerOf(ctx context.Context, c *websockets.Conn) string {
	if t := tapOf(ctx); t != nil {
		return t.peer
	}
	return c.Request().RemoteAddr
}

// carrierOf tells what carries a request.
func carrierOf(r *http.Request) string {
	switch {
	case r.TLS != nil && r.TLS.NegotiatedProtocol == quic.ALPN:
		return "QUIC"
	case r.ProtoMajor == 1:
		return "HTTP/1.1"
	}
	return fmt.Sprintf("HTTP/%d", r.ProtoMajor)
}

// echo sends every message back.
func echo(ctx context.Context, c *websockets.Conn) error {
	const keep = 64 << 10 // a larger buffer is not kept for the next message
	var buf []byte
	for {
		typ, p, err := c.ReceiveInto(ctx, buf[:0])
		if err != nil {
			return err
		}
		if err := c.Send(ctx, typ, p); err != nil {
			return err
		}
		if buf = p; cap(buf) > keep {
			buf = nil
		}
	}
}
