package core

import (
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

func TestRole(t *testing.T) {
	if Server.String() != "server" || Client.String() != "client" {
		t.Error("names of the roles")
	}
	bothRoles(t, func(t *testing.T, role Role) {
		if opened(t, role).Role() != role {
			t.Error("another role")
		}
	})
}

// Situations that an end can be in, each unlike all others.
var situations = []struct {
	name string
	make func(e *end)
}{
	{"at rest", func(e *end) {}},
	{"later", func(e *end) { e.after(time.Second).tick() }},
	{"in a header", func(e *end) { e.recv("\x81") }},
	{"in a message", func(e *end) { e.recv("\x01\x01a") }},
	{"in a longer message", func(e *end) { e.recv("\x01\x02ab") }},
	{"after two fragments", func(e *end) { e.recv("\x01\x01a\x00\x01b") }},
	{"in a character", func(e *end) { e.recv("\x01\x02a\xe2") }},
	{"in a frame", func(e *end) { e.recv("\x81\x02a") }},
	{"in a binary frame", func(e *end) { e.recv("\x82\x02a") }},
	{"in a longer frame", func(e *end) { e.recv("\x82\x03a") }},
	{"in a ping", func(e *end) { e.recv("\x89\x02a") }},
	{"in another ping", func(e *end) { e.recv("\x89\x02b") }},
	{"in a pong", func(e *end) { e.recv("\x8a\x02b") }},
	{"a pong waits", func(e *end) { e.blocked = true; e.recv("\x89\x01a") }},
	{"another pong waits", func(e *end) { e.blocked = true; e.recv("\x89\x01b") }},
	{"sending", func(e *end) { e.take(e.AppendFragment(nil, frame.Text, []byte("a"), false)) }},
	{"sending binary", func(e *end) { e.take(e.AppendFragment(nil, frame.Binary, []byte("a"), false)) }},
	{"sending a character", func(e *end) { e.take(e.AppendFragment(nil, frame.Text, []byte("\xe2"), false)) }},
	{"unsent", func(e *end) { e.stuck = true; e.take(e.AppendMessage(nil, frame.Text, []byte("a"))) }},
	{"stalled", func(e *end) {
		e.stuck = true
		e.take(e.AppendMessage(nil, frame.Text, []byte("a")))
		e.Wrote(e.at, 0)
	}},
	{"a ping is out", func(e *end) { e.stuck = true; e.take(e.AppendPing(nil, nil)) }},
	{"a ping is written", func(e *end) { e.take(e.AppendPing(nil, nil)) }},
	{"reading ahead", func(e *end) { e.SetReadAhead(0, true) }},
	{"not reading", func(e *end) { e.SetReading(0, false) }},
	{"credit", func(e *end) {
		e.SetReading(0, false)
		e.after(time.Second).SetReading(e.at, true)
	}},
	{"closing", func(e *end) { e.close(1000, "") }},
	{"closed by the peer", func(e *end) { e.recv(close1000) }},
	{"held", func(e *end) { e.SetReadAhead(0, true); e.recv(close1000) }},
	{"held with another code", func(e *end) { e.SetReadAhead(0, true); e.recv(close1001) }},
	{"failed", func(e *end) { e.recv("\x83\x00") }},
	{"lost", func(e *end) { e.lost() }},
	{"ended", func(e *end) { e.eof() }},
}

// The dump tells every situation from every other, and a snapshot dumps alike.
func TestDump(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		seen := map[string]string{}
		for _, s := range situations {
			e := openedWith(t, role, Config{Pings: PingAnswer, PongTimeout: 20 * time.Second})
			s.make(e)
			dump := dumpOf(e.Conn)
			if !strings.HasSuffix(dump, "\n") || strings.Count(dump, "\n") != 1 {
				t.Errorf("%s: not one line: %q", s.name, dump)
			}
			if other, twice := seen[dump]; twice {
				t.Errorf("%q and %q dump alike: %s", s.name, other, dump)
			}
			seen[dump] = s.name
			if again := dumpOf(e.Snapshot()); again != dump {
				t.Errorf("%s: the snapshot dumps %s, not %s", s.name, again, dump)
			}
		}
	})
}

