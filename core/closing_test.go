package core

import (
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// closed is the level once both close frames have passed: the server ends its
// output first (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1).
func closed(role Role) Transport {
	if role == Server {
		return TransportHalfClose
	}
	return TransportOpen
}

const (
	close1000 = "\x88\x02\x03\xe8"
	close1001 = "\x88\x02\x03\xe9"
)

func TestCloseOursFirst(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.at = clock.Time(time.Second)
		e.close(1000, "")
		e.wantOutput(close1000)
		e.wantTransport(TransportOpen)
		e.wantTimer(TimerClose, 6*time.Second)
		e.after(time.Second).recv(close1000)
		e.wantEvents("close 1000 ")
		e.wantOutput("")
		e.wantTransport(closed(role))
		e.wantTimer(TimerClose, 6*time.Second)
		e.eof()
		e.wantTransport(TransportClose)
		e.wantEvents()
		e.wantErr(0)
	})
}

func TestCloseTheirsFirst(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.at = clock.Time(time.Second)
		e.recv("\x88\x05\x03\xe9bye")
		e.wantEvents("close 1001 bye")
		e.wantOutput(close1001)
		e.wantTransport(closed(role))
		e.wantTimer(TimerClose, 6*time.Second)
		e.eof()
		e.wantTransport(TransportClose)
		e.wantErr(0)
	})
}

// Both close at once: the frames cross, and each is the answer to the other.
func TestCloseCrossing(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.close(1000, "")
		e.recv(close1001)
		e.wantEvents("close 1001 ")
		e.wantOutput(close1000)
		e.wantTransport(closed(role))
		e.wantErr(0)
	})
}

func TestCloseTimeoutWithoutAnswer(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.close(1000, "")
		e.wantOutput(close1000)
		e.recv("\x81\x01a")
		e.at = clock.Time(5*time.Second - 1)
		e.tick()
		e.wantEvents("text a")
		e.wantTransport(TransportOpen)
		e.after(1).tick()
		e.wantEvents(silently(ErrCloseTimeout))
		e.wantOutput("")
		e.wantErr(ErrCloseTimeout)
		e.wantTransport(TransportClose)
		e.wantTimer(TimerNone, 0)
	})
}

// The close handshake is done, yet the peer never ends its output: no failure,
// but the transport is closed.
func TestCloseTimeoutWithoutEOF(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.recv(close1000)
		e.events = nil
		e.at = clock.Time(5 * time.Second)
		e.tick()
		e.wantEvents()
		e.wantErr(0)
		e.wantTransport(TransportClose)
		e.wantTimer(TimerNone, 0)
	})
}

// What cannot be written by the close timeout never will be.
func TestCloseTimeoutWithOutputLeft(t *testing.T) {
	for _, blocked := range []bool{true, false} {
		bothRoles(t, func(t *testing.T, role Role) {
			e := opened(t, role)
			e.blocked, e.stuck = blocked, true
			e.recv(close1000)
			e.wantTransport(closed(role))
			e.at = clock.Time(5 * time.Second)
			e.tick()
			e.wantTransport(TransportAbort)
			e.wantTimer(TimerNone, 0)
			if e.Pending() != 0 || len(e.AppendOutput(nil)) != 0 {
				t.Error("output after the abort")
			}
		})
	}
}

// Without a close timeout the peer's close may take for ever, while it is
// alive; the end of its output after the close frames may not.
func TestCloseTimeoutOff(t *testing.T) {
	cfg := Config{CloseTimeout: -1, ConnectionTimeout: -1}
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, cfg)
		e.close(1000, "")
		e.wantTimer(TimerNone, 0)
		e.at = clock.Time(time.Hour)
		e.tick()
		e.wantTransport(TransportOpen)
		e.recv(close1000)
		e.wantTimer(TimerClose, time.Hour+5*time.Second)
		e.after(5 * time.Second).tick()
		e.wantTransport(TransportClose)
		e.wantErr(0)

		e = openedWith(t, role, cfg)
		e.recv(close1000)
		e.wantTimer(TimerClose, 5*time.Second)

		e = openedWith(t, role, cfg)
		e.recv("\x83\x00")
		e.wantTimer(TimerClose, 5*time.Second)

		e = openedWith(t, role, Config{CloseTimeout: -1})
		e.close(1000, "")
		e.wantTimer(TimerConnection, 58*time.Second)
		e.at = clock.Time(58 * time.Second)
		e.output = ""
		e.tick()
		e.wantEvents(silently(ErrConnectionTimeout))
		e.wantOutput("")
	})
}

