package transport

import "time"

// Stats are the counters of a connection since it was made.
type Stats struct {
	MessagesReceived int64 // taken by Receive, or read to their end
	MessagesSent     int64 // accepted by Send, or completed by a Writer
	PayloadReceived  int64 // bytes of those messages
	PayloadSent      int64
	BytesReceived    int64 // from the carrier: everything, frame headers and a handshake included
	BytesSent        int64 // taken by the carrier
	PingsReceived    int64
	PongsReceived    int64

	// RoundTrip is what the latest Ping measured; 0 before.
	RoundTrip time.Duration

	// Queued is how many bytes wait for the carrier now, what a Send that
	// waits is writing included. It stays above 0 when the peer does not read.
	Queued int
}

// counters are what of [Stats] is counted.
type counters struct {
	MessagesReceived, MessagesSent int64
	PayloadReceived, PayloadSent   int64
	BytesReceived, BytesSent       int64
	PingsReceived, PongsReceived   int64
}

// Stats returns the counters.
func (c *Conn) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := &c.stats
	return Stats{
		MessagesReceived: n.MessagesReceived, MessagesSent: n.MessagesSent,
		PayloadReceived: n.PayloadReceived, PayloadSent: n.PayloadSent,
		BytesReceived: n.BytesReceived, BytesSent: n.BytesSent,
		PingsReceived: n.PingsReceived, PongsReceived: n.PongsReceived,
		RoundTrip: c.pings.roundTrip(),
		Queued:    c.out.len() + c.batch.len() + c.lent,
	}
}
