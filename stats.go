package websockets

import "time"

// Stats are the counters of a connection since it was accepted or dialled.
type Stats struct {
	MessagesReceived int64 // taken by Receive, or read to their end
	MessagesSent     int64 // accepted by Send, or completed by a Writer
	PayloadReceived  int64 // bytes of messages
	PayloadSent      int64
	BytesReceived    int64 // everything, with the headers of frames, and the handshake but for that of net/http
	BytesSent        int64 // taken by the network
	PingsReceived    int64
	PongsReceived    int64

	// RoundTrip is what the latest Ping measured; 0 before.
	RoundTrip time.Duration

	// Queued is how many bytes wait for the network now, what a Send that
	// waits is writing included. It stays above 0 when the peer does not read.
	Queued int
}

// Stats returns the counters.
func (c *Conn) Stats() Stats { return Stats(c.t.Stats()) }
