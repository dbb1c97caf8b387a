package main

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets"
)

// Bounds of what waits for one watcher, and how long it gathers: under load one
// message carries many events.
const (
	maxEvents    = 4096
	gatherEvents = 25 * time.Millisecond
)

// An event is something that happened on a connection, as /inspect tells it:
// each of its messages is a JSON array of events.
type event struct {
	Kind      string  `json:"kind"`                // open, head, frame, more, broken, note, end, missed
	At        float64 `json:"at"`                  // milliseconds since 1970
	Conn      uint64  `json:"conn,omitzero"`       // number of the connection
	Direction string  `json:"direction,omitempty"` // in: from the client; out: to it
	Target    string  `json:"target,omitempty"`    // open: path and query
	Peer      string  `json:"peer,omitempty"`      // open: address of the client
	Carrier   string  `json:"carrier,omitempty"`   // open: HTTP/1.1, HTTP/2, HTTP/3 or QUIC
	Head      string  `json:"head,omitempty"`      // head: the HTTP request or response
	Opcode    uint8   `json:"opcode,omitzero"`     // frame, as are the next five
	Fin       bool    `json:"fin,omitzero"`        //
	Reserved  uint8   `json:"rsv,omitzero"`        // 4: RSV1, 2: RSV2, 1: RSV3
	Masked    bool    `json:"masked,omitzero"`     //
	Length    int64   `json:"length,omitzero"`     // of the payload
	Data      []byte  `json:"data,omitempty"`      // base64: the beginning of the payload; in more, what follows it
	Text      string  `json:"text,omitempty"`      // broken, note, end: what happened
	Missed    int     `json:"missed,omitzero"`     // missed: how many events the watcher was too slow for
}

// An inspector tells watchers what happens on the connections that it taps.
// Nobody waits for a watcher: one that is too slow misses events.
type inspector struct {
	lastConn atomic.Uint64
	audience atomic.Int32 // len(watchers), to look at without the lock

	mu       sync.Mutex
	open     map[uint64]event // of the open connections, the event that told so
	watchers map[*watcher]struct{}
}

func newInspector() *inspector {
	return &inspector{open: make(map[uint64]event), watchers: make(map[*watcher]struct{})}
}

func (i *inspector) watched() bool { return i.audience.Load() > 0 }

// publish tells all watchers.
func (i *inspector) publish(e event) {
	e.At = float64(time.Now().UnixMicro()) / 1000
	i.mu.Lock()
	defer i.mu.Unlock()
	switch e.Kind {
	case "open":
		i.open[e.Conn] = e
	case "end":
		delete(i.open, e.Conn)
	}
	for w := range i.watchers {
		w.push(e)
	}
}

// serve is the handler of /inspect: it tells which connections are open, and
// from then on what happens.
func (i *inspector) serve(ctx context.Context, c *websockets.Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for {
			if _, _, err := c.Receive(ctx); err != nil {
				cancel(err)
				return
			}
		}
	}()
	w := i.watch()
	defer i.unwatch(w)
	for {
		events, err := w.next(ctx)
		if err != nil {
			return err
		}
		p, err := json.Marshal(events)
		if err != nil {
			return err
		}
		if err := c.Send(ctx, websockets.Text, p); err != nil {
			return err
		}
	}
}

func (i *inspector) watch() *watcher {
	i.mu.Lock()
	defer i.mu.Unlock()
	w := &watcher{news: make(chan struct{}, 1)}
	for _, e := range i.open {
		w.push(e)
	}
	slices.SortFunc(w.events, func(a, b event) int { return int(a.Conn) - int(b.Conn) })
	i.watchers[w] = struct{}{}
	i.audience.Add(1)
	return w
}

func (i *inspector) unwatch(w *watcher) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.watchers, w)
	i.audience.Add(-1)
}

// A watcher is one connection to /inspect.
type watcher struct {
	news chan struct{} // of one: there are events

	mu     sync.Mutex
	events []event
	missed int
}

func (w *watcher) push(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) >= maxEvents {
		w.missed++
		return
	}
	w.events = append(w.events, e)
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// next waits for events and returns those of a moment.
func (w *watcher) next(ctx context.Context) ([]event, error) {
	select {
	case <-w.news:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case <-time.After(gatherEvents):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.news: // of events that are taken now
	default:
	}
	events := w.events
	if w.missed > 0 {
		events = append(events, event{Kind: "missed", At: float64(time.Now().UnixMicro()) / 1000, Missed: w.missed})
	}
	w.events, w.missed = nil, 0
	return events, nil
}
