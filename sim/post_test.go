package sim

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/sim/chart"
)

type named struct{ next *named }

func (named) String() string { return "by name" }

// The chart shows what is posted as an arrow, lost when its target is down.
func TestPostIsDrawn(t *testing.T) {
	build := func(w *World) {
		w.Link.Latency = 7 * time.Millisecond
		a, b := w.Server("a", quiet), w.Server("b", quiet)
		w.At(time.Second, func() { a.Post(b, "one"); a.Post(a, 2) })
		w.At(2*time.Second, func() { b.Crash(false); a.Post(b, &struct{ int }{3}) })
		w.Run(3 * time.Second)
		b.Restart(0)
		w.At(0, func() { a.Post(b, "on its way") })
		w.Run(time.Millisecond)
		w.healed, w.settled = true, true
	}
	r := Run(zeros(t), build, RunOptions{Trace: true})
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
	steps := map[string]chart.Step{}
	for _, s := range r.Chart().Steps {
		steps[s.Text] = s
	}
	arrives := time.Second + 7*time.Millisecond
	if s := steps[`posts "one" to b`]; s.Kind != chart.Send || s.Lane != 0 || s.To != 1 || s.Arrival != arrives {
		t.Errorf("%+v", s)
	}
	if s := steps[`Posted by a: "one"`]; s.Kind != chart.Event || s.Lane != 1 || s.At != arrives {
		t.Errorf("%+v", s)
	}
	if s := steps["posts 2 to a"]; s.Kind != chart.Call || s.At != time.Second {
		t.Errorf("%+v", s)
	}
	if s := steps["posts *struct { int } to b"]; s.Kind != chart.Send || s.Arrival != chart.Lost {
		t.Errorf("%+v", s)
	}
	if s := steps[`posts "on its way" to b`]; s.Arrival != 3*time.Second+7*time.Millisecond {
		t.Errorf("%+v", s)
	}
	if err := r.Chart().Check(); err != nil {
		t.Error(err)
	}
	if plain := Run(zeros(t), build, RunOptions{}); plain.Hash != r.Hash {
		t.Error("the hash depends on the trace, or on an address")
	}
}

// zeros returns a tape that answers 0 throughout.
func zeros(t *testing.T) *Tape {
	t.Helper()
	tape, err := FromChoices(nil)
	if err != nil {
		t.Fatal(err)
	}
	return tape
}

func TestValueText(t *testing.T) {
	type point struct{ X, Y int }
	type holder struct {
		Name string
		next *point
	}
	for _, test := range []struct {
		value any
		want  string
	}{
		{nil, "<nil>"},
		{7, "7"},
		{"a\nb", `"a\nb"`},
		{[]byte("ab"), `"ab"`},
		{point{1, 2}, "{1 2}"},
		{&point{1, 2}, "*sim.point"},
		{holder{"x", nil}, "sim.holder"},
		{[]any{1, &point{}}, "[]interface {}"},
		{map[string]int{"b": 2, "a": 1}, "map[a:1 b:2]"},
		{map[any]int{"b": 2}, "map[interface {}]int"},
		{map[string]*int{"b": new(int)}, "map[string]*int"},
		{named{}, "by name"},
		{&named{&named{}}, "by name"},
		{(*named)(nil), "<nil>"},
		{time.Second, "1s"},
		{errors.New("no"), "no"},
		{func() {}, "func()"},
		{make(chan int), "chan int"},
		{make([]int, 1000), "[]int"},
		{errors.New(strings.Repeat("é", 100)), strings.Repeat("é", 40) + "… (200 bytes)"},
		{strings.Repeat("a", 100), `"` + strings.Repeat("a", 32) + `"… (100 bytes)`},
	} {
		if got := valueText(test.value); got != test.want {
			t.Errorf("%T: %q, want %q", test.value, got, test.want)
		}
	}
}
