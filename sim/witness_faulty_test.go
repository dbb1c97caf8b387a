package sim

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// A faulty machine is the core but for one thing.
type faulty struct {
	transport.Machine
	deadline  func(clock.Time, core.Timer) (clock.Time, core.Timer)
	recv      func(n int, ev core.Event, in []byte) (int, core.Event)
	tick      func(core.Event) core.Event
	output    func(appended []byte) []byte
	message   func(appended []byte) []byte
	err       func(error) error
	transport func(core.Transport) core.Transport
	held      []byte // the data of an earlier event
}

func (f *faulty) Deadline() (clock.Time, core.Timer) {
	at, why := f.Machine.Deadline()
	if f.deadline != nil {
		return f.deadline(at, why)
	}
	return at, why
}

func (f *faulty) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	n, ev := f.Machine.Recv(now, in, scratch)
	if f.recv != nil {
		return f.recv(n, ev, in)
	}
	return n, ev
}

func (f *faulty) Tick(now clock.Time) core.Event {
	ev := f.Machine.Tick(now)
	if f.tick != nil {
		return f.tick(ev)
	}
	return ev
}

func (f *faulty) AppendOutput(dst []byte) []byte {
	out := f.Machine.AppendOutput(dst)
	if f.output != nil {
		return append(dst, f.output(out[len(dst):])...)
	}
	return out
}

func (f *faulty) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	out, err := f.Machine.AppendMessage(dst, op, p)
	if f.message != nil && err == nil {
		return append(dst, f.message(out[len(dst):])...), nil
	}
	return out, err
}

func (f *faulty) Err() error {
	err := f.Machine.Err()
	if f.err != nil {
		return f.err(err)
	}
	return err
}

func (f *faulty) Transport() core.Transport {
	level := f.Machine.Transport()
	if f.transport != nil {
		return f.transport(level)
	}
	return level
}

// visit is what every machine is put through: a message, a ping, the timer's
// ping, and the silence of the peer.
func visit(w *witness, role core.Role) {
	peer := func(op frame.Opcode, payload string) []byte {
		h := frame.Header{Fin: true, Opcode: op, Masked: role == core.Server}
		if h.Masked {
			h.Mask = frame.Mask{1, 2, 3, 4}
		}
		return frame.AppendFrame(nil, h, []byte(payload))
	}
	scratch := make([]byte, core.ScratchSize)
	now := clock.Time(0)
	for in := append(peer(frame.Text, "hello"), peer(frame.Ping, "p")...); len(in) > 0; {
		n, ev := w.Recv(now, in, scratch)
		if ev.Kind == core.EventNone || n <= 0 || n > len(in) {
			break
		}
		in = in[n:]
	}
	out := w.AppendOutput(nil)
	out, _ = w.AppendMessage(out, frame.Binary, []byte{1, 2, 3})
	w.Wrote(now, len(out))
	now += clock.Time(15 * time.Second)
	w.Tick(now)
	w.Wrote(now, len(w.AppendOutput(nil)))
	now += clock.Time(43 * time.Second)
	w.Tick(now)
	w.Wrote(now, len(w.AppendOutput(nil)))
	w.AppendMessage(nil, frame.Binary, []byte{1, 2, 3})
	w.RecvEOF(now)
}

func flip(p []byte, i int) []byte {
	if i < len(p) {
		p[i] ^= 0x10
	}
	return p
}

