package main

import (
	"context"

	"github.com/fb1e3c20/websockets"
)

// maxQueued is how many messages may wait for a member, behind the 64 KiB that
// its connection keeps. It is enough for a whole room to come at once; and a
// queue is small, for its messages are in the queues of all the others too.
const maxQueued = maxMembers + 56

// A member of a room is told what happens at the speed at which it reads.
type member struct {
	conn  *websockets.Conn
	room  *room
	name  string
	queue chan *websockets.Prepared
}

func newMember(c *websockets.Conn) *member {
	return &member{conn: c, queue: make(chan *websockets.Prepared, maxQueued)}
}

// enqueue reports whether there was room.
func (m *member) enqueue(message *websockets.Prepared) bool {
	select {
	case m.queue <- message:
		return true
	default:
		return false
	}
}

// send sends what is queued until the connection or ctx ends.
func (m *member) send(ctx context.Context) {
	for {
		select {
		case message := <-m.queue:
			if m.conn.SendPrepared(ctx, message) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// drop closes the connection of a member that reads too slowly. Nobody waits for
// that.
func (m *member) drop() {
	go m.conn.Close(websockets.TryAgainLater, "you read too slowly")
}
