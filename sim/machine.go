package sim

import (
	"fmt"
	"slices"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A MachineFunc makes the machines of a world's connections: the native core is
// one such. bare tells that the handshake was done elsewhere; cfg.Compression then is
// what that has agreed on. A machine that is a
// [transport.Releaser] is released when its connection is over, and at the latest
// when the run is.
type MachineFunc func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error)

// MachineOf has f make the machines, as Options.Machine of package websockets
// does.
func MachineOf(f func(flight.Birth) (transport.Machine, error)) MachineFunc {
	return func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		set, err := core.NewSettings(cfg)
		if err != nil {
			return nil, err
		}
		b := flight.Birth{Role: role, Open: bare, Now: now, Settings: set, Request: core.RequestOptions{Host: "sim"}}
		if bare && cfg.Compression != nil {
			p := bareParams(cfg.Compression)
			b.Compression = &p
		}
		return f(b)
	}
}

// nativeMachine makes native cores.
var nativeMachine = MachineOf(flight.Birth.Machine)

// machine makes the machine of c, under observation.
func (w *World) machine(c *Conn, cfg core.Config, bare bool) (transport.Machine, error) {
	if p := c.node.puppet; p != nil {
		return newPuppetConn(p, c, bare).machine(), nil
	}
	entropy := newEntropyLog(cfg.Entropy)
	cfg.Entropy = entropy.draw
	now := c.node.Now()
	m, err := w.newMachine(c.role, cfg, now, bare)
	if err != nil {
		return nil, err
	}
	if r, ok := m.(transport.Releaser); ok {
		c.lease = r
		w.leased = append(w.leased, c)
	}
	if w.unwatched {
		return m, nil
	}
	return newWitness(m, c.role, cfg, now, bare, entropy, func(oracle string, err error) {
		w.violate("core: "+oracle, fmt.Errorf("%s: %w", c.name, err))
	}), nil
}

// endLease releases the machine of a connection that is over.
func (w *World) endLease(c *Conn) {
	r := c.lease
	if r == nil {
		return
	}
	c.lease = nil
	w.leased = slices.DeleteFunc(w.leased, func(other *Conn) bool { return other == c })
	r.Release()
}

// endLeases releases what is left when the run is over.
func (w *World) endLeases() {
	for len(w.leased) > 0 {
		w.endLease(w.leased[0])
	}
}
