package transport

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
)

// pingWait is a Ping that waits for its pong.
type pingWait struct {
	id   uint64
	sent clock.Time
	rtt  chan time.Duration // closed without a value when the connection ends
}

const pingSize = 8 // the payload of our pings: a number

// pongMatch puts a pong's payload together, as far as it can be one of ours.
type pongMatch struct {
	payload [pingSize]byte
	n       int // of the whole payload, up to one more than pingSize
}

// Ping sends a ping and waits for its pong; it returns the time between
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2). It needs no Receive
// to be under way; without one the time is exact to a millisecond, and to 32
// when it is longer than a quarter of a second. ctx bounds the wait.
func (c *Conn) Ping(ctx context.Context) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	if err := c.awaitRoom(ctx, headerRoom+pingSize); err != nil {
		c.mu.Unlock()
		return 0, err
	}
	c.pingID++
	wait := &pingWait{id: c.pingID, sent: c.clk.Now(), rtt: make(chan time.Duration, 1)}
	var payload [pingSize]byte
	binary.BigEndian.PutUint64(payload[:], wait.id)
	p, err := c.m.AppendPing(c.out.room(headerRoom+pingSize), payload[:])
	if err != nil {
		c.releaseIfEmpty()
		err = c.misuse(err)
		c.mu.Unlock()
		return 0, err
	}
	c.out.set(p)
	c.pings = append(c.pings, wait)
	c.looks = 0
	c.flush()
	c.rearm()
	c.lookSoon()
	c.mu.Unlock()

	select {
	case rtt, ok := <-wait.rtt:
		if !ok {
			return 0, c.Err()
		}
		return rtt, nil
	case <-ctx.Done():
		c.forgetPing(wait)
		return 0, ctx.Err()
	}
}

func (c *Conn) forgetPing(wait *pingWait) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.pings {
		if w == wait {
			c.pings = append(c.pings[:i], c.pings[i+1:]...)
			return
		}
	}
}

// matchPong takes a chunk of a pong. A pong answers its ping and those before:
// a peer may answer only the latest
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3).
func (c *Conn) matchPong(ev core.Event) {
	if ev.First {
		c.pong.n = 0
	}
	copy(c.pong.payload[min(c.pong.n, pingSize):], ev.Data)
	c.pong.n = min(c.pong.n+len(ev.Data), pingSize+1)
	if ev.Last {
		c.stats.PongsReceived++
	}
	if !ev.Last || c.pong.n != pingSize {
		return
	}
	id := binary.BigEndian.Uint64(c.pong.payload[:])
	now := c.clk.Now()
	for len(c.pings) > 0 && c.pings[0].id <= id && id <= c.pingID {
		c.stats.RoundTrip = now.Sub(c.pings[0].sent)
		c.pings[0].rtt <- c.stats.RoundTrip
		c.pings = c.pings[1:]
	}
	if len(c.pings) == 0 {
		c.pings = nil
	}
}

func (c *Conn) failPings() {
	for _, w := range c.pings {
		close(w.rtt)
	}
	c.pings = nil
}
