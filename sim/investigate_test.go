package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// A world that depends on how often it was built does not replay, and the first
// step that differs is named.
func TestInvestigateFindsWhatDoesNotReplay(t *testing.T) {
	built := 0
	build := func(w *World) {
		built++
		odd := built%2 == 1
		server := w.Server("server", func() App {
			return &testApp{timer: func(n *Node, name string) {
				if n.After(time.Second, "tick"); odd {
					n.After(time.Millisecond, "tock")
				}
			}}
		})
		w.At(30*time.Second, func() { server.After(time.Second, "tick") })
		w.At(40*time.Second, func() { w.Fail("always") })
	}
	r := Run(FromSeed(1), build, RunOptions{})
	f := Investigate(build, r, RunOptions{}, InvestigateOptions{})
	if f.Divergence == nil || f.Chart == nil || f.Runs != 0 || f.Failure != r.Failure {
		t.Fatalf("%+v", f)
	}
	text := f.Divergence.Error()
	for _, want := range []string{"does not replay", `timer \"tick\" of the application`, `timer \"tock\" of the application`, "a map that is ranged over"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
}

// What an App does in a step is not all seen at once: the step is named all the
// same, and what a chart shows later. The run that failed is drawn.
func TestInvestigateTellsWhatDiffers(t *testing.T) {
	const failing = "fails now and then"
	built := 0
	build := func(w *World) {
		built++
		odd := built%2 == 1
		server := w.Server("server", func() App {
			return AppFunc(func(n *Node, ev Event) {
				if ev.Kind == Message {
					ev.Conn.Hold(true)
					w.At(time.Second, func() { w.happened(0, chart.Note, "later") })
				}
			})
		})
		w.Client("client", server, func() App {
			return AppFunc(func(n *Node, ev Event) {
				if ev.Kind == Opened {
					n.w.mix(uint64(built)) // what is not drawn
					if odd {
						n.After(time.Second, "tick")
					}
				}
			})
		})
		w.At(3*time.Second, func() {
			if odd {
				w.violate(failing, fmt.Errorf("it is odd"))
			}
		})
	}
	f := Investigate(build, Run(zeros(t), build, RunOptions{}), RunOptions{}, InvestigateOptions{})
	if f.Divergence == nil {
		t.Fatal("no divergence was found")
	}
	text := f.Divergence.Error()
	for _, want := range []string{`"Opened" at client, 10ms`, "in both runs, yet they differ in it", "something that an App did, sent or chose",
		`The first difference that a chart shows is `, `timer \"tick\" of the application`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	if !strings.HasPrefix(f.Chart.Violation, failing) || f.Chart.Facts[len(f.Chart.Facts)-1].Value != "a repetition, which failed as the first run did" {
		t.Errorf("another run than the one that failed is drawn: %+v", f.Chart)
	}
}

// A verdict that comes from outside of the world does not replay either, though
// the same things happen in it.
func TestInvestigateFindsAVerdictFromOutside(t *testing.T) {
	built := 0
	build := func(w *World) {
		built++
		first := built == 1
		w.Server("server", quiet)
		w.Eventually("not the first", func() error {
			if first {
				return fmt.Errorf("it is the first")
			}
			return nil
		})
	}
	r := Run(FromSeed(1), build, RunOptions{})
	f := Investigate(build, r, RunOptions{}, InvestigateOptions{})
	if f.Divergence == nil || !strings.Contains(f.Divergence.Error(), "it is the first") {
		t.Errorf("%+v", f.Divergence)
	}
}

// What is left after shrinking violates the same property, with few choices.
func TestInvestigateShrinks(t *testing.T) {
	build := func(w *World) {
		w.Faults(AllFaults)
		server := w.Server("server", Echo)
		client := w.Client("client", server, func() App { return &chatter{every: time.Second} })
		w.Always("connected", func() error {
			for _, c := range client.conns {
				if c.sock.in.broken != nil {
					return fmt.Errorf("reset")
				}
			}
			return nil
		})
		w.Always("another property", func() error {
			if w.now > 0 && client.Now() < 0 {
				return fmt.Errorf("negative")
			}
			return nil
		})
	}
	found := 0
	for seed := range uint64(100) {
		r := Run(FromSeed(seed), build, RunOptions{})
		if r.Failure == nil || r.Failure.Property != "connected" {
			continue
		}
		if found++; found > 3 {
			break
		}
		f := Investigate(build, r, RunOptions{}, InvestigateOptions{})
		if f.Divergence != nil {
			t.Fatalf("seed %d: %v", seed, f.Divergence)
		}
		if f.Failure.Property != "connected" || len(f.Choices) > 12 || f.First <= len(f.Choices) || f.Runs == 0 || f.Chart.Violation != "connected: reset" {
			t.Errorf("seed %d: %v, %d choices of %d, %q", seed, f.Failure, len(f.Choices), f.First, f.Chart.Violation)
		}
		again := Run(replay(f.Choices), build, RunOptions{})
		if again.Hash != f.Hash || again.Failure == nil || again.Failure.Property != "connected" {
			t.Errorf("seed %d: what was found does not replay", seed)
		}
	}
	if found == 0 {
		t.Error("no seed fails")
	}
}
