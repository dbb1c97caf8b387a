package raw

import "sync/atomic"

// A Crowd is connections that rest: all of them together take one goroutine, and a few
// bytes each. It answers pings, and can send them.
type Crowd struct {
	server Target
	crowdSockets

	open, lost, pings atomic.Int64
}

// NewCrowd returns a Crowd without connections to a server, whose address is one of IPv4.
func NewCrowd(server Target) *Crowd { return &Crowd{server: server} }

// CrowdStats are what a Crowd tells.
type CrowdStats struct {
	Open  int64
	Lost  int64 // that the server has ended, or that said what they should not
	Pings int64 // that were answered, by either side
}

// Stats may be called by any goroutine.
func (c *Crowd) Stats() CrowdStats {
	return CrowdStats{c.open.Load(), c.lost.Load(), c.pings.Load()}
}
