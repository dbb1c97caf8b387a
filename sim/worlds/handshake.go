package worlds

import (
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/sim"
)

// handshake has clients that dial servers which are down at first, go down
// meanwhile, and come up again, over and over: each time a greeting, and anew.
func handshake(w *sim.World) {
	faults := sim.AllFaults
	network(w)
	if w.Choose("hurry", 3) == 2 {
		w.Config.HandshakeTimeout = 2 * time.Second
		faults &^= sim.Delays // an undisturbed handshake needs less
	}
	w.Faults(faults)
	h := &handshakeWorld{
		order:     always(w, "a connection opens, greets and ends, in this order and once"),
		late:      sometimes(w, "a handshake takes too long"),
		lost:      sometimes(w, "a handshake is lost"),
		repeated:  sometimes(w, "a client opens three connections"),
		abandoned: sometimes(w, "a server waits for a head in vain"),
		stages:    make(map[*sim.Conn]handshakeStage),
	}
	for i := range 1 + w.Choose("servers", 2) {
		h.servers = append(h.servers, policy(w.Server([]string{"server", "other"}[i], func() sim.App { return &handshakeServer{h} })))
	}
	for i, server := range h.servers {
		if down := w.Choose("down", 4); down > 0 {
			server.Crash(false)
			server.Restart(time.Duration(down*i+1) * time.Second)
		}
	}
	for i := range 1 + w.Choose("clients", 4) {
		c := &handshakeClient{handshakeWorld: h}
		h.clients = append(h.clients, c)
		policy(w.Client(people[i], h.servers[0], func() sim.App { return c }))
	}
	w.Eventually("every client is greeted by every server", func() error {
		for i, c := range h.clients {
			if c.greeted != 1<<len(h.servers)-1 {
				return unless(false, "%s was not", people[i])
			}
		}
		return nil
	})
	w.Run(30 * time.Second)
	w.Heal()
	for _, c := range h.clients {
		c.greeted = 0
	}
}

type handshakeStage uint8

const (
	dialing handshakeStage = iota
	opened
	greeted
	ended
)

type handshakeWorld struct {
	order                           *rule
	late, lost, repeated, abandoned *mark
	servers                         []*sim.Node
	clients                         []*handshakeClient
	stages                          map[*sim.Conn]handshakeStage
}

// step notes that c comes to a stage, from the one before it or, at its end,
// from any but that.
func (h *handshakeWorld) step(c *sim.Conn, to handshakeStage) {
	from := h.stages[c]
	if to != from+1 && (to != ended || from == ended) {
		h.order.broken("%s goes from stage %d to %d", c.Name(), from, to)
	}
	h.stages[c] = to
}

type handshakeServer struct{ *handshakeWorld }

func (h *handshakeServer) OnTimer(*sim.Node, string) {}

func (h *handshakeServer) OnEvent(_ *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		h.step(ev.Conn, opened)
		ev.Conn.SendText("hello")
	case sim.Closed:
		h.abandoned.when(ev.Err == core.ErrHandshakeTimeout)
		h.step(ev.Conn, ended)
	}
}

// A handshakeClient keeps what it knows over a crash.
type handshakeClient struct {
	*handshakeWorld
	opens   int
	greeted uint // by which servers, a bit for each
}

func (h *handshakeClient) OnEvent(n *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Opened:
		h.step(ev.Conn, opened)
		h.opens++
		h.repeated.when(h.opens == 3)
	case sim.Message:
		h.step(ev.Conn, greeted)
		for i, server := range h.servers {
			if ev.Conn.Peer() == server && string(ev.Data) == "hello" {
				h.greeted |= 1 << i
			}
		}
		n.After(pick(n, 100*time.Millisecond, time.Second, 0), "leave")
	case sim.Closed:
		h.late.when(ev.Err == core.ErrHandshakeTimeout)
		h.lost.when(ev.Err == core.ErrHandshakeLost)
		h.step(ev.Conn, ended)
		n.After(redial(n), "dial")
	}
}

func (h *handshakeClient) OnTimer(n *sim.Node, name string) {
	if name == "dial" {
		n.Dial(h.servers[n.Choose(len(h.servers))])
		return
	}
	for _, c := range n.Conns() {
		c.Close(1000, "")
	}
}
