package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fb1e3c20/websockets"
)

// watching receives events one by one.
type watching struct {
	t      *testing.T
	conn   *websockets.Conn
	events []event
}

func (w *watching) next() event {
	w.t.Helper()
	for len(w.events) == 0 {
		_, p, err := w.conn.Receive(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(p, &w.events); err != nil {
			w.t.Fatalf("%v in %s", err, p)
		}
	}
	e := w.events[0]
	w.events = w.events[1:]
	return e
}

// until returns the events up to one of a kind, each as a line.
func (w *watching) until(kind string) []string {
	w.t.Helper()
	var lines []string
	for {
		e := w.next()
		line := strings.TrimSpace(e.Kind + " " + e.Direction)
		switch e.Kind {
		case "open":
			line += " " + e.Target
		case "frame":
			line += fmt.Sprintf(" %d %d %q", e.Opcode, e.Length, e.Data)
		case "note":
			line += " " + e.Text
		}
		lines = append(lines, line)
		if e.Kind == kind {
			return lines
		}
	}
}

func TestInspect(t *testing.T) { onBothCores(t, testInspect) }

func testInspect(t *testing.T, core string) {
	s := serve(t, "--core", core)
	early := dial(t, s.url("/chat"), websockets.Strict())
	send(t, early, "unwatched")
	wantMessage(t, early, "unwatched")

	w := &watching{t: t, conn: dial(t, s.url("/inspect"), websockets.Strict())}
	if e := w.next(); e.Kind != "open" || e.Target != "/chat" || e.Peer == "" {
		t.Fatalf("got %+v, want the open connection", e)
	}
	c := dial(t, s.url("/echo?page=1"), websockets.Strict())
	send(t, c, "hello")
	wantMessage(t, c, "hello")
	if err := c.Close(4001, "so long"); err != nil {
		t.Fatal(err)
	}
	got := w.until("end")
	for _, want := range []string{
		"open /echo?page=1",
		"head in",
		"head out",
		`frame in 1 5 "hello"`,
		`frame out 1 5 "hello"`,
		`frame in 8 9 "\x0f\xa1so long"`,
		"note websocket: closed by the peer: 4001",
		"end",
	} {
		i := slices.IndexFunc(got, func(line string) bool { return strings.HasPrefix(line, want) })
		if i < 0 {
			t.Fatalf("%q is missing, or not in its place, in what is left of it:\n%s", want, strings.Join(got, "\n"))
		}
		if strings.HasPrefix(want, "frame") || strings.HasPrefix(want, "head") {
			got = got[i:]
		}
	}
	// Who comes later hears of the open connection alone.
	later := &watching{t: t, conn: dial(t, s.url("/inspect"), websockets.Strict())}
	if e := later.next(); e.Target != "/chat" || len(later.events) > 0 {
		t.Errorf("got %+v and then %+v", e, later.events)
	}
	// The frames of the early connection are in step, though nobody watched
	// its first ones.
	send(t, early, "watched")
	if e := w.next(); e.Kind != "frame" || string(e.Data) != "watched" {
		t.Errorf("got %+v", e)
	}
}

// A watcher that does not take its events misses some and is told how many;
// the memory that waits for it is bounded.
func TestInspectorDropsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInspector()
		w := i.watch()
		for range maxEvents + 10 {
			i.publish(event{Kind: "frame"})
		}
		events, err := w.next(t.Context())
		if err != nil || len(events) != maxEvents+1 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		if e := events[maxEvents]; e.Kind != "missed" || e.Missed != 10 {
			t.Errorf("got %+v", e)
		}
		i.unwatch(w)
		if i.watched() {
			t.Error("watched by nobody")
		}
	})
}

// Events of a moment go together, and in order.
func TestInspectorGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInspector()
		w := i.watch()
		go func() {
			for n := range 10 {
				i.publish(event{Kind: "frame", Length: int64(n)})
			}
		}()
		events, err := w.next(t.Context())
		if err != nil || len(events) != 10 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		for n, e := range events {
			if e.Length != int64(n) {
				t.Errorf("event %d is %d", n, e.Length)
			}
		}
	})
}
