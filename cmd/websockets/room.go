package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/fb1e3c20/websockets"
)

// Bounds of what waits for one member of a room. A member that falls further
// behind is dropped, so that nobody holds up the others.
const (
	maxQueuedMessages = 1024
	maxQueuedBytes    = 4 << 20 // and one message
)

// A room sends every message to all of its members, the sender included, in the
// same order to each.
type room struct {
	log *slog.Logger

	mu      sync.Mutex
	members map[*member]struct{}
}

// A message is shared by the queues of all members and never changed.
type message struct {
	typ websockets.MessageType
	p   []byte
}

type member struct {
	conn   *websockets.Conn
	peer   string // address of the client
	queue  chan message
	queued atomic.Int64 // bytes in queue
	work   sync.WaitGroup
}

func newRoom(log *slog.Logger) *room {
	return &room{log: log, members: make(map[*member]struct{})}
}

// serve has a connection be a member until it ends.
func (r *room) serve(ctx context.Context, c *websockets.Conn) error {
	m := &member{conn: c, peer: peerOf(ctx, c), queue: make(chan message, maxQueuedMessages)}
	r.join(m)
	defer m.work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer r.leave(m)
	m.work.Go(func() { m.send(ctx) })
	for {
		typ, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		r.broadcast(message{typ, p})
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

func (m *member) enqueue(msg message) bool {
	if m.queued.Load() > maxQueuedBytes {
		return false
	}
	m.queued.Add(int64(len(msg.p)))
	select {
	case m.queue <- msg:
		return true
	default:
		return false
	}
}

// send sends what is queued until the connection or ctx has ended.
func (m *member) send(ctx context.Context) {
	for {
		select {
		case msg := <-m.queue:
			if m.conn.Send(ctx, msg.typ, msg.p) != nil {
				return
			}
			m.queued.Add(-int64(len(msg.p)))
		case <-ctx.Done():
			return
		}
	}
}
