package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// A wrong machine is the core but for one thing.
type wrong struct {
	transport.Machine
	now      clock.Time
	fragment func(dst, appended []byte) []byte
	recv     func(m *wrong, in []byte, n int, ev core.Event) (int, core.Event)
	tick     func(m *wrong, ev core.Event) core.Event
	output   func(m *wrong, dst []byte) []byte
	err      func(m *wrong) error
	level    func(m *wrong) (core.Transport, bool)
	due      func(m *wrong) (clock.Time, core.Timer, bool)
}

func (m *wrong) AppendFragment(dst []byte, op frame.Opcode, p []byte, fin bool) ([]byte, error) {
	out, err := m.Machine.AppendFragment(dst, op, p, fin)
	if err == nil && m.fragment != nil {
		out = m.fragment(dst, append([]byte(nil), out[len(dst):]...))
	}
	return out, err
}

func (m *wrong) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	return m.AppendFragment(dst, op, p, true)
}

func (m *wrong) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	m.now = now
	n, ev := m.Machine.Recv(now, in, scratch)
	if m.recv != nil {
		return m.recv(m, in, n, ev)
	}
	return n, ev
}

func (m *wrong) Tick(now clock.Time) core.Event {
	m.now = now
	ev := m.Machine.Tick(now)
	if m.tick != nil {
		return m.tick(m, ev)
	}
	return ev
}

func (m *wrong) AppendOutput(dst []byte) []byte {
	if m.output != nil {
		return m.output(m, dst)
	}
	return m.Machine.AppendOutput(dst)
}

func (m *wrong) Err() error {
	if m.err != nil {
		return m.err(m)
	}
	return m.Machine.Err()
}

func (m *wrong) Transport() core.Transport {
	if m.level != nil {
		if level, ok := m.level(m); ok {
			return level
		}
	}
	return m.Machine.Transport()
}

func (m *wrong) Deadline() (clock.Time, core.Timer) {
	if m.due != nil {
		if at, why, ok := m.due(m); ok {
			return at, why
		}
	}
	return m.Machine.Deadline()
}

const halfAMinute = clock.Time(30 * time.Second)

