package http3_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"

	"github.com/fb1e3c20/websockets/transport/http3"
)

// priorities records those of the streams of a connection.
type priorities struct {
	mu  sync.Mutex
	now map[quicgo.StreamID]qlog.StreamPriorityUpdated
}

func (p *priorities) AddProducer() qlogwriter.Recorder { return p }
func (p *priorities) SupportsSchemas(string) bool      { return true }
func (p *priorities) Close() error                     { return nil }

func (p *priorities) RecordEvent(e qlogwriter.Event) {
	if e, ok := e.(qlog.StreamPriorityUpdated); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now[e.StreamID] = e
	}
}

// Sockets take turns, also those of a client that has said of another stream that it
// need not, but not against its will.
func TestSocketsTakeTurns(t *testing.T) {
	p := &priorities{now: make(map[quicgo.StreamID]qlog.StreamPriorityUpdated)}
	s := serve(t, nil, func(s *h3.Server) {
		s.QUICConfig = &quicgo.Config{Tracer: func(context.Context, bool, quicgo.ConnectionID) qlogwriter.Trace { return p }}
	})
	d := &http3.Dialer{}
	for _, priority := range []string{"u=1", ""} {
		r := request(s.addr, "/")
		r.Header = http.Header{"Priority": {priority}}
		if priority == "" {
			r.Header = nil
		}
		stream, _, err := d.OpenStream(t.Context(), r, clientTLS())
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Abort()
		s.accept(t)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := p.now[0]; got.Urgency != 1 || got.Incremental {
		t.Errorf("the client's wish became %+v", got)
	}
	if got := p.now[4]; got.Urgency != 3 || !got.Incremental {
		t.Errorf("the socket of which it said nothing got %+v", got)
	}
}
