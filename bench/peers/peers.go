// Package peers has echo servers of WebSocket libraries, each as its documentation has
// a fast one: buffers are used again where the library lets one, the fast level of
// compression is set, and every message is compressed, however short.
package peers

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/fb1e3c20/websockets/bench/raw"
)

// A Peer is a library.
type Peer struct {
	Name   string
	Module string

	// Modes are the names of those that it has.
	Modes []string

	// Serve sends back what comes on the connections of a TCP listener. It returns
	// only with an error.
	Serve func(l net.Listener, mode raw.Mode) error
}

// Has reports whether the library has the mode.
func (p *Peer) Has(mode raw.Mode) bool { return slices.Contains(p.Modes, mode.Name) }

// All returns all peers, this library first.
func All() []*Peer {
	return []*Peer{
		{"websockets", "github.com/fb1e3c20/websockets", []string{"off", "nct", "ct12", "ct15"}, serveWebsockets},
		{"websockets-5", "github.com/fb1e3c20/websockets", []string{"ct12"}, serveWebsockets5},
		{"gws", "github.com/lxzan/gws", []string{"off", "nct", "ct12", "ct15"}, serveGws},
		{"coder", "github.com/coder/websocket", []string{"off", "nct", "ct15"}, serveCoder},
		{"gorilla", "github.com/gorilla/websocket", []string{"off", "nct"}, serveGorilla},
		{"fasthttp", "github.com/fasthttp/websocket", []string{"off", "nct"}, serveFasthttp},
		{"gobwas", "github.com/gobwas/ws", []string{"off", "nct"}, serveGobwas},
		{"nbio", "github.com/lesismal/nbio", []string{"off", "nct"}, serveNbio},
	}
}

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

// maxMessage is what every server accepts at least, in bytes.
const maxMessage = 2 << 20
