package peers

import (
	"net"
	"sync"

	"github.com/fb1e3c20/websockets/bench/raw"
)

// rawBuffer is how much a connection of rawtcp reads at a time, in bytes: what
// io.Copy does.
const rawBuffer = 32 << 10

// serveRawTCP sends back bytes: what a goroutine a connection costs at least.
func serveRawTCP(l net.Listener, _ raw.Mode) error {
	return acceptRaw(l, func(c net.Conn) {
		defer c.Close()
		buf := make([]byte, rawBuffer)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
	})
}

// broadcastRawTCP sends what comes first on a connection, the handshake, back to it,
// and all that follows to everybody.
func broadcastRawTCP(l net.Listener) error {
	var all members[net.Conn]
	return acceptRaw(l, func(c net.Conn) {
		defer c.Close()
		buf := make([]byte, rawBuffer)
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		defer all.join(c)()
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			all.each(func(c net.Conn) { c.Write(buf[:n]) }) // its own reader sees that it has ended
		}
	})
}

// acceptRaw serves each connection in a goroutine of its own.
func acceptRaw(l net.Listener, serve func(net.Conn)) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(c)
	}
}

// members are those who get what is broadcast.
type members[C comparable] struct {
	mu  sync.RWMutex
	all map[C]struct{}
}

// join adds c, until leave is called.
func (m *members[C]) join(c C) (leave func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[C]struct{}{}
	}
	m.all[c] = struct{}{}
	return func() { m.leave(c) }
}

func (m *members[C]) leave(c C) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, c)
}

// each calls send for each member.
func (m *members[C]) each(send func(C)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for c := range m.all {
		send(c)
	}
}
