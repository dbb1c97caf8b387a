package transport

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
)

// pings is what is known of the pings of the application.
type pings struct {
	waiting []*pingWait
	id      uint64        // of the latest
	looks   int           // of the attendant, since then
	pong    pongMatch     // of the pong that comes in
	rtt     time.Duration // what was measured last
}

// pingWait is a Ping that waits for its pong.
type pingWait struct {
	id   uint64
	sent clock.Time
	rtt  chan time.Duration // closed without a value when the connection ends
}

// wait reports whether a Ping waits.
func (p *pings) wait() bool { return p != nil && len(p.waiting) > 0 }

func (p *pings) roundTrip() time.Duration {
	if p == nil {
		return 0
	}
	return p.rtt
}

// A pong is looked for at each of the first visits, and then at some.
const (
	manyLooks = 256
	fewLooks  = 32 // of so many, one
)

func (p *pings) look() bool {
	p.looks++
	return p.looks < manyLooks || p.looks%fewLooks == 0
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
	if c.pings == nil {
		c.pings = &pings{pong: pongMatch{n: pingSize + 1}} // one that has begun answers nothing
	}
	c.pings.id++
	wait := &pingWait{id: c.pings.id, sent: c.now(), rtt: make(chan time.Duration, 1)}
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
	c.pings.waiting = append(c.pings.waiting, wait)
	c.pings.looks = 0
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
	p := c.pings
	if i := slices.Index(p.waiting, wait); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
}

// matchPong takes a chunk of a pong. A pong answers its ping and those before:
// a peer may answer only the latest
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3).
func (c *Conn) matchPong(ev core.Event) {
	if ev.Last {
		c.stats.PongsReceived++
	}
	if p := c.pings; p != nil && p.pong.add(ev) {
		p.answered(binary.BigEndian.Uint64(p.pong.payload[:]), c.now())
	}
}

// add takes a chunk of a pong. It reports whether that was the last one of what can be
// one of ours.
func (m *pongMatch) add(ev core.Event) bool {
	if ev.First {
		m.n = 0
	}
	copy(m.payload[min(m.n, pingSize):], ev.Data)
	m.n = min(m.n+len(ev.Data), pingSize+1)
	return ev.Last && m.n == pingSize
}

func (p *pings) answered(id uint64, now clock.Time) {
	for len(p.waiting) > 0 && p.waiting[0].id <= id && id <= p.id {
		p.rtt = now.Sub(p.waiting[0].sent)
		p.waiting[0].rtt <- p.rtt
		p.waiting = p.waiting[1:]
	}
	if len(p.waiting) == 0 {
		p.waiting = nil
	}
}

func (p *pings) fail() {
	if p == nil {
		return
	}
	for _, w := range p.waiting {
		close(w.rtt)
	}
	p.waiting = nil
}
