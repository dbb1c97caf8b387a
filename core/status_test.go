package core

import (
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// checkCalm checks that a connection that is calm shows nothing but what Calm promises.
func checkCalm(t testing.TB, c *Conn) {
	t.Helper()
	if !c.Calm() {
		return
	}
	if !c.Open() || c.Pending() > 0 || c.Transport() != TransportOpen || c.Err() != nil {
		t.Fatalf("calm, but open is %v, %d bytes are pending, the transport is %v, and the error %v\n%s",
			c.Open(), c.Pending(), c.Transport(), c.Err(), dumpOf(c))
	}
	at, timer := c.Deadline()
	if a, why := c.CalmDeadline(); a != at || why != timer {
		t.Fatalf("calm with a deadline at %d for %v, want %d for %v\n%s", a, why, at, timer, dumpOf(c))
	}
}

// An open connection is calm, with any timers, whatever messages pass.
func TestCalm(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, cfg := range []Config{{}, {PingInterval: -1}, {ConnectionTimeout: -1}, {PingInterval: -1, ConnectionTimeout: -1}} {
			e := openedWith(t, role, cfg)
			for range 3 {
				e.after(cfg.PingInterval + 1)
				e.recv("\x81\x01a\x01\x01b")
				e.take(e.AppendMessage(nil, frame.Text, []byte("c")))
				if checkCalm(t, e.Conn); !e.Calm() {
					t.Errorf("%+v: not calm\n%s", cfg, dumpOf(e.Conn))
				}
				e.recv("\x80\x01c")
			}
		}
	})
}

func TestNotCalm(t *testing.T) {
	for name, disturb := range map[string]func(e *end){
		"pong pending":  func(e *end) { e.blocked = true; e.recv("\x89\x00") },
		"held back":     func(e *end) { e.SetReading(0, false) },
		"close sent":    func(e *end) { e.take(e.AppendClose(0, nil, frame.NormalClosure, "")) },
		"close came":    func(e *end) { e.recv("\x88\x00") },
		"reply held":    func(e *end) { e.SetReadAhead(0, true); e.recv("\x88\x00") },
		"failed":        func(e *end) { e.recv("\xf0\x00") },
		"lost":          func(e *end) { e.lost() },
		"write stalled": func(e *end) { e.stuck = true; e.take(e.AppendMessage(nil, frame.Binary, []byte("a"))); e.Wrote(0, 0) },
	} {
		bothRoles(t, func(t *testing.T, role Role) {
			e := opened(t, role)
			disturb(e)
			if e.Calm() {
				t.Errorf("%s: calm\n%s", name, dumpOf(e.Conn))
			}
		})
	}
	if c := NewServer(settings(t, Config{}), 0); c.Calm() {
		t.Error("calm in the handshake")
	}
}