// The same situation at another time dumps alike.
func TestDumpIsRelativeToTime(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, s := range situations {
			if s.name == "reading ahead" || strings.HasPrefix(s.name, "held") || strings.Contains(s.name, "reading") || s.name == "credit" {
				continue // their calls name a time
			}
			set := settings(t, Config{Pings: PingAnswer, PongTimeout: 20 * time.Second})
			dumps := [2]string{}
			for i, start := range []clock.Time{0, 1e15} {
				c, err := NewOpen(set, start, role)
				if err != nil {
					t.Fatal(err)
				}
				e := wrap(t, c)
				e.at = start
				s.make(e)
				dumps[i] = dumpOf(c)
			}
			if dumps[0] != dumps[1] {
				t.Errorf("%s: %s%s", s.name, dumps[0], dumps[1])
			}
		}
	})
}

// A snapshot goes its own way: what happens to one end is not seen by the
// other.
func TestSnapshotSharesNothing(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, s := range situations {
			e := opened(t, role)
			s.make(e)
			before := dumpOf(e.Conn)
			twin := e.snapshot()
			twin.recv("\x80\x01z\x89\x03zzz" + close1000)
			twin.after(time.Hour).tick()
			twin.lost()
			if after := dumpOf(e.Conn); after != before {
				t.Errorf("%s: %sbecame %s", s.name, before, after)
			}
		}
	})
	half := newTestServer(t, Config{})
	half.recvRaw(sampleGET)
	before := dumpOf(half.Conn)
	twin := half.snapshot()
	twin.recvRaw("X: y\r\n\r\n")
	twin.wantEvents("request")
	twin.accept(AcceptOptions{})
	if dumpOf(half.Conn) != before {
		t.Error("the snapshot of a handshake shares memory")
	}
	half.recvRaw("\r\n")
	half.wantEvents("request")
	if half.Request().Get("X") != "" {
		t.Error("the snapshot's field came through")
	}
}

// The dump knows the handshake: a key, a request that waits, the offer.
func TestDumpOfHandshakes(t *testing.T) {
	seen := map[string]bool{}
	add := func(name string, e *end) {
		dump := dumpOf(e.Conn)
		if seen[dump] {
			t.Errorf("%s is not told from the others", name)
		}
		seen[dump] = true
	}
	server := func(in string) *end {
		e := newTestServer(t, Config{})
		e.recvRaw(in)
		return e
	}
	add("nothing", server(""))
	add("a part", server("GET"))
	add("a request", server(sampleGET+"\r\n"))
	add("another path", server(strings.Replace(sampleGET, "/chat", "/", 1)+"\r\n"))
	add("another key", server(strings.Replace(sampleGET, "dGhl", "AAAA", 1)+"\r\n"))
	n := uint32(0)
	count := func() uint32 { n++; return n }
	for range 2 {
		c := newTestClient(t, Config{Entropy: count}, RequestOptions{})
		c.drain()
		add("a client", c)
	}
	for _, offer := range []string{"a", "b"} {
		c := newTestClient(t, Config{}, RequestOptions{Subprotocols: []string{offer}})
		c.drain()
		add("offer "+offer, c)
	}
	c := newTestClient(t, Config{}, RequestOptions{})
	c.drain()
	c.recvRaw("HTTP/1.1 100 Continue\r\n\r\n")
	add("after an interim response", c)
}

func TestAppendInt(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", -1: "-1", 1234567890: "1234567890", -1 << 63: "-9223372036854775808", 1<<63 - 1: "9223372036854775807"} {
		if got := string(appendInt([]byte("x"), n)); got != "x"+want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
