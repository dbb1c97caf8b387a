package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/fb1e3c20/websockets"
)

// A room sends every message to all of its members, the sender included, in the
// same order to each. Nobody waits for a slow member: one that falls too far
// behind is dropped.
type room struct {
	log *slog.Logger

	mu      sync.Mutex
	members map[*member]struct{}
}

func newRoom(log *slog.Logger) *room {
	return &room{log: log, members: make(map[*member]struct{})}
}

// serve has a connection be a member until it ends.
func (r *room) serve(ctx context.Context, c *websockets.Conn) error {
	m := newMember(c, peerOf(ctx, c))
	defer m.work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.work.Go(func() { m.send(ctx) })
	r.join(m)
	defer r.leave(m)
	for {
		typ, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		r.broadcast(message{typ, p})
		m.pace()
	}
}

func (r *room) join(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[m] = struct{}{}
}

func (r *room) leave(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, m)
}

// broadcast queues a message for every member and waits for none.
func (r *room) broadcast(msg message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for m := range r.members {
		if m.enqueue(msg) {
			continue
		}
		delete(r.members, m)
		r.log.Warn("dropped from the chat for reading too slowly", "peer", m.peer)
		m.work.Go(func() { m.conn.Close(websockets.TryAgainLater, "dropped: reads too slowly") })
	}
}
