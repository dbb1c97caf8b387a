package main

import (
	"context"
	"sync"

	"github.com/fb1e3c20/websockets"
)

const (
	maxQueued  = 4 << 20 // bytes that wait for one member; one message may exceed it
	pacedFrom  = maxQueued / 2
	perMessage = 64 // bytes that a queued message counts besides its content
)

// A message is shared by the queues of all members and never changed.
type message struct {
	typ websockets.MessageType
	p   []byte
}

func (m message) cost() int { return len(m.p) + perMessage }

// A member of a room has a bounded queue, which one goroutine sends.
type member struct {
	conn *websockets.Conn
	peer string // address of the client
	work sync.WaitGroup
	gone chan struct{} // closed when nothing is sent any more

	mu     sync.Mutex
	queue  []message
	queued int           // bytes in queue and in what is being sent
	filled chan struct{} // of one: the queue has grown
	lower  chan struct{} // of one: the queue has shrunk
}

func newMember(c *websockets.Conn, peer string) *member {
	return &member{
		conn:   c,
		peer:   peer,
		gone:   make(chan struct{}),
		filled: make(chan struct{}, 1),
		lower:  make(chan struct{}, 1),
	}
}

// enqueue reports false if too much is waiting already.
func (m *member) enqueue(msg message) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.queued >= maxQueued {
		return false
	}
	m.queued += msg.cost()
	m.queue = append(m.queue, msg)
	wake(m.filled)
	return true
}

// send sends what is queued until the connection or ctx has ended.
func (m *member) send(ctx context.Context) {
	defer close(m.gone)
	for {
		select {
		case <-m.filled:
		case <-ctx.Done():
			return
		}
		for _, msg := range m.take() {
			if m.conn.Send(ctx, msg.typ, msg.p) != nil {
				return
			}
			m.sent(msg)
		}
	}
}

func (m *member) take() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.queue
	m.queue = nil
	return taken
}

func (m *member) sent(msg message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queued -= msg.cost()
	wake(m.lower)
}

// pace holds a member back that says more than it takes itself, and so keeps it
// from flooding the others.
func (m *member) pace() {
	for m.backlog() > pacedFrom {
		select {
		case <-m.lower:
		case <-m.gone:
			return
		}
	}
}

func (m *member) backlog() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queued
}

// wake leaves a sign in a channel of one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
