package sim

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// What two ends agree on is the same with a handshake over HTTP/1.1 and without.
func TestCompressionIsAgreedOn(t *testing.T) {
	small := &core.Compression{SendWindowBits: 9, ReceiveWindowBits: 10, NoSendTakeover: true}
	for _, test := range []struct {
		client, server *core.Compression
		want           deflate.Params // as the client sees it
		compresses     bool
	}{
		{&core.Compression{}, &core.Compression{}, deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: true, ReceiveTakeover: true}, true},
		{small, &core.Compression{}, deflate.Params{SendBits: 9, ReceiveBits: 10, ReceiveTakeover: true}, true},
		{&core.Compression{}, small, deflate.Params{SendBits: 10, ReceiveBits: 9, SendTakeover: true}, true},
		{nil, small, deflate.Params{}, false},
		{small, nil, deflate.Params{}, false},
	} {
		for _, bare := range []bool{false, true} {
			opened := 0
			r := Run(FromSeed(1), func(w *World) {
				check := func(_ *Node, ev Event) {
					if ev.Kind != Opened {
						return
					}
					opened++
					got, ok := ev.Conn.Compression()
					if strings.HasPrefix(ev.Conn.Name(), "server") {
						got.SendBits, got.ReceiveBits = got.ReceiveBits, got.SendBits
						got.SendTakeover, got.ReceiveTakeover = got.ReceiveTakeover, got.SendTakeover
					}
					if got != test.want || ok != test.compresses {
						t.Errorf("bare %t: %s compresses: %t, %+v; want %t, %+v", bare, ev.Conn.Name(), ok, got, test.compresses, test.want)
					}
				}
				server := w.Server("server", func() App { return AppFunc(check) })
				client := w.Client("client", server, func() App { return AppFunc(check) })
				server.Config.Compression, client.Config.Compression = test.server, test.client
				client.Bare = bare
				w.Run(time.Second)
			}, RunOptions{})
			if r.Failure != nil || opened != 2 {
				t.Errorf("bare %t: %d ends opened, %v", bare, opened, r.Failure)
			}
		}
	}
}

// A machine that cannot compress is named, with what it says.
func TestMachineThatRefusesCompression(t *testing.T) {
	refuse := func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		if cfg.Compression != nil {
			return nil, errors.New("no room for windows")
		}
		return nativeMachine(role, cfg, now, bare)
	}
	r := Run(FromSeed(1), func(w *World) {
		w.Config.Compression = &core.Compression{}
		w.Client("ann", w.Server("room", Echo), Echo)
	}, RunOptions{Machine: refuse})
	if r.Failure == nil || r.Failure.Property != misused || !strings.Contains(r.Failure.Err.Error(), "ann: no room for windows") {
		t.Errorf("%v", r.Failure)
	}
}

// pieces counts in what pieces the content of a compressed message comes.
type pieces struct {
	transport.Machine
	lengths map[int]int
}

func (p *pieces) Unwrap() transport.Machine { return p.Machine }

func (p *pieces) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	n, ev := p.Machine.Recv(now, in, scratch)
	if ev.Kind == core.EventMessage {
		p.lengths[len(ev.Data)]++
	}
	return n, ev
}

// What was compressed comes in pieces of many lengths where reads do, and else as
// large as they may be.
func TestPlainPieces(t *testing.T) {
	const size = 10_000
	lengths := make(map[int]int)
	machine := func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := nativeMachine(role, cfg, now, bare)
		return &pieces{m, lengths}, err
	}
	run := func(seed uint64, f Faults) {
		r := Run(FromSeed(seed), func(w *World) {
			w.Faults(f)
			w.Config.Compression = &core.Compression{}
			server := w.Server("server", func() App { return AppFunc(func(*Node, Event) {}) })
			w.Client("client", server, func() App {
				return AppFunc(func(_ *Node, ev Event) {
					if ev.Kind == Opened {
						ev.Conn.SendText(strings.Repeat("0123456789", size/10))
					}
				})
			})
			w.Run(5 * time.Second)
		}, RunOptions{Machine: machine})
		if r.Failure != nil {
			t.Fatal(r.Failure)
		}
	}
	run(1, 0)
	if lengths[mostPlain] != size/mostPlain || lengths[size%mostPlain] != 1 || len(lengths) != 2 {
		t.Errorf("undisturbed: pieces of %v", lengths)
	}
	for seed := range uint64(40) {
		run(seed, Chunks)
	}
	if len(lengths) < len(plainLengths) || lengths[1] == 0 {
		t.Errorf("pieces of %v", lengths)
	}
}

// A puppet offers and chooses what it is told to, and compresses.
func TestPuppetCompresses(t *testing.T) {
	for _, server := range []bool{false, true} {
		for _, bare := range []bool{false, true} {
			got := ""
			r := Run(FromSeed(1), func(w *World) {
				w.Config.Compression = &core.Compression{}
				app := func() App {
					return AppFunc(func(_ *Node, ev Event) {
						if ev.Kind == Message {
							got = string(ev.Data)
						}
					})
				}
				p := w.PuppetServer("puppet")
				p.Extensions = "permessage-deflate; server_no_context_takeover"
				p.OnOpen = func(c *PuppetConn) { c.SendCompressed(frame.Text, []byte("hello, hello")) }
				if server {
					w.Client("ann", p.Node, app).Bare = bare
				} else {
					p.dials = append(p.dials, w.Server("ann", app))
					p.Bare = bare
				}
				w.Run(time.Second)
			}, RunOptions{})
			if r.Failure != nil || got != "hello, hello" {
				t.Errorf("server %t, bare %t: got %q, %v", server, bare, got, r.Failure)
			}
		}
	}
}

// Events without end that take no input are noticed, though they bring data.
func TestEndlessMessage(t *testing.T) {
	machine := func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := nativeMachine(role, cfg, now, bare)
		return &endless{m.(*core.Conn)}, err
	}
	r := Run(FromSeed(1), func(w *World) {
		w.Config.Compression = &core.Compression{}
		w.Client("ann", w.Server("room", Chat), Chat)
		w.Run(time.Second)
	}, RunOptions{Machine: machine, Unwatched: true})
	if r.Failure == nil || r.Failure.Property != "input is taken" {
		t.Errorf("%v", r.Failure)
	}
}

type endless struct{ *core.Conn }

func (e *endless) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	if !e.Open() || len(in) > 0 {
		return e.Conn.Recv(now, in, scratch)
	}
	return 0, core.Event{Kind: core.EventMessage, Op: frame.Text, Data: scratch[core.ScratchSize:]}
}

// A machine that tells another agreement than its peer is noticed.
func TestDisagreement(t *testing.T) {
	machine := func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := nativeMachine(role, cfg, now, bare)
		if role == core.Server {
			m = &forgetful{m.(*core.Conn)}
		}
		return m, err
	}
	r := Run(FromSeed(1), func(w *World) {
		w.Config.Compression = &core.Compression{}
		w.Client("ann", w.Server("room", Echo), Chat)
	}, RunOptions{Machine: machine, Unwatched: true})
	if r.Failure == nil || r.Failure.Property != "both ends compress alike" {
		t.Errorf("%v", r.Failure)
	}
}

type forgetful struct{ *core.Conn }

func (f *forgetful) Compression() (deflate.Params, bool) {
	p, ok := f.Conn.Compression()
	p.SendBits--
	return p, ok
}