// Each oracle of a world can fail: it finds a client's machine that is wrong.
func TestOraclesFindWrongMachines(t *testing.T) {
	for _, test := range []struct {
		name     string
		machine  func() wrong
		property string
		text     string
	}{
		{"corrupts", func() wrong {
			return wrong{fragment: func(dst, p []byte) []byte { p[len(p)-1] ^= 1; return append(dst, p...) }}
		}, "delivers what was sent", `message 0 arrived as binary "ond", it was sent as binary "one"`},
		{"changes the opcode", func() wrong {
			return wrong{fragment: func(dst, p []byte) []byte { p[0] ^= 3; return append(dst, p...) }}
		}, "delivers what was sent", `arrived as text "one", it was sent as binary "one"`},
		{"duplicates", func() wrong {
			return wrong{fragment: func(dst, p []byte) []byte { return append(append(dst, p...), p...) }}
		}, "delivers what was sent", `message 1 arrived as binary "one", it was sent as binary "two"`},
		{"swaps", func() wrong {
			var first []byte
			return wrong{fragment: func(dst, p []byte) []byte {
				if first == nil {
					first = p
					return dst
				}
				return append(append(dst, p...), first...)
			}}
		}, "delivers what was sent", `arrived as binary "two", it was sent as binary "one"`},
		{"drops one", func() wrong {
			k := 0
			return wrong{fragment: func(dst, p []byte) []byte {
				if k++; k == 2 {
					return dst
				}
				return append(dst, p...)
			}}
		}, "close codes are truthful", "1 messages that were sent before the close frame never arrived"},
		{"drops the last before nothing", func() wrong {
			return wrong{fragment: func(dst, p []byte) []byte { return dst }, level: func(m *wrong) (core.Transport, bool) { return 0, false }}
		}, "close codes are truthful", "2 messages that were sent"},
		{"lies about the code", func() wrong {
			return wrong{recv: func(_ *wrong, _ []byte, n int, ev core.Event) (int, core.Event) {
				if ev.Kind == core.EventClose {
					ev.Code++
				}
				return n, ev
			}}
		}, "close codes are truthful", "with code 1001 going away, it was sent with 1000"},
		{"invents a close frame", func() wrong {
			return wrong{recv: func(_ *wrong, _ []byte, n int, ev core.Event) (int, core.Event) {
				if ev.Kind == core.EventMessage {
					ev = core.Event{Kind: core.EventClose, Code: 1000}
				}
				return n, ev
			}}
		}, "close codes are truthful", "a close frame arrived that was never sent"},
		{"leaves output pending", func() wrong {
			return wrong{output: func(m *wrong, dst []byte) []byte {
				if m.Open() {
					return dst
				}
				return m.Machine.AppendOutput(dst)
			}}
		}, "output is handed out", "bytes are still pending"},
		{"fails without a cause", func() wrong {
			failed := false
			return wrong{
				tick: func(m *wrong, ev core.Event) core.Event {
					if m.now >= halfAMinute && !failed {
						failed = true
						return core.Event{Kind: core.EventFailed, Code: frame.Abnormal}
					}
					return ev
				},
				err: func(*wrong) error {
					if failed {
						return core.ErrConnectionTimeout
					}
					return nil
				},
			}
		}, "no connection fails without a cause", "client>server: websocket: the peer was silent"},
		{"sees a violation", func() wrong {
			failed := false
			return wrong{
				recv: func(m *wrong, in []byte, n int, ev core.Event) (int, core.Event) {
					if failed = failed || ev.Kind == core.EventMessage; failed {
						return len(in), core.Event{Kind: core.EventFailed}
					}
					return n, ev
				},
				err: func(m *wrong) error {
					if failed {
						return core.ErrOpcode
					}
					return nil
				},
			}
		}, "no connection fails without a cause", "reserved opcode"},
		{"lets go without a word", func() wrong {
			return wrong{level: func(m *wrong) (core.Transport, bool) { return core.TransportAbort, m.now >= halfAMinute }}
		}, "no connection fails without a cause", "let go of the connection and reported nothing"},
		{"takes no input", func() wrong {
			return wrong{recv: func(*wrong, []byte, int, core.Event) (int, core.Event) { return 0, core.Event{} }}
		}, "input is taken", "client>server: only 0 bytes of"},
		{"takes too much", func() wrong {
			return wrong{recv: func(_ *wrong, in []byte, _ int, _ core.Event) (int, core.Event) { return len(in) + 1, core.Event{} }}
		}, "input is taken", "130 bytes of 129 were taken"},
		{"takes less than nothing", func() wrong {
			return wrong{recv: func(*wrong, []byte, int, core.Event) (int, core.Event) { return -1, core.Event{} }}
		}, "input is taken", "-1 bytes of"},
		{"never stops", func() wrong {
			return wrong{recv: func(*wrong, []byte, int, core.Event) (int, core.Event) {
				return 0, core.Event{Kind: core.EventPing, Op: frame.Ping}
			}}
		}, "input is taken", "17 events in a row took no input"},
		{"is always due", func() wrong {
			return wrong{due: func(m *wrong) (clock.Time, core.Timer, bool) { return 0, core.TimerPing, m.Open() }}
		}, "comes to rest", "20000 steps were not enough"},
		{"panics", func() wrong {
			return wrong{tick: func(*wrong, core.Event) core.Event { panic("boom") }}
		}, "no panic", "boom"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := RunOptions{Unwatched: true, Steps: 20_000}
			o.Machine = func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
				m, err := nativeMachine(role, cfg, now, bare)
				if role == core.Server || err != nil {
					return m, err
				}
				bad := test.machine()
				bad.Machine = m
				return &bad, nil
			}
			tape, _ := FromChoices(nil)
			r := Run(tape, aLife, o)
			if r.Failure == nil || r.Failure.Property != test.property || !strings.Contains(r.Failure.Error(), test.text) {
				t.Errorf("failed with %v, want %q: %q", r.Failure, test.property, test.text)
			}
		})
	}
	plain(t, RunOptions{Unwatched: true}, aLife)
}

// aLife is a world in which a client sends, is sent to, pings, and closes.
func aLife(w *World) {
	server := w.Server("server", Echo)
	client := w.Client("client", server, quiet)
	do := func(at time.Duration, f func(c *Conn)) {
		w.At(at, func() {
			for _, c := range client.Conns() {
				f(c)
			}
		})
	}
	do(time.Second, func(c *Conn) { c.Send(frame.Binary, []byte("one")); c.Send(frame.Binary, []byte("two")) })
	do(50*time.Second, func(c *Conn) { c.Close(frame.NormalClosure, "") })
	w.Run(45 * time.Second)
	w.Run(15 * time.Second)
}

