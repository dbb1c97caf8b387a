package worlds

import (
	"time"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// hostileMessage is the longest message that the honest ends accept.
const hostileMessage = 600

// hostile has an honest server, with a client that breaks every rule, and an
// honest client of a server that does. Whatever comes, the honest ends do what
// the protocol asks for, as the simulator's second account of it has it, and
// break no rule themselves.
func hostile(w *sim.World) {
	w.Faults(sim.AllFaults)
	carriers(w)
	sometimesCompressed(w, 3) // there is much to break
	w.Config.MaxMessageSize, w.Config.MaxFrameSize = hostileMessage, 400
	w.Config.MaxFragments, w.Config.MaxControlRate = 4, 20
	w.Config.MaxHeadLines, w.Config.MaxHeadBytes = 12, 512
	h := &hostileWorld{
		compresses: w.Config.Compression != nil,
		clean:      always(w, "an honest end breaks no rule"),
		valid:      always(w, "an application gets no text that is not UTF-8, and nothing that is too long"),
		calm:       sometimes(w, "an attacked connection is closed in good order"),
	}
	for _, e := range violations() {
		h.refused = append(h.refused, sometimes(w, e.Reason()))
	}
	server := policy(w.Server("server", func() sim.App { return sim.AppFunc(h.answer) }))
	mallory := w.PuppetClient("mallory", server)
	h.script(mallory, server)
	trudy := w.PuppetServer("trudy")
	h.script(trudy, nil)
	ann := policy(w.Client("ann", trudy.Node, func() sim.App { return &hostileClient{h, trudy.Node} }))
	if w.Choose("bare", 3) == 2 {
		ann.Bare, mallory.Bare = true, true
	}
	w.Run(15 * time.Second)
}

type hostileWorld struct {
	compresses   bool
	clean, valid *rule
	calm         *mark
	refused      []*mark // as violations has them
}

// violations are what an honest end must have refused in some run.
func violations() []core.Error {
	var list []core.Error
	for e := core.ErrReservedBits; e <= core.ErrInflate; e++ {
		list = append(list, e)
	}
	for e := core.ErrBadRequest; e <= core.ErrHeadTooBig; e++ {
		list = append(list, e)
	}
	for e := core.ErrBadResponse; e <= core.ErrResponseExtension; e++ {
		list = append(list, e)
	}
	return list
}

// answer is the App of the honest server, and half of the client's.
func (h *hostileWorld) answer(_ *sim.Node, ev sim.Event) {
	switch ev.Kind {
	case sim.Message:
		if len(ev.Data) > hostileMessage || ev.Op == frame.Text && !utf8.Valid(ev.Data) {
			h.valid.broken("%s got a %v of %d bytes: %.40q", ev.Conn.Name(), ev.Op, len(ev.Data), ev.Data)
		}
		ev.Conn.Send(ev.Op, ev.Data)
	case sim.Closed:
		h.calm.when(ev.Err == nil)
		for i, e := range violations() {
			h.refused[i].when(ev.Err == e)
		}
	}
}

type hostileClient struct {
	*hostileWorld
	server *sim.Node
}

func (c *hostileClient) OnEvent(n *sim.Node, ev sim.Event) {
	c.answer(n, ev)
	switch ev.Kind {
	case sim.Opened:
		ev.Conn.SendText("hello")
	case sim.Closed:
		n.After(redial(n), "dial")
	}
}

func (c *hostileClient) OnTimer(n *sim.Node, _ string) { n.Dial(c.server) }

// script tells a puppet to attack each connection that it gets and, a client, to
// dial again and again.
func (h *hostileWorld) script(p *sim.Puppet, server *sim.Node) {
	w := p.World()
	p.Pongs, p.Closes = w.Choose(p.Name()+" pongs", 2) == 1, w.Choose(p.Name()+" closes", 2) == 1
	p.NoHandshake = w.Choose(p.Name()+" head", 3) == 2
	moves := moves[:]
	if w.Config.Compression != nil {
		p.Extensions = hostileExtensions[w.Choose(p.Name()+" extensions", len(hostileExtensions))]
		moves = append(moves[:len(moves):len(moves)], compressedMoves[:]...)
	}
	p.OnFrame = h.inspect
	p.OnOpen = func(c *sim.PuppetConn) {
		if server == nil && p.NoHandshake {
			crookedResponse(c, p.Choose)
		}
		attack(c, p.Choose, moves)
	}
	if server == nil {
		return
	}
	for k := range 8 {
		w.At(time.Duration(k)*1700*time.Millisecond+time.Microsecond, func() {
			if !p.Up() {
				return
			}
			c := p.Latest()
			if k > 0 {
				p.Dial(server)
				c = p.Latest()
			}
			if p.NoHandshake && !p.Bare && c != nil {
				crookedRequest(c, p.Choose)
			}
		})
	}
}

// attack lets a connection have some of the moves, one after the other.
func attack(c *sim.PuppetConn, choose func(int) int, moves []move) {
	w := c.Puppet().World()
	at := w.Now()
	for range 1 + choose(6) {
		at += []time.Duration{0, 10 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second}[choose(4)]
		move, detail := moves[choose(len(moves))], choose(1<<16)
		w.At(at, func() { move(c, detail) })
	}
}

// inspect checks a frame that an honest end has sent.
func (h *hostileWorld) inspect(c *sim.PuppetConn, f sim.PuppetFrame) {
	head := f.Header
	compressed := h.compresses && head.RSV1 && head.Opcode.IsData()
	broken := func(what string) { h.clean.broken("%s got %v: %s", c.Name(), f, what) }
	switch {
	case head.Masked != (c.Puppet().Name() == "trudy"):
		broken("the mask is wrong")
	case head.RSV1 && !compressed || head.RSV2 || head.RSV3:
		broken("a reserved bit is set")
	case head.Opcode.IsControl() && (!head.Fin || head.Length > frame.MaxControlPayload):
		broken("a control frame is in fragments, or too long")
	case head.Opcode == frame.Text && head.Fin && !compressed && !utf8.Valid(f.Payload):
		broken("a text is not UTF-8")
	case head.Opcode == frame.Close:
		if code, reason, err := frame.ParseClose(f.Payload); err != nil || code != frame.NoStatus && !code.Sendable() || !utf8.Valid(reason) {
			broken("a close frame is malformed")
		}
	case !head.Opcode.IsData() && !head.Opcode.IsControl() && head.Opcode != frame.Continuation || head.Opcode > frame.Pong:
		broken("the opcode is reserved")
	}
	if frames := c.Frames(); len(frames) > 1 && frames[len(frames)-2].Header.Opcode == frame.Close {
		broken("it follows a close frame")
	}
}
