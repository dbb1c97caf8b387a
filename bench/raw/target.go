package raw

// A Target is a server.
type Target struct {
	Addr string // of TCP

	// Plain servers know no WebSocket: they send back the bytes that come, those of
	// the handshake too.
	Plain bool
}
