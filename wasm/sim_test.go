package wasm_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/worlds"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm"
)

// engines are the two ways in which wazero runs the module.
func engines(t *testing.T, test func(t *testing.T, h *wasm.Host, interpreted bool)) {
	for _, interpreted := range []bool{false, true} {
		name := "compiler"
		if interpreted {
			name = "interpreter"
		}
		t.Run(name, func(t *testing.T) {
			h, err := wasm.NewHost(context.Background(), &wasm.Options{Interpreter: interpreted, CacheDir: wasm.TestCache})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if s := h.Stats(); s.Connections != 0 {
					t.Errorf("%d connections were not released", s.Connections)
				}
				h.Close(context.Background())
			})
			test(t, h, interpreted)
		})
	}
}

// Every scenario of the simulator goes in WebAssembly as its file has it, to the
// nanosecond: the timeouts of pings, of closing and of connections among them.
func TestScenarios(t *testing.T) {
	engines(t, func(t *testing.T, h *wasm.Host, _ bool) {
		sim.Scenarios(t, "../sim/testdata/scenarios/*.scenario", nil, sim.Machine(sim.MachineOf(h.Machine)))
	})
}

// The same seeds give the same runs, to the last bit of all that happens, natively
// and in WebAssembly. The command "websockets sim --core wasm" compares more of them.
func TestWorlds(t *testing.T) {
	engines(t, func(t *testing.T, h *wasm.Host, interpreted bool) {
		seeds := uint64(60)
		switch {
		case interpreted:
			seeds = 3
		case raceEnabled:
			seeds = 15
		}
		for _, w := range worlds.All() {
			t.Run(w.Name, func(t *testing.T) {
				t.Parallel()
				for seed := range seeds {
					alike(t, seed, w.Build, sim.MachineOf(h.Machine))
				}
			})
		}
	})
}

// alike runs a world on two cores and tells where the runs part.
func alike(t *testing.T, seed uint64, build func(*sim.World), other sim.MachineFunc) {
	t.Helper()
	run := func(m sim.MachineFunc, trace bool) *sim.Result {
		return sim.Run(sim.FromSeed(seed), build, sim.RunOptions{Machine: m, Trace: trace})
	}
	native, wasm := run(nil, false), run(other, false)
	if native.Hash == wasm.Hash && native.Failure == nil && wasm.Failure == nil {
		return
	}
	if d := sim.Compare(run(nil, true), run(other, true)); d != nil {
		t.Errorf("seed %d: %v", seed, d)
	}
	t.Fatalf("seed %d: hash %x and failure %v natively, %x and %v in WebAssembly", seed, native.Hash, native.Failure, wasm.Hash, wasm.Failure)
}

// What differs is found, and where: a core that is a nanosecond late.
func TestDifferenceIsShown(t *testing.T) {
	echo, _ := worlds.Named("echo")
	late := func(role core.Role, cfg core.Config, now clock.Time, bare bool) (transport.Machine, error) {
		m, err := sim.MachineOf(host(t).Machine)(role, cfg, now, bare)
		return &lateMachine{m.(*wasm.Conn)}, err
	}
	run := func(m sim.MachineFunc) *sim.Result {
		return sim.Run(sim.FromSeed(1), echo.Build, sim.RunOptions{Machine: m, Trace: true, Unwatched: true})
	}
	if d := sim.Compare(run(nil), run(late)); d == nil {
		t.Fatal("a core that is late went unnoticed")
	}
}

type lateMachine struct{ *wasm.Conn }

func (m *lateMachine) Deadline() (clock.Time, core.Timer) {
	at, why := m.Conn.Deadline()
	return at.Add(1), why
}

// Every call of a few runs is made on both cores, which are compared in between.
func TestTwinsInWorlds(t *testing.T) {
	for _, w := range worlds.All() {
		t.Run(w.Name, func(t *testing.T) {
			for seed := range uint64(5) {
				r := sim.Run(sim.FromSeed(1000+seed), w.Build, sim.RunOptions{Machine: sim.MachineOf(func(b flight.Birth) (transport.Machine, error) {
					return newTwin(host(t), b, func(d string) { t.Errorf("seed %d: %s", 1000+seed, d) })
				})})
				if r.Failure != nil {
					t.Error(fmt.Errorf("seed %d: %v", 1000+seed, r.Failure))
				}
			}
		})
	}
}

// A recording made of a core in WebAssembly is repeated by the native one, and the
// other way about.
func TestRecordingsOfBoth(t *testing.T) {
	for _, kind := range []string{"native", "wasm"} {
		b := flight.Birth{
			Open: true, Settings: settings(t, core.Config{Pings: core.PingAnswer, Compression: &core.Compression{Lend: &pool}}),
			Compression: &deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: true, ReceiveTakeover: true},
		}
		if kind == "wasm" {
			b.Make = host(t).Machine
		}
		f, err := flight.Record(b, flight.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f.Recv(1, []byte("\x82\x81\x01\x02\x03\x04\x05\x89\x80\x01\x02\x03\x04"), make([]byte, core.ScratchSize))
		f.AppendOutput(nil)
		f.Recv(2, []byte("\xc1\x87\x00\x00\x00\x00\xf2\x48\xcd\xc9\xc9\x07\x00"), make([]byte, core.ScratchSize+100))
		f.AppendMessage(nil, frame.Text, bytes.Repeat([]byte("Hello "), 100))
		f.Tick(clock.Time(60e9))
		f.AppendOutput(nil)
		r, err := flight.Read(bytes.NewReader(f.AppendRecording(nil, "test")))
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		count := func(*flight.Step) error { steps++; return nil }
		if err := r.Replay(count); err != nil {
			t.Errorf("%s, replayed natively: %v", kind, err)
		}
		if err := r.ReplayOn(host(t).Machine, count); err != nil {
			t.Errorf("%s, replayed in WebAssembly: %v", kind, err)
		}
		if steps < 10 {
			t.Errorf("%s: %d steps", kind, steps)
		}
		f.Release()
	}
}
