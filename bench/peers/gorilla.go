package peers

import (
	"bytes"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveGorilla(l net.Listener, mode raw.Mode) error {
	upgrader := &websocket.Upgrader{EnableCompression: mode.Compresses(), WriteBufferPool: &sync.Pool{}}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		c.SetReadLimit(maxMessage)
		var buf bytes.Buffer
		for {
			typ, message, err := c.NextReader()
			if err != nil {
				return
			}
			if _, err := buf.ReadFrom(message); err != nil {
				return
			}
			if err := c.WriteMessage(typ, buf.Bytes()); err != nil {
				return
			}
			buf.Reset()
		}
	}))
}

func broadcastGorilla(l net.Listener) error {
	var all members[*gorillaMember]
	upgrader := &websocket.Upgrader{WriteBufferPool: &sync.Pool{}}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		me := &gorillaMember{c: c}
		defer all.join(me)()
		if err := me.greet(); err != nil {
			return
		}
		for {
			typ, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			message, err := websocket.NewPreparedMessage(typ, p)
			if err != nil {
				return
			}
			all.each(func(m *gorillaMember) { m.send(message) }) // its own handler sees an error
		}
	}))
}

// A gorillaMember lets one write at a time, as the library asks for.
type gorillaMember struct {
	mu sync.Mutex
	c  *websocket.Conn
}

func (m *gorillaMember) send(message *websocket.PreparedMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.c.WritePreparedMessage(message)
}

func (m *gorillaMember) greet() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.c.WriteMessage(websocket.TextMessage, []byte(Greeting))
}
