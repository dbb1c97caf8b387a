package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/fb1e3c20/websockets"
)

// playground is what websockets serve serves.
type playground struct {
	http.Handler
	sockets []*websockets.Server
}

func newPlayground(o *websockets.Options, log *slog.Logger) *playground {
	mux := http.NewServeMux()
	p := &playground{Handler: mux}
	handle := func(path string, h websockets.HandlerFunc) {
		s := websockets.Handle(logged(h, log), o)
		p.sockets = append(p.sockets, s)
		mux.Handle(path, s)
	}
	mux.HandleFunc("GET /{$}", servePage)
	handle("/echo", echo)
	handle("/chat", newRoom(log).serve)
	return p
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
		log := log.With("path", c.Request().URL.Path, "peer", c.Request().RemoteAddr)
		log.Info("opened")
		err := h(ctx, c)
		log.Info("ended", "how", err)
		return err
	}
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
