package quicconn

import (
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

// silence is how long a connection may say nothing to a request before it is doubted.
const silence = time.Second

// A Pulse doubts a connection that says nothing. The zero Pulse is ready; its method
// may be called from any goroutine.
type Pulse struct {
	mu      sync.Mutex
	since   time.Time
	packets uint64
}

// Beats is called before each request on c. It returns false if nothing at all has
// come for as long as an earlier request has waited, a second at least: c may be dead,
// and new requests are better off on another connection.
func (p *Pulse) Beats(c *quicgo.Conn) bool {
	return p.beats(c.ConnectionStats().PacketsReceived, time.Now())
}

func (p *Pulse) beats(packets uint64, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() || packets != p.packets {
		p.since, p.packets = now, packets
		return true
	}
	return now.Sub(p.since) < silence
}