// A connection that ended because of a fault, of the other end, or of a slow
// application, is no failure.
func TestWhatIsExcused(t *testing.T) {
	for name, do := range map[string]func(w *World, c *Conn){
		"reset":        func(_ *World, c *Conn) { c.Reset() },
		"half-open":    func(_ *World, c *Conn) { c.Lose(true) },
		"crash":        func(_ *World, c *Conn) { c.Peer().Crash(false) },
		"vanish":       func(_ *World, c *Conn) { c.Peer().Crash(true) },
		"suspended":    func(_ *World, c *Conn) { c.Peer().Suspend(10 * time.Minute) },
		"clock":        func(_ *World, c *Conn) { c.Node().AdjustClock(10 * time.Minute); c.Lose(true) },
		"aborted":      func(_ *World, c *Conn) { c.Abort() },
		"peer aborted": func(_ *World, c *Conn) { c.peer.Abort() },
		"peer holds":   func(_ *World, c *Conn) { c.peer.Hold(true); c.SendText("x"); c.Close(1000, "") },
		"peer never reads": func(_ *World, c *Conn) {
			c.peer.Hold(true)
			c.Send(frame.Binary, make([]byte, 300<<10))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := false
			plain(t, RunOptions{}, func(w *World) {
				client := w.Client("client", w.Server("server", quiet), on(func(_ *Node, ev Event) {
					ended = ended || ev.Kind == Closed && ev.Err != nil
				}))
				w.At(time.Second, func() { do(w, client.Conns()[0]) })
				w.Run(2 * time.Minute)
			})
			if !ended && name != "suspended" {
				t.Error("the connection lives")
			}
		})
	}
}

// What happened to a node once excuses no connection that it made later.
func TestExcusesDoNotLast(t *testing.T) {
	o := RunOptions{Unwatched: true}
	made := 0
	o.Machine = func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := nativeMachine(role, cfg, now, bare)
		if role == core.Client {
			made++
		}
		if role == core.Client && made == 2 {
			return &wrong{Machine: m, level: func(m *wrong) (core.Transport, bool) { return core.TransportAbort, m.now >= 2*halfAMinute }}, err
		}
		return m, err
	}
	r := Run(FromSeed(1), func(w *World) {
		server := w.Server("server", quiet)
		client := w.Client("client", server, quiet)
		w.At(time.Second, func() {
			client.AdjustClock(-time.Millisecond)
			server.Crash(false)
			server.Restart(time.Second)
		})
		w.At(5*time.Second, func() { client.Dial(server) })
	}, o)
	if r.Failure == nil || r.Failure.Property != "no connection fails without a cause" {
		t.Errorf("%v", r.Failure)
	}
}

// No oracle raises a false alarm, whatever goes wrong.
func TestNoFalseAlarm(t *testing.T) {
	tape := new(Tape)
	for seed := range uint64(600) {
		tape.Reset(seed)
		r := Run(tape, func(w *World) {
			w.Link = presets[seed%6]
			echoWorld(AllFaults)(w)
			w.Client("other", w.nodes[0], func() App { return &chatter{every: 3 * time.Second} })
		}, RunOptions{})
		if r.Failure != nil {
			t.Errorf("seed %d, %v: %v", seed, r.Faults, r.Failure)
		}
	}
}

// A client is judged before the server has accepted, too.
func TestClientsThatNobodyHasAcceptedAreJudged(t *testing.T) {
	o := RunOptions{Unwatched: true}
	o.Machine = func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := nativeMachine(role, cfg, now, bare)
		if role == core.Client {
			return &wrong{Machine: m, level: func(*wrong) (core.Transport, bool) { return core.TransportAbort, true }}, err
		}
		return m, err
	}
	r := Run(FromSeed(1), func(w *World) { w.Client("client", w.Server("server", quiet), quiet) }, o)
	if r.Failure == nil || r.Failure.Property != "no connection fails without a cause" || !strings.Contains(r.Failure.Error(), "client>server") {
		t.Errorf("%v, want that of the client's end", r.Failure)
	}
}

// A server that is down or suspended, and a network that is slow or loses
// everything, excuse a handshake that does not come off.
func TestHandshakesThatAreExcused(t *testing.T) {
	for name, do := range map[string]func(w *World, client, server *Node){
		"down": func(w *World, client, server *Node) {
			server.Crash(false)
			client.Dial(server)
		},
		"suspended": func(w *World, client, server *Node) {
			server.Suspend(time.Minute)
			client.Dial(server)
		},
		"suspended at once": func(w *World, client, server *Node) {
			client.Dial(server)
			server.Suspend(time.Minute)
		},
		"lost": func(w *World, client, server *Node) { client.Dial(server).Lose(true) },
		"vanishes": func(w *World, client, server *Node) {
			client.Dial(server)
			w.At(w.Now()+time.Millisecond, func() { server.Crash(true) })
		},
		"far": func(w *World, client, server *Node) {
			client.Link.Latency = time.Minute
			client.Dial(server)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := false
			plain(t, RunOptions{}, func(w *World) {
				server := w.Server("server", quiet)
				client := w.Server("client", on(func(_ *Node, ev Event) { ended = ended || ev.Kind == Closed && ev.Err != nil }))
				w.At(time.Second, func() { do(w, client, server) })
				w.Run(3 * time.Minute)
			})
			if !ended {
				t.Error("the connection lives")
			}
		})
	}
}
