// Package peers has echo servers of WebSocket libraries, each as its documentation has
// a fast one: buffers are used again where the library lets one, the fast level of
// compression is set, and every message is compressed, however short. Beside them are
// two servers without a library, which are what any library must cost.
package peers

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/bench/raw"
)

// A Peer is a library.
type Peer struct {
	Name   string
	Module string

	// Plain peers send back bytes and know no WebSocket.
	Plain bool

	// Modes are the names of those that it has.
	Modes []string

	// Serve sends back what comes on the connections of a TCP listener. It returns
	// only with an error.
	Serve func(l net.Listener, mode raw.Mode) error

	// Broadcast sends what comes on a connection to all of them, in the way that the
	// library has for one message to many; nil if it has none. It sends Greeting to
	// each connection that will get what comes from then on.
	Broadcast func(l net.Listener) error

	// Hold is Serve, with pings of the server's own to each connection; nil if the
	// library leaves that to the application.
	Hold func(l net.Listener, ping time.Duration) error
}

// Has reports whether the library has the mode.
func (p *Peer) Has(mode raw.Mode) bool { return slices.Contains(p.Modes, mode.Name) }

// All returns all peers, this library first.
func All() []*Peer {
	all, most, few, off := []string{"off", "nct", "ct12", "ct15"}, []string{"off", "nct", "ct15"}, []string{"off", "nct"}, []string{"off"}
	return append([]*Peer{
		{Name: "websockets", Module: own, Modes: all, Serve: serveWebsockets, Broadcast: broadcastWebsockets, Hold: holdWebsockets},
		{Name: "websockets-evented", Module: own, Modes: all, Serve: serveEvented, Broadcast: broadcastEvented, Hold: holdEvented},
		{Name: "websockets-5", Module: own, Modes: []string{"ct12"}, Serve: serveWebsockets5},
		{Name: "gws", Module: "github.com/lxzan/gws", Modes: all, Serve: serveGws, Broadcast: broadcastGws},
		{Name: "coder", Module: "github.com/coder/websocket", Modes: most, Serve: serveCoder},
		{Name: "gorilla", Module: "github.com/gorilla/websocket", Modes: few, Serve: serveGorilla, Broadcast: broadcastGorilla},
		{Name: "fasthttp", Module: "github.com/fasthttp/websocket", Modes: few, Serve: serveFasthttp, Broadcast: broadcastFasthttp},
		{Name: "gobwas", Module: "github.com/gobwas/ws", Modes: few, Serve: serveGobwas, Broadcast: broadcastGobwas},
		{Name: "nbio", Module: "github.com/lesismal/nbio", Modes: few, Serve: serveNbio},
		{Name: "rawtcp", Module: "none", Plain: true, Modes: off, Serve: serveRawTCP, Broadcast: broadcastRawTCP},
	}, floor()...)
}

const own = "github.com/fb1e3c20/websockets"

// Of returns the peer with this name.
func Of(name string) (*Peer, error) {
	var names []string
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("no peer %q; there are %s", name, strings.Join(names, ", "))
}

// Greeting is what a server that broadcasts sends first, as a text. From one that is
// plain it is what comes first, the handshake.
const Greeting = "welcome"

// maxMessage is what every server accepts at least, in bytes.
const maxMessage = 17 << 20