func TestCloseTimeoutIsConfigured(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{CloseTimeout: 100 * time.Millisecond})
		e.close(1000, "")
		e.wantTimer(TimerClose, 100*time.Millisecond)
	})
}

// After our close frame for a violation the side that may close ends its
// output, and reads to the end of file, so that no reset eats the frame.
func TestCloseForAViolation(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.recv("\x81\x01a\x83\x00")
		e.wantEvents("text a", failed(ErrOpcode))
		e.wantOutput(closeFrame(ErrOpcode))
		e.wantTransport(TransportHalfClose)
		e.wantTimer(TimerClose, 5*time.Second)
		e.recv("\x89\x00\x81\x01b\x83\x00" + close1000)
		e.wantEvents()
		e.wantOutput("")
		e.wantTransport(TransportHalfClose)
		e.eof()
		e.wantEvents()
		e.wantTransport(TransportClose)
		e.wantErr(ErrOpcode)
	})
}

func TestViolationAfterOurClose(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, in := range []string{"\x83\x00", "\x88\x01\x00"} {
			e := opened(t, role)
			e.close(1000, "")
			e.wantOutput(close1000)
			e.recv(in)
			if len(e.events) != 1 || e.Err() == nil {
				t.Fatalf("events %q", e.events)
			}
			e.wantEvents(silently(e.Err().(Error)))
			e.wantOutput("")
			e.wantTransport(TransportHalfClose)
			e.wantTimer(TimerClose, 5*time.Second)
		}
	})
}

// The known defect 8 of the seed: the sudden end is an abnormal closure.
func TestEOF(t *testing.T) {
	for _, tt := range []struct {
		name, before string
		ours         bool
		err          Error
	}{
		{"at rest", "", false, ErrLost},
		{"in a header", "\x81", false, ErrLost},
		{"in a frame", "\x81\x05He", false, ErrLost},
		{"in a message", "\x01\x02He", false, ErrLost},
		{"in a ping", "\x89\x05He", false, ErrLost},
		{"in a close", "\x88\x02\x03", false, ErrLost},
		{"after our close", "", true, ErrLost},
		{"after the peer's close", close1000, false, 0},
		{"after both", close1000, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, role Role) {
				for _, lost := range []bool{false, true} {
					e := opened(t, role)
					if tt.ours {
						e.close(1000, "")
					}
					e.recv(tt.before)
					e.events, e.output = nil, ""
					level := TransportClose
					if lost {
						level = TransportAbort
						e.lost()
					} else {
						e.eof()
					}
					if tt.err != 0 {
						e.wantEvents(silently(tt.err))
					} else {
						e.wantEvents()
					}
					e.wantErr(tt.err)
					e.wantOutput("")
					e.wantTransport(level)
					e.eof()
					e.lost()
					e.recv("\x81\x01a")
					e.wantEvents()
					e.wantErr(tt.err)
				}
			})
		})
	}
}

// The answer to a close frame is still written after the peer's end of file:
// it may have ended its output only.
func TestEOFBeforeTheAnswerIsTaken(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.blocked = true
		e.recv(close1000)
		e.eof()
		e.wantTransport(TransportClose)
		e.blocked = false
		e.drain()
		e.wantOutput(close1000)
		e.wantTransport(TransportClose)
	})
}

func TestLostDropsOutput(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.blocked = true
		e.recv("\x89\x01p")
		e.lost()
		e.wantEvents("ping p", silently(ErrLost))
		if e.Pending() != 0 || len(e.AppendOutput(nil)) != 0 {
			t.Error("output after the transport was lost")
		}
		e.wantTimer(TimerNone, 0)

		e = opened(t, role)
		e.blocked = true
		e.recv(close1000)
		e.lost()
		e.wantErr(0)
		e.wantTransport(TransportAbort)
		if e.Pending() != 0 || len(e.AppendOutput(nil)) != 0 {
			t.Error("an answer after the transport was lost")
		}
	})
}

// A close that was read ahead of the application is answered once the
// application has caught up.
func TestReadAhead(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.SetReadAhead(0, true)
		e.recv("\x81\x01a\x88\x02\x03\xe9")
		e.wantEvents("text a", "close 1001 ")
		e.wantOutput("")
		e.wantTransport(TransportOpen)
		e.wantTimer(TimerClose, 5*time.Second)
		if !e.Open() {
			t.Error("not open while the answer is held")
		}
		e.take(e.AppendMessage(nil, 1, []byte("answer")))
		e.wantOutput("\x81\x06answer")
		e.eof()
		e.wantTransport(TransportOpen)

		e.after(3*time.Second).SetReadAhead(e.at, false)
		e.drain()
		e.wantOutput(close1001)
		e.wantTransport(TransportClose)
		e.wantErr(0)
	})
}

