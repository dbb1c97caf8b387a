package sim

import (
	"regexp"
	"testing"
)

type explosive struct{}

func (explosive) OnEvent(n *Node, ev Event) {
	if ev.Kind == Opened {
		explode(n)
	}
}

func (explosive) OnTimer(*Node, string) {}

func explode(n *Node) { panic(&explosive{}) }

// A panic tells where the program was, in words that are the same in every run.
func TestPanicIsTheSameInEveryRun(t *testing.T) {
	build := func(w *World) {
		w.Client("ann", w.Server("room", quiet), func() App { return explosive{} })
	}
	want := regexp.MustCompile(`^panic: \*sim\.explosive
  sim\.explode panic_test\.go:\d+
  sim\.explosive\.OnEvent panic_test\.go:\d+$`)
	var texts []string
	for range 2 {
		r := Run(zeros(t), build, RunOptions{})
		if r.Failure == nil || !want.MatchString(r.Failure.Err.Error()) {
			t.Fatalf("%v", r.Failure)
		}
		texts = append(texts, r.Failure.Err.Error())
	}
	done := make(chan string)
	go func() { done <- Run(zeros(t), build, RunOptions{Trace: true}).Failure.Err.Error() }()
	if other := <-done; other != texts[0] || texts[1] != texts[0] {
		t.Errorf("%q, %q, %q", texts[0], texts[1], other)
	}
}

// So does one of the function that builds the world.
func TestPanicWhileBuilding(t *testing.T) {
	r := Run(zeros(t), func(*World) {
		var n *Node
		_ = n.Name()
	}, RunOptions{})
	want := regexp.MustCompile(`^panic: runtime error: invalid memory address or nil pointer dereference
  sim\.TestPanicWhileBuilding\.func1 panic_test\.go:\d+$`)
	if r.Failure == nil || !want.MatchString(r.Failure.Err.Error()) {
		t.Errorf("%v", r.Failure)
	}
}
