package sim

import (
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// watched returns an open connection under a witness that may find nothing.
func watched(t testing.TB, role core.Role, cfg core.Config) *witness {
	t.Helper()
	log := newEntropyLog(func() uint32 { return 0x3d21fa37 })
	cfg.Entropy = log.draw
	set, err := core.NewSettings(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := core.NewOpen(set, 0, role)
	if err != nil {
		t.Fatal(err)
	}
	return newWitness(c, role, cfg, 0, true, log, func(oracle string, err error) { t.Fatalf("%s: %v", oracle, err) })
}

// An exchanger echoes a message and answers a ping, with a tick between.
type exchanger struct {
	w                   *witness
	wire, in, out, room []byte
	now                 clock.Time
}

func newExchanger(t testing.TB, role core.Role) *exchanger {
	e := &exchanger{w: watched(t, role, core.Config{Pings: core.PingAnswer, MaxControlRate: -1})}
	h := frame.Header{Fin: true, Opcode: frame.Text, Masked: role == core.Server}
	if h.Masked {
		h.Mask = frame.Mask{1, 2, 3, 4}
	}
	e.wire = frame.AppendFrame(nil, h, []byte("sixteen bytes €"))
	h.Opcode = frame.Ping
	e.wire = frame.AppendFrame(e.wire, h, []byte("ping"))
	e.in = make([]byte, len(e.wire))
	e.room = make([]byte, core.ScratchSize)
	return e
}

// exchange makes 8 calls.
func (e *exchanger) exchange() {
	e.now++
	copy(e.in, e.wire)
	n, ev := e.w.Recv(e.now, e.in, e.room)
	e.out, _ = e.w.AppendMessage(e.out[:0], ev.Op, ev.Data)
	k, _ := e.w.Recv(e.now, e.in[n:], e.room)
	e.w.Recv(e.now, e.in[n+k:], e.room)
	e.out = e.w.AppendOutput(e.out)
	e.w.Wrote(e.now, len(e.out))
	e.w.Tick(e.now)
	e.w.Deadline()
}

func TestWitnessAllocatesNothing(t *testing.T) {
	for _, role := range []core.Role{core.Server, core.Client} {
		e := newExchanger(t, role)
		e.exchange()
		if n := testing.AllocsPerRun(1000, e.exchange); n > 0 {
			t.Errorf("%s: %v allocations in an exchange", role, n)
		}
	}
}

func BenchmarkWitness(b *testing.B) {
	for _, role := range []core.Role{core.Server, core.Client} {
		b.Run(role.String(), func(b *testing.B) {
			e := newExchanger(b, role)
			calls := 0
			for b.Loop() {
				e.exchange()
				calls += 8
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls), "ns/call")
		})
	}
}
