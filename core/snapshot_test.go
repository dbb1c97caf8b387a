package core

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/internal/digest"
)

func restored(t testing.TB, c *Conn) *Conn {
	t.Helper()
	snapshot := c.AppendSnapshot([]byte("before"))
	r, err := RestoreConn(c.set, snapshot[len("before"):])
	if err != nil {
		t.Fatalf("%v: %s%x", err, dumpOf(c), snapshot)
	}
	wantSame(t, r, c)
	return r
}

// wantSame compares two connections, their unused memory apart.
func wantSame(t testing.TB, got, want *Conn) {
	t.Helper()
	if dumpOf(got) != dumpOf(want) {
		t.Fatalf("restored %swant %s", dumpOf(got), dumpOf(want))
	}
	g, w := *got, *want
	for _, c := range []*Conn{&g, &w} {
		c.hs = nil
		c.pieces = c.pieces.clone()
		p := c.inPieces()
		clear(p.hdr[c.hdrLen:])
		clear(p.slot[p.slotLen:])
	}
	if !reflect.DeepEqual(g, w) {
		t.Fatalf("restored %+v\nwant %+v", g, w)
	}
}

func TestRestoreSituations(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, s := range situations {
			e := openedWith(t, role, Config{Pings: PingAnswer, PongTimeout: 20 * time.Second})
			s.make(e)
			restored(t, e.Conn)
		}
	})
}

// What is restored behaves as the original from then on, whatever is called.
func TestRestoredBehavesAlike(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		p := make([]byte, rnd.IntN(600))
		for j := range p {
			p[j] = byte(rnd.Uint32())
			if rnd.IntN(4) == 0 {
				p[j] &= 0x1F
			}
		}
		script(p).runRestored(t)
	}
}

// runRestored makes each call of a script on a connection, and on one that is
// restored from it before the call.
func (s script) runRestored(t testing.TB) {
	c, _ := s.conn(t)
	now := c.now
	for len(s) > 0 {
		st := s.draw(now, c.role)
		now = max(now, st.now)
		r := restored(t, c)
		out, seen := st.do(c)
		o, v := st.do(r)
		if !bytes.Equal(o, out) || v != seen {
			t.Fatalf("restored: %q %s\nwant %q %s", o, v, out, seen)
		}
		wantSame(t, r, c)
	}
}

func TestRestoreHandshakes(t *testing.T) {
	server := newTestServer(t, Config{})
	for _, part := range []string{"\r\n", "GET", sampleGET[3:], "X: y\r\n", "\r"} {
		server.recvRaw(part)
		server.Conn = restored(t, server.Conn)
	}
	server.recvRaw("\n")
	server.wantEvents("request")
	server.Conn = restored(t, server.Conn)
	if server.Request().Get("X") != "y" {
		t.Error("the request is lost")
	}
	server.accept(AcceptOptions{})
	server.Conn = restored(t, server.Conn)

	client := newTestClient(t, Config{}, RequestOptions{Subprotocols: []string{"a", "b"}})
	client.Conn = restored(t, client.Conn)
	client.recvRaw("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n")
	client.Conn = restored(t, client.Conn)
	client.recvOnce(strings.TrimSuffix(answerTo(t, client), "\r\n") + "Sec-WebSocket-Protocol: b\r\n\r\n")
	client.wantEvents("open")
	client.Conn = restored(t, client.Conn)
	if client.Subprotocol() != "b" || client.Response().Status != 101 {
		t.Error("what the handshake agreed on is lost")
	}
}

// A snapshot that is cut off or longer than it was is refused, and so are
// states that cannot be.
func TestRestoreRefuses(t *testing.T) {
	e := opened(t, Server)
	e.recv("\x01\x02a")
	good := e.AppendSnapshot(nil)
	refused := func(name string, s *Settings, snapshot []byte) {
		t.Helper()
		if _, err := RestoreConn(s, snapshot); err == nil {
			t.Errorf("%s: restored", name)
		} else if _, ok := errors.AsType[*SnapshotError](err); !ok && err != error(errNoEntropy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range good {
		refused("cut off", e.set, good[:n])
	}
	refused("longer", e.set, append(bytes.Clone(good), 0))
	refused("another version", e.set, append([]byte{snapshotVersion + 1}, good[1:]...))

	for name, spoil := range map[string]func(c *Conn){
		"role":              func(c *Conn) { c.role = 2 },
		"phase":             func(c *Conn) { c.phase = 3 },
		"flags":             func(c *Conn) { c.flags |= unheard << 1 },
		"no handshake":      func(c *Conn) { c.role, c.phase = Client, phaseHandshake },
		"failed but open":   func(c *Conn) { c.err = ErrLost },
		"no such error":     func(c *Conn) { c.phase, c.err = phaseEnded, 255 },
		"failed by misuse":  func(c *Conn) { c.phase, c.err = phaseEnded, ErrNotOpen },
		"unsent":            func(c *Conn) { c.unsent = -1 },
		"left":              func(c *Conn) { c.left = MaxSize + 1 },
		"more than message": func(c *Conn) { c.left = c.msgLen + 1 },
		"mask position":     func(c *Conn) { c.maskPos = 4 },
		"message":           func(c *Conn) { c.msgOp = frame.Close },
		"outgoing":          func(c *Conn) { c.outOp = frame.Close },
		"frame":             func(c *Conn) { c.frameOp = 3 },
		"no message":        func(c *Conn) { c.msgOp = 0 },
		"control":           func(c *Conn) { c.frameOp, c.left, c.inPieces().slotLen = frame.Ping, 100, 26 },
	} {
		c := e.Snapshot()
		spoil(c)
		refused(name, e.set, c.AppendSnapshot(nil))
	}
	client := opened(t, Client)
	mute := *client.set
	mute.entropy = nil
	refused("a client without entropy", &mute, client.AppendSnapshot(nil))
}

// A Conn restored from garbage is safe to use.
func FuzzRestoreConn(f *testing.F) {
	seen := digest.Of(f)
	for _, role := range []Role{Server, Client} {
		for _, s := range situations {
			e := openedWith(f, role, Config{Pings: PingAnswer, PongTimeout: 20 * time.Second})
			s.make(e)
			f.Add(e.AppendSnapshot(nil), []byte("\x01\x02\x05abc\x05\x00\x09\x00\x00\x05\x77"))
		}
	}
	half := newTestServer(f, Config{})
	half.recvRaw(sampleGET)
	f.Add(half.AppendSnapshot(nil), []byte("\x01\x01\x02\r\n"))
	f.Fuzz(func(t *testing.T, snapshot, calls []byte) {
		set := settings(t, Config{Pings: PingAnswer, MaxHeadBytes: 1000})
		c, err := RestoreConn(set, snapshot)
		seen.Add(err)
		if err != nil {
			return
		}
		restored(t, c)
		now := c.now
		for s := script(calls); len(s) > 0; {
			st := s.draw(now, c.role)
			now = max(now, st.now)
			out, what := st.do(c)
			at, why := c.Deadline()
			seen.Add(string(out), what, at, why, c.Transport(), dumpOf(c))
		}
	})
}
