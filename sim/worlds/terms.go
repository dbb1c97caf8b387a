package worlds

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/sim"
)

// A rule is something that always holds and is checked where it could be
// broken.
type rule struct{ err error }

func always(w *sim.World, name string) *rule {
	r := &rule{}
	w.Always(name, func() error { return r.err })
	return r
}

func (r *rule) broken(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// A mark is something that must happen in some run.
type mark bool

func sometimes(w *sim.World, name string) *mark {
	m := new(mark)
	w.Sometimes(name, func() bool { return bool(*m) })
	return m
}

func (m *mark) when(reached bool) { *m = *m || mark(reached) }

// people are the names of clients.
var people = [...]string{"ann", "bob", "cid", "dan", "eve", "fay"}

// network chooses what carries the connections of the nodes that follow, and whether
// they compress.
func network(w *sim.World) {
	carriers(w)
	sometimesCompressed(w, 6)
}

// carriers chooses what carries the connections of the nodes that follow.
func carriers(w *sim.World) {
	over(w, sim.TCP, sim.QUICStream, sim.Pipe, sim.TLS, sim.HTTP2, sim.HTTP3)
}

// over chooses one of these.
func over(w *sim.World, carriers ...func() sim.Link) {
	w.Link = carriers[w.Choose("carrier", len(carriers))]()
}

// bare chooses whether the connections of n begin with a handshake over HTTP/1.1, and
// how n compresses. HTTP/2 and HTTP/3 have handshakes of their own.
func bare(n *sim.Node) {
	policy(n)
	c := n.Link.Carrier
	n.Bare = n.World().Choose("bare", 3) == 2 || c == sim.CarrierHTTP2 || c == sim.CarrierHTTP3
}

// pick chooses one of the list for an application.
func pick[T any](n *sim.Node, list ...T) T { return list[n.Choose(len(list))] }

// text returns size bytes that differ with name and number.
func text(name string, number, size int) []byte {
	p := fmt.Appendf(nil, "%s %d:", name, number)
	for i := len(p); i < size; i++ {
		p = append(p, 'a'+byte((i+number)%26))
	}
	return p
}

// redial is how long a client waits before it dials again.
func redial(n *sim.Node) time.Duration {
	return pick(n, time.Second, 10*time.Millisecond, 5*time.Second)
}

// unless returns an error unless ok.
func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}
