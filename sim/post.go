package sim

import (
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// Post sends value to another node, outside of any connection, as to a database
// or a queue: it arrives after the latency of the node's Link, in any order. A
// node that is down then never gets it. The node that posts must be up, as for
// [Node.Dial]. A chart shows the value by its String or Error method if it has
// one; of a value that holds pointers it shows the type.
func (n *Node) Post(to *Node, value any) {
	if to == nil || to.w != n.w {
		n.w.misuse("%s posts to a node that is not of this world", n.name)
		return
	}
	if !n.acts("posts") {
		return
	}
	w := n.w
	w.posted++
	p := w.notePost(n, to, value)
	t := &task{}
	t.run = func() {
		if to.bootIfDue(); to.sleeps(t) {
			return
		}
		w.posted--
		if !to.up {
			w.postArrives(p, chart.Lost)
			return
		}
		w.notePosted(n, to, p)
		to.tell(Event{Kind: Posted, From: n, Value: value})
	}
	delay := n.Link.Latency
	if !w.healed {
		if n.posts == nil {
			n.posts = w.tape.Stream(n.name + ".post")
		}
		delay += n.posts.Between(0, n.Link.Jitter)
	}
	at := w.now.Add(delay)
	w.postArrives(p, time.Duration(at))
	w.tasks.set(t, at)
}

// A posting is a value on its way, as a chart shows it.
type posting struct {
	step int    // of the chart
	text string // the value
}

// notePost notes that n posts value. The hash knows of no values: it must not
// depend on addresses.
func (w *World) notePost(n, to *Node, value any) posting {
	w.mix(uint64(n.lane)<<32 | uint64(to.lane))
	if w.trace == nil {
		return posting{}
	}
	text := valueText(value)
	s := chart.Step{
		Lane: n.lane, Kind: chart.Send, Text: fmt.Sprintf("posts %s to %s", text, to.name), To: to.lane,
	}
	if to == n {
		s.Kind = chart.Call // no arrow leads from a lane to itself
	}
	return posting{w.note(s), text}
}

// postArrives notes when what was posted arrives, as far as that is known.
func (w *World) postArrives(p posting, at time.Duration) {
	if w.trace != nil {
		w.trace.steps[p.step].Arrival = at
	}
}

// notePosted notes that to takes what n posted.
func (w *World) notePosted(n, to *Node, p posting) {
	w.mix(uint64(to.lane)<<32 | uint64(n.lane))
	if w.trace == nil {
		return
	}
	w.postArrives(p, time.Duration(w.now))
	w.note(chart.Step{Lane: to.lane, Kind: chart.Event, Text: fmt.Sprintf("Posted by %s: %s", n.name, p.text)})
}

// valueText puts a value of the application into words that are the same in
// every run.
func valueText(v any) string {
	const most = 80
	s := fmt.Sprintf("%T", v)
	switch v := v.(type) {
	case string:
		return brief([]byte(v))
	case []byte:
		return brief(v)
	default:
		if left := 256; printsAlike(reflect.ValueOf(v), &left) {
			s = fmt.Sprint(v)
		}
	}
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:end], len(s))
}

// printsAlike reports whether v prints without an address: it says itself what it
// is, or holds no pointer. left is how many values may still be looked at.
func printsAlike(v reflect.Value, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	if v.IsValid() && v.CanInterface() {
		switch v.Interface().(type) {
		case fmt.Stringer, error:
			return true
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.UnsafePointer, reflect.Uintptr, reflect.Chan, reflect.Func:
		return false
	case reflect.Interface:
		return printsAlike(v.Elem(), left)
	case reflect.Struct:
		for i := range v.NumField() {
			if !printsAlike(v.Field(i), left) {
				return false
			}
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			if !printsAlike(v.Index(i), left) {
				return false
			}
		}
	case reflect.Map:
		return mapPrintsAlike(v, left)
	}
	return true
}

// mapPrintsAlike is printsAlike of a map. It prints in the order of its keys, which for
// those of different types is that of addresses.
func mapPrintsAlike(v reflect.Value, left *int) bool {
	if v.Type().Key().Kind() == reflect.Interface {
		return false
	}
	all := true
	for i := v.MapRange(); i.Next() && *left >= 0; {
		all = printsAlike(i.Key(), left) && printsAlike(i.Value(), left) && all
	}
	return all && *left >= 0
}
