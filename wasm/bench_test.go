package wasm_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm"
)

// A batcher takes and sends many frames in one call.
type batcher interface {
	RecvBatch(now clock.Time, in, scratch []byte, events []core.Event) (int, []core.Event, bool)
	AppendMessages(dst []byte, messages []core.Message) ([]byte, int, error)
}

// BenchmarkEcho measures a server's core that sends every message back: the
// native one and the one in WebAssembly, one frame a call and many.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{16, 128, 1 << 10, 64 << 10} {
		for _, op := range []frame.Opcode{frame.Binary, frame.Text} {
			for _, many := range []bool{false, true} {
				for _, kind := range []string{"native", "wasm"} {
					if many && size > 16<<10 {
						continue
					}
					name := fmt.Sprintf("size=%d/op=%v/batch=%v/core=%s", size, op, many, kind)
					b.Run(name, func(b *testing.B) { benchmarkEcho(b, kind, op, size, many) })
				}
			}
		}
	}
}

func benchmarkEcho(b *testing.B, kind string, op frame.Opcode, size int, many bool) {
	birth := flight.Birth{Open: true, Settings: settings(b, core.Config{Entropy: rand.Uint32})}
	var m transport.Machine
	var err error
	if kind == "wasm" {
		m, err = host(b).Machine(birth)
	} else {
		m, err = birth.Machine()
	}
	if err != nil {
		b.Fatal(err)
	}
	frames := 1
	if many {
		frames = min(64, 64<<10/(size+14))
	}
	var in []byte
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = 'a' + byte(i%26)
	}
	for range frames {
		in = frame.AppendFrame(in, frame.Header{Fin: true, Opcode: op, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, payload)
	}
	wire := make([]byte, len(in))
	out := make([]byte, 0, 2*len(in))
	var scratch [core.ScratchSize]byte
	b.SetBytes(int64(size))
	b.ReportAllocs()
	batch, batched := m.(batcher)
	events := make([]core.Event, 0, 64)
	messages := make([]core.Message, 0, 64)
	now := clock.Time(1)
	b.ResetTimer()
	for i := 0; i < b.N; i += frames {
		copy(wire, in)
		out = out[:0]
		if many && batched {
			n, evs, more := batch.RecvBatch(now, wire, scratch[:], events[:0])
			if n != len(wire) || len(evs) != frames {
				b.Fatal(n, len(evs), more)
			}
			messages = messages[:0]
			for _, ev := range evs {
				messages = append(messages, core.Message{Op: ev.Op, Data: ev.Data})
			}
			out, n, err = batch.AppendMessages(out, messages)
			if err != nil || n != frames {
				b.Fatal(n, err)
			}
			m.Wrote(now, len(out))
			continue
		}
		for rest := wire; len(rest) > 0; {
			n, ev := m.Recv(now, rest, scratch[:])
			rest = rest[n:]
			if out, err = m.AppendMessage(out, ev.Op, ev.Data); err != nil {
				b.Fatal(err)
			}
		}
		m.Wrote(now, len(out))
	}
	if len(out) != frames*len(payload)+frames*headerLen(size) {
		b.Fatal(len(out))
	}
}

func headerLen(size int) int {
	switch {
	case size < 126:
		return 2
	case size < 1<<16:
		return 4
	}
	return 10
}

func settings(t testing.TB, c core.Config) *core.Settings {
	t.Helper()
	s, err := core.NewSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var shared *wasm.Host

func host(t testing.TB) *wasm.Host {
	t.Helper()
	if shared == nil {
		h, err := wasm.NewHost(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		shared = h
	}
	return shared
}
