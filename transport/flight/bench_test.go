package flight_test

import (
	"fmt"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// machines are a server's, recorded in each way and not at all.
func machines(t testing.TB) map[string]transport.Machine {
	b := flight.Birth{Open: true, Settings: settings(t, core.Config{})}
	return map[string]transport.Machine{
		"Plain":    plainly(t, b),
		"Recorded": record(t, b, flight.Options{}),
		"Redacted": record(t, b, flight.Options{Redact: true}),
	}
}

// echoer answers one message, as a driver would.
func echoer(m transport.Machine, size int) func() {
	wire := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Binary, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, make([]byte, size))
	in := make([]byte, len(wire))
	scratch := make([]byte, core.ScratchSize)
	out := make([]byte, 0, len(wire))
	now := clock.Time(0)
	return func() {
		now += 20_000
		copy(in, wire)
		_, ev := m.Recv(now, in, scratch)
		out, _ = m.AppendMessage(out[:0], frame.Binary, ev.Data)
		m.Wrote(now, len(out))
		m.Recv(now, nil, scratch)
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{16, 1024, 16384} {
		for _, name := range []string{"Plain", "Recorded", "Redacted"} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				echo := echoer(machines(b)[name], size)
				b.ReportAllocs()
				for b.Loop() {
					echo()
				}
			})
		}
	}
}

// Once its memory has grown, recording allocates nothing.
func TestAllocations(t *testing.T) {
	for name, m := range machines(t) {
		echo := echoer(m, 1000)
		for range 2000 {
			echo()
		}
		if n := testing.AllocsPerRun(2000, echo); n >= 1 && !raceEnabled {
			t.Errorf("%s: %v allocations a message", name, n)
		}
	}
}
