package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A guest is a client of a server under test.
type guest struct {
	*websockets.Conn
	t *testing.T
}

// enter connects in memory.
func enter(t *testing.T, s *websockets.Server, room, name string) guest {
	t.Helper()
	ours, theirs := pipe.New(0)
	go s.ServeStream(t.Context(), ours)
	d := websockets.Dialer{Options: websockets.Strict()}
	at := url.URL{Scheme: "ws", Host: "test", Path: "/socket", RawQuery: url.Values{"room": {room}, "name": {name}}.Encode()}
	c, err := d.DialStream(t.Context(), theirs, at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return guest{c, t}
}

// hear returns the next message in few words.
func (g guest) hear() string {
	g.t.Helper()
	var m struct {
		event
		Room    string
		Names   []string
		History []event
	}
	_, p, err := g.Receive(g.t.Context())
	if err != nil {
		return err.Error()
	}
	if err := json.Unmarshal(p, &m); err != nil {
		g.t.Fatalf("%v in %q", err, p)
	}
	switch m.Kind {
	case "welcome":
		var history []string
		for _, e := range m.History {
			history = append(history, e.Name+": "+e.Text)
		}
		return fmt.Sprintf("%s in %s with %q after %q", m.Name, m.Room, m.Names, history)
	case "said":
		if late := time.Since(time.UnixMilli(m.At)); late > time.Millisecond {
			g.t.Errorf("heard %v after it was said", late)
		}
		return m.Name + ": " + m.Text
	}
	return m.Name + " " + m.Kind
}

func (g guest) hears(wants ...string) {
	g.t.Helper()
	for _, want := range wants {
		if got := g.hear(); got != want {
			g.t.Errorf("heard %q, want %q", got, want)
		}
	}
}

func (g guest) say(text string) {
	g.t.Helper()
	if err := g.Send(g.t.Context(), websockets.Text, []byte(text)); err != nil {
		g.t.Fatal(err)
	}
}

// isClosed reads to the end.
func (g guest) isClosed(code websockets.CloseCode, reason string) {
	g.t.Helper()
	var err error
	for err == nil {
		_, _, err = g.Receive(g.t.Context())
	}
	if e, ok := err.(*websockets.Error); !ok || websockets.CloseStatus(err) != code || reason != "" && e.Reason != reason {
		g.t.Errorf("got %v, want a close with %v %q", err, code, reason)
	}
}

func (g guest) leave() {
	g.t.Helper()
	if err := g.Close(websockets.NormalClosure, ""); err != nil {
		g.t.Error(err)
	}
	synctest.Wait()
}

// bubble runs a test with a server in fake time.
func bubble(t *testing.T, test func(*testing.T, *websockets.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		defer s.Shutdown(context.Background())
		test(t, s)
	})
}

func TestTwoInARoom(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		ann := enter(t, s, "tea", "Ann")
		ann.hears(`Ann in tea with ["Ann"] after []`)
		ann.say("anybody here?")
		ann.hears("Ann: anybody here?")
		bob := enter(t, s, "tea", "Bob")
		bob.hears(`Bob in tea with ["Ann" "Bob"] after ["Ann: anybody here?"]`)
		ann.hears("Bob joined")
		bob.say("  me <b>& only me</b>\n")
		bob.say(" \n ") // is nothing
		bob.say("wörld")
		ann.hears("Bob: me <b>& only me</b>")
		bob.hears("Bob: me <b>& only me</b>")
		ann.hears("Bob: wörld")
		bob.hears("Bob: wörld")
		bob.leave()
		ann.hears("Bob left")
	})
}

func TestRoomsAreApart(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		ann, bob := enter(t, s, "tea", "Ann"), enter(t, s, "", "")
		ann.hears(`Ann in tea with ["Ann"] after []`)
		bob.hears(`guest in lobby with ["guest"] after []`)
		ann.say("tea?")
		ann.hears("Ann: tea?")
		bob.say("no")
		bob.hears("guest: no")
		ann.leave()
		enter(t, s, "tea", "Ann").hears(`Ann in tea with ["Ann"] after []`) // the room was gone
	})
}

func TestOneNameTwice(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		first, second := enter(t, s, "tea", "Ann"), guest{}
		first.hears(`Ann in tea with ["Ann"] after []`)
		second = enter(t, s, "tea", "Ann")
		second.hears(`Ann (2) in tea with ["Ann" "Ann (2)"] after []`)
		first.hears("Ann (2) joined")
		first.leave()
		second.hears("Ann left")
		enter(t, s, "tea", "Ann").hears(`Ann in tea with ["Ann (2)" "Ann"] after []`)
	})
}

func TestHistoryIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		ann := enter(t, s, "tea", "Ann")
		ann.hear()
		var last []string
		for i := range 3*maxHistory + 7 {
			said := fmt.Sprint(i)
			ann.say(said)
			ann.hears("Ann: " + said)
			last = append(last, "Ann: "+said)
		}
		last = last[len(last)-maxHistory:]
		enter(t, s, "tea", "Bob").hears(fmt.Sprintf(`Bob in tea with ["Ann" "Bob"] after %q`, last))
	})
}

// One who does not read is dropped, and told why when reading again; the others
// hear everything at once.
func TestSlowReader(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		slow, ann := enter(t, s, "tea", "Slow"), guest{}
		slow.hear()
		ann = enter(t, s, "tea", "Ann")
		ann.hear()
		text := strings.Repeat("x", maxText)
		for said := 1; ; said++ {
			ann.say(text)
			got := ann.hear()
			if got == "Slow left" {
				break
			}
			if got != "Ann: "+text {
				t.Fatalf("heard %.100q", got)
			}
			if said*len(text) > 1<<20 {
				t.Fatal("a megabyte is kept for one who does not read")
			}
		}
		ann.hears("Ann: " + text)
		slow.isClosed(websockets.TryAgainLater, "you read too slowly")
	})
}

// One who talks without end is held back; nobody is dropped for it.
func TestFlood(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		ann, bob := enter(t, s, "tea", "Ann"), guest{}
		ann.hear()
		bob = enter(t, s, "tea", "Bob")
		bob.hear()
		const many = 300
		begin := time.Now()
		go func() {
			for i := range many {
				ann.say(fmt.Sprint(i))
			}
		}()
		for i := range many {
			bob.hears(fmt.Sprintf("Ann: %d", i))
		}
		if took := time.Since(begin); took != (many-1)*pace {
			t.Errorf("it took %v, want %v", took, (many-1)*pace)
		}
	})
}

func TestFullRoom(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		for i := range maxMembers {
			go func() {
				g := enter(t, s, "tea", fmt.Sprint(i))
				for range g.Messages(t.Context()) {
				}
			}()
		}
		synctest.Wait()
		enter(t, s, "tea", "late").isClosed(websockets.TryAgainLater, "the room is full")
		enter(t, s, "coffee", "late").hears(`late in coffee with ["late"] after []`)
	})
}

func TestWhatIsNoMessage(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		for _, test := range []struct {
			typ  websockets.MessageType
			p    []byte
			code websockets.CloseCode
		}{
			{websockets.Binary, []byte("hello"), websockets.UnsupportedData},
			{websockets.Text, make([]byte, maxText+1), websockets.MessageTooBig},
		} {
			g := enter(t, s, "tea", "Ann")
			if err := g.Send(t.Context(), test.typ, test.p); err != nil {
				t.Fatal(err)
			}
			g.isClosed(test.code, "")
		}
	})
}

func TestShutdown(t *testing.T) {
	bubble(t, func(t *testing.T, s *websockets.Server) {
		ann, bob := enter(t, s, "tea", "Ann"), enter(t, s, "tea", "Bob")
		ann.say("hello")
		synctest.Wait()
		go s.Shutdown(t.Context())
		ann.isClosed(websockets.GoingAway, "")
		bob.isClosed(websockets.GoingAway, "")
	})
}

func TestLabel(t *testing.T) {
	for typed, want := range map[string]string{
		"":                        "otherwise",
		" \t\n":                   "otherwise",
		"\u202e\x00":              "otherwise",
		" Ann\u00a0 of\u200b Oz ": "Ann of Oz",
		"\xffAnn":                 "\ufffdAnn",
		strings.Repeat("😀", 99):   strings.Repeat("😀", maxLabel),
		strings.Repeat("wö", 50):  strings.Repeat("wö", maxLabel/2),
		strings.Repeat("a ", 50):  strings.TrimSpace(strings.Repeat("a ", maxLabel/2)),
	} {
		if got := label(typed, "otherwise"); got != want {
			t.Errorf("%q becomes %q, want %q", typed, got, want)
		}
	}
}