var faults = []struct {
	name   string
	oracle string
	says   string // a part of the message, for a server
	make   func(f *faulty)
}{
	{"nothing is wrong", "", "", func(f *faulty) {}},
	{"a deadline is off by one", oracleTime, "birth: the next deadline is ping at 15.000000001s, want ping at 15s", func(f *faulty) {
		f.deadline = func(at clock.Time, why core.Timer) (clock.Time, core.Timer) { return at + 1, why }
	}},
	{"a deadline is another's", oracleTime, "the next deadline is pong at 15s, want ping at 15s", func(f *faulty) {
		f.deadline = func(at clock.Time, why core.Timer) (clock.Time, core.Timer) { return at, core.TimerPong }
	}},
	{"a verdict is not told", oracleTime, `58s, server, Tick: reported nothing, want failed with "the peer was silent for too long"`, func(f *faulty) {
		f.tick = func(core.Event) core.Event { return core.Event{} }
	}},
	{"a verdict is another's", oracleTime, `reported failed with "no answer to a ping in time", want failed with "the peer was silent`, func(f *faulty) {
		f.err = func(err error) error {
			if err != nil {
				return core.ErrPongTimeout
			}
			return nil
		}
	}},
	{"a message is cut", oracleInput, `0s, server, Recv of 18 bytes: the data of message is "hell", want "hello"`, func(f *faulty) {
		f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) {
			ev.Data = ev.Data[:max(len(ev.Data)-1, 0)]
			return n, ev
		}
	}},
	{"input is counted wrong", oracleInput, "12 bytes were consumed, want 11", func(f *faulty) {
		f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) { return n + 1, ev }
	}},
	{"an event is lost", oracleInput, "reported nothing, want message", func(f *faulty) {
		f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) { return n, core.Event{} }
	}},
	{"data is copied", oracleMemory, "the data of message is not where it came in", func(f *faulty) {
		f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) {
			ev.Data = append([]byte(nil), ev.Data...)
			return n, ev
		}
	}},
	{"unconsumed input is changed", oracleMemory, "input beyond the 11 bytes that were consumed was changed", func(f *faulty) {
		f.recv = func(n int, ev core.Event, in []byte) (int, core.Event) {
			flip(in, n)
			return n, ev
		}
	}},
	{"earlier data is changed", oracleMemory, "AppendOutput: the data of an earlier event was changed", func(f *faulty) {
		f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) {
			f.held = ev.Data
			return n, ev
		}
		f.output = func(out []byte) []byte {
			flip(f.held, 0)
			return out
		}
	}},
	{"a pong is lost", oracleOutput, `server, AppendOutput: "" is not the header of the pong frame that is expected`, func(f *faulty) {
		f.output = func([]byte) []byte { return nil }
	}},
	{"a pong comes twice", oracleOutput, `unexpected output: "`, func(f *faulty) {
		f.output = func(out []byte) []byte { return append(out, out...) }
	}},
	{"a pong's payload is wrong", oracleOutput, `payload of the pong frame is "`, func(f *faulty) {
		f.output = func(out []byte) []byte { return flip(out, len(out)-1) }
	}},
	{"a message is not masked as it must be", oracleOutput, "binary frame is masked", func(f *faulty) {
		f.message = func(out []byte) []byte {
			h, _, _ := frame.ParseHeader(out)
			h.Masked, h.Mask = !h.Masked, frame.Mask{}
			return frame.AppendFrame(nil, h, out[len(out)-3:])
		}
	}},
	{"a message has a reserved bit", oracleOutput, "binary frame with a reserved bit", func(f *faulty) {
		f.message = func(out []byte) []byte { return flip(out, 0) }
	}},
	{"the transport stays open", oracleTransport, "the transport's level is open, want half-close", func(f *faulty) {
		f.transport = func(core.Transport) core.Transport { return core.TransportOpen }
	}},
}

// What a witness says of a machine that does one thing wrong.
func TestWitnessNotices(t *testing.T) {
	for _, fault := range faults {
		for _, role := range []core.Role{core.Server, core.Client} {
			oracle, message, reports := "", "", 0
			log := newEntropyLog(func() uint32 { return 0x3d21fa37 })
			cfg := core.Config{Pings: core.PingAnswer, Entropy: log.draw}
			set, err := core.NewSettings(cfg)
			if err != nil {
				t.Fatal(err)
			}
			c, err := core.NewOpen(set, 0, role)
			if err != nil {
				t.Fatal(err)
			}
			f := &faulty{Machine: c}
			fault.make(f)
			visit(newWitness(f, role, cfg, 0, true, log, func(o string, err error) {
				oracle, message = o, err.Error()
				reports++
			}), role)
			if oracle != fault.oracle || role == core.Server && !strings.Contains(message, fault.says) {
				t.Errorf("%s, %s: %q reports %s", fault.name, role, oracle, message)
			}
			if want := min(len(fault.oracle), 1); reports != want {
				t.Errorf("%s, %s: %d reports, want %d", fault.name, role, reports, want)
			}
		}
	}
}

// Keys that were not drawn for their frame, and draws that no key is made of.
func TestWitnessSeesKeys(t *testing.T) {
	for _, test := range []struct {
		says string
		draw func(l *entropyLog) uint32
	}{
		{"mask key 07000000 of the text frame is not the one that was drawn for it", func(*entropyLog) uint32 {
			return 7
		}},
		{"1 random numbers were drawn that no frame used", func(l *entropyLog) uint32 {
			u := l.draw()
			l.draw()
			return u
		}},
	} {
		log := newEntropyLog(rand.Uint32)
		set, err := core.NewSettings(core.Config{Entropy: func() uint32 { return test.draw(log) }})
		if err != nil {
			t.Fatal(err)
		}
		c, err := core.NewOpen(set, 0, core.Client)
		if err != nil {
			t.Fatal(err)
		}
		oracle, message := "", ""
		w := newWitness(c, core.Client, core.Config{}, 0, true, log, func(o string, err error) { oracle, message = o, err.Error() })
		w.AppendMessage(nil, frame.Text, []byte("a"))
		if oracle != oracleEntropy || !strings.Contains(message, test.says) {
			t.Errorf("%q reports %s, want %s", oracle, message, test.says)
		}
	}
}
