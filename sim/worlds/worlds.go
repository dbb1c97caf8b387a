// Package worlds has the worlds that come with the simulator: small networks
// whose applications, faults and properties exercise all of the protocol. The
// command websockets sim runs them:
//
//	websockets sim --world echo,chat --runs 100000
//
// Each is a page of code, and an example of how to write a world of one's own:
// what the nodes do, what must always hold, what must hold in the end, and what
// must have happened in some run for the others to mean anything.
//
// On top of what a world states by itself, the simulator compares every call of
// the protocol core with a second account of the protocol, and every message
// that arrives with what was sent.
package worlds

import (
	"slices"

	"github.com/fb1e3c20/websockets/sim"
)

// A World is a simulated network of a name.
type World struct {
	Name  string
	About string // in one line
	Build func(*sim.World)
}

var all = []World{
	{"echo", "clients get back what they send, whatever its size", echo},
	{"chat", "a room tells everybody everything in one order; members are slow, leave and come back", chat},
	{"fragments", "messages in fragments cut anywhere, characters included, with pings between", fragments},
	{"limits", "messages as large as they may be, and one byte, frame or fragment more", limits},
	{"compression", "messages that repeat earlier ones, and noise, compressed in every way that two ends can agree on", compression},
	{"flow", "more than fits, both ways, to applications that stop reading", flow},
	{"closing", "both ends close whenever they like, with codes and reasons", closing},
	{"timeouts", "silent applications and every setting of the timers", timeouts},
	{"reconnect", "sessions that outlive their connections: nothing is lost, nothing comes twice", reconnect},
	{"handshake", "dials to servers that are down, that come up late and that go down meanwhile", handshake},
	{"hostile", "peers that break every rule, against ends that break none", hostile},
}

// All returns the worlds, in the order in which they are run.
func All() []World { return slices.Clone(all) }

// Named returns the world of that name, one of [All] or of [Small].
func Named(name string) (World, bool) {
	for _, list := range [...][]World{all, small} {
		if i := slices.IndexFunc(list, func(w World) bool { return w.Name == name }); i >= 0 {
			return list[i], true
		}
	}
	return World{}, false
}
