package sim

import (
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// chatter is a client that sends a message every second and one for each that
// comes back late.
type chatter struct {
	every time.Duration
	sent  int
	got   int
}

func (c *chatter) OnEvent(n *Node, ev Event) {
	switch ev.Kind {
	case Opened:
		n.After(c.every, "send")
	case Message:
		c.got++
	}
}

func (c *chatter) OnTimer(n *Node, _ string) {
	for _, conn := range n.Conns() {
		if conn.Send(frame.Text, []byte("hello, is anybody there?")) == nil {
			c.sent++
		}
	}
	n.After(c.every, "send")
}

func (c *chatter) AppendState(dst []byte) []byte { return dst }

// echoWorld is a client that sends a message a second to an echo.
func echoWorld(f Faults) func(w *World) {
	return func(w *World) {
		w.Faults(f)
		server := w.Server("server", Echo)
		w.Client("client", server, func() App { return &chatter{every: time.Second} })
	}
}

func BenchmarkRun(b *testing.B) {
	for _, bench := range []struct {
		name   string
		faults Faults
		o      RunOptions
	}{
		{"undisturbed", 0, RunOptions{}},
		{"undisturbed, unwatched", 0, RunOptions{Unwatched: true}},
		{"benign", Benign, RunOptions{}},
		{"benign, unwatched", Benign, RunOptions{Unwatched: true}},
		{"all faults", AllFaults, RunOptions{}},
		{"all faults, unwatched", AllFaults, RunOptions{Unwatched: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			build := echoWorld(bench.faults)
			steps, tape := 0, FromSeed(0)
			for i := 0; b.Loop(); i++ {
				tape.Reset(uint64(i))
				r := Run(tape, build, bench.o)
				if r.Failure != nil {
					b.Fatalf("seed %d: %v", i, r.Failure)
				}
				steps += r.Steps
			}
			b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}
