package sim

import (
	"testing"

	"github.com/fb1e3c20/websockets/core"
)

// A chart says what is wrong with a frame
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
func TestDescribeFlaws(t *testing.T) {
	const mask = "\x00\x00\x00\x00"
	for _, test := range []struct {
		role core.Role
		wire string
		want string
	}{
		{core.Server, "\x81\x02hi", `text "hi"`},
		{core.Client, "\x81\x82" + mask + "hi", `text "hi"`},
		{core.Client, "\x81\x02hi", `text, unmasked "hi"`},
		{core.Server, "\x81\x82" + mask + "hi", `text, masked "hi"`},
		{core.Server, "\xF1\x00", `text, rsv1, rsv2, rsv3 ""`},
		{core.Server, "\x21\x00", `text, rsv2, more to come ""`},
		{core.Server, "\x09\x00", `ping, FIN not set`},
		{core.Server, "\x08\x02\x03\xe8", `close, FIN not set 1000`},
		{core.Client, "\x88\x02\x03\xe8", `close, unmasked 1000`},
		{core.Server, "\x88\x01x", `close with a payload that is malformed: "x"`},
		{core.Server, "\x81\x7e\x00\x02hi", `bytes "\x81~\x00\x02hi": text, its length not in the shortest form`},
		{core.Server, "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", `bytes "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00": binary, its length with the top bit set`},
		{core.Server, "\x81\x7dhi", `text, 2 of its 125 bytes "hi"`},
		{core.Client, "\x81\x09hi", `text, unmasked, 2 of its 9 bytes "hi"`},
		{core.Server, "\x81\x7e\x03\xe8", `text, 0 of its 1000 bytes`},
		{core.Server, "\x81", `bytes "\x81"`},
		{core.Server, "hello", `bytes "hello"`},
	} {
		if got := describeFrom(test.role, []byte(test.wire)); got != test.want {
			t.Errorf("%v, %q: %s, want %s", test.role, test.wire, got, test.want)
		}
	}
}

// A node that is up again does not stay down in the chart.
func TestUpIsDrawn(t *testing.T) {
	r := Run(zeros(t), func(w *World) {
		n := w.Server("a", quiet)
		w.At(1, func() { n.Crash(false); n.Restart(1) })
	}, RunOptions{Trace: true})
	var states []string
	for _, s := range r.Chart().Steps {
		if s.Lane == 0 {
			states = append(states, s.Text+"/"+s.State)
		}
	}
	if got, want := len(states), 3; got != want || states[1] != "crashes/down" || states[2] != "up/up" {
		t.Errorf("%q", states)
	}
}