func TestReadAheadWithoutAClose(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.SetReadAhead(0, true)
		e.SetReadAhead(0, false)
		e.recv(close1000)
		e.wantOutput(close1000)
		e.SetReadAhead(0, true)
		e.SetReadAhead(0, false)
		e.drain()
		e.wantOutput("")
	})
}

// From the release on the peer has the whole close timeout to end.
func TestReadAheadReleaseRestartsTheCloseTimer(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		cfg := Config{CloseTimeout: 2 * time.Second}
		held := func() *end {
			e := openedWith(t, role, cfg)
			e.SetReadAhead(0, true)
			e.recv(close1001)
			e.wantTimer(TimerClose, 2*time.Second)
			e.at = clock.Time(1900 * time.Millisecond)
			return e
		}
		e := held()
		e.SetReadAhead(e.at, false)
		e.drain()
		e.wantOutput(close1001)
		e.wantTransport(closed(role))
		e.wantTimer(TimerClose, 3900*time.Millisecond)

		e = held()
		e.close(1000, "") // the application closes, without having seen the close
		e.wantOutput(close1000)
		e.wantTransport(closed(role))
		e.wantTimer(TimerClose, 3900*time.Millisecond)
		e.SetReadAhead(e.at, false)
		e.drain()
		e.wantOutput("")
	})
}

func TestReadAheadTimeout(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{CloseTimeout: time.Second})
		e.SetReadAhead(0, true)
		e.recv(close1001)
		e.at = clock.Time(time.Second)
		e.tick()
		e.wantOutput(close1001)
		e.wantErr(0)
		e.wantTransport(closed(role))
		e.wantTimer(TimerClose, 2*time.Second)
		e.SetReadAhead(e.at, false)
		e.after(time.Second).tick()
		e.wantOutput("")
		e.wantTransport(TransportClose)
		e.wantEvents("close 1001 ")
	})
}

// Without a close timeout the application has as long as it likes.
func TestReadAheadWithCloseTimeoutOff(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{CloseTimeout: -1})
		e.SetReadAhead(0, true)
		e.recv(close1001)
		e.wantTimer(TimerNone, 0)
		e.at = clock.Time(time.Hour)
		e.tick()
		e.wantTransport(TransportOpen)
		e.SetReadAhead(e.at, false)
		e.drain()
		e.wantOutput(close1001)
		e.wantTimer(TimerClose, time.Hour+5*time.Second)
	})
}

// A violation that is read ahead is answered at once.
func TestReadAheadViolation(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.SetReadAhead(0, true)
		e.recv("\x81\x01a\x83\x00")
		e.wantOutput(closeFrame(ErrOpcode))
		e.wantTransport(TransportHalfClose)
	})
}

// Write stall while the answer is held: the peer takes nothing, so there is
// nothing left to hold.
func TestReadAheadWriteTimeout(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{ConnectionTimeout: 20 * time.Second, CloseTimeout: time.Minute})
		e.SetReadAhead(0, true)
		e.recv(close1001)
		e.events = nil
		e.stuck = true
		e.take(e.AppendMessage(nil, 1, []byte("a")))
		e.Wrote(e.at, 0)
		e.wantTimer(TimerWrite, 20*time.Second)
		e.at = clock.Time(20 * time.Second)
		e.tick()
		e.wantEvents(silently(ErrWriteTimeout))
		e.wantTransport(TransportAbort)
	})
}

// A ping that was on its way when the peer closed is nobody's debt.
func TestNoPongAfterTheClose(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PongTimeout: time.Second, CloseTimeout: time.Minute})
		e.stuck = true
		e.take(e.AppendPing(nil, nil))
		e.recv(close1000)
		e.events = nil
		e.Wrote(e.at, 1000)
		e.wantTimer(TimerClose, time.Minute)
		e.at = clock.Time(2 * time.Second)
		e.tick()
		e.wantEvents()
		e.wantErr(0)

		e = openedWith(t, role, Config{PongTimeout: time.Second, CloseTimeout: time.Minute})
		e.SetReadAhead(0, true)
		e.recv(close1000)
		e.events = nil
		e.take(e.AppendPing(nil, nil)) // while the answer is held
		e.wantTimer(TimerClose, time.Minute)
		e.at = clock.Time(2 * time.Second)
		e.tick()
		e.wantEvents()
	})
}
