package core

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

func (e *end) tickAt(d time.Duration) {
	e.at = clock.Time(d)
	e.tick()
}

func TestPingInterval(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		for i := range 3 {
			due := time.Duration(i+1) * 15 * time.Second
			e.wantTimer(TimerPing, due)
			e.tickAt(due - 1)
			e.wantOutput("")
			e.tickAt(due)
			e.wantOutput("\x89\x00")
			e.tickAt(due)
			e.wantOutput("")
			e.recv("\x8a\x00")
		}
		// A late tick sends one ping and moves on by whole intervals, until
		// it has missed one.
		e.tickAt(61 * time.Second)
		e.wantOutput("\x89\x00")
		e.wantTimer(TimerPing, 75*time.Second)
		e.recv("\x8a\x00")
		e.tickAt(100 * time.Second)
		e.wantOutput("\x89\x00")
		e.wantTimer(TimerPing, 115*time.Second)
	})
}

func TestPingsOff(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1})
		e.wantTimer(TimerConnection, 58*time.Second)
		e = openedWith(t, role, Config{PingInterval: -1, ConnectionTimeout: -1})
		e.wantTimer(TimerNone, 0)
		e.tickAt(math.MaxInt64)
		e.wantOutput("")
		e.wantEvents()
	})
}

// Pings of the timer leave once, however long the output is blocked, and none
// between our close and the peer's.
func TestPingWhileBlockedOrClosing(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{ConnectionTimeout: -1})
		e.blocked = true
		for i := range 5 {
			e.tickAt(time.Duration(i+1) * 15 * time.Second)
		}
		e.blocked = false
		e.drain()
		e.wantOutput("\x89\x00")

		e = openedWith(t, role, Config{CloseTimeout: time.Minute, ConnectionTimeout: -1})
		e.close(1000, "")
		e.output = ""
		e.tickAt(30 * time.Second)
		e.wantOutput("")
		e.wantTimer(TimerClose, time.Minute)
	})
}

func TestConnectionTimeout(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1})
		e.wantTimer(TimerConnection, 58*time.Second)
		e.tickAt(58*time.Second - 1)
		e.wantEvents()
		e.tickAt(58 * time.Second)
		e.wantEvents(failed(ErrConnectionTimeout))
		e.wantOutput(closeFrame(ErrConnectionTimeout))
		e.wantErr(ErrConnectionTimeout)
		e.wantTransport(TransportHalfClose)
		e.wantTimer(TimerClose, 63*time.Second)
		e.tickAt(63 * time.Second)
		e.wantTransport(TransportClose)
		e.wantEvents()
	})
}

// Any byte is life, one of a header too.
func TestAnyByteIsLife(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1, PongTimeout: 10 * time.Second})
		in := from(role.peer(), "\x01\x02ab\x8a\x00")
		for i := range len(in) {
			e.at = clock.Time(i) * clock.Time(57*time.Second)
			e.recvRaw(in[i : i+1])
			e.wantTimer(TimerConnection, time.Duration(e.at)+58*time.Second)
			e.take(e.AppendPing(nil, nil))
			e.wantTimer(TimerPong, time.Duration(e.at)+10*time.Second)
			e.recvRaw("")
			e.wantTimer(TimerPong, time.Duration(e.at)+10*time.Second)
			e.after(10*time.Second - 1).tick()
			e.wantErr(0)
		}
	})
}

// The time for the pong begins when the last byte of the ping is written.
func TestPongTimeout(t *testing.T) {
	cfg := Config{PongTimeout: 2 * time.Second}
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, cfg)
		e.stuck = true
		e.take(e.AppendMessage(nil, 1, []byte("abc")))
		e.tickAt(15 * time.Second)
		e.take(e.AppendMessage(nil, 1, []byte("def")))
		toPing := len(from(role, "\x81\x03abc\x89\x00"))
		e.wantTimer(TimerPing, 30*time.Second)
		e.at = clock.Time(16 * time.Second)
		e.Wrote(e.at, toPing-1)
		e.wantTimer(TimerPing, 30*time.Second)
		e.at = clock.Time(17 * time.Second)
		e.Wrote(e.at, 0)
		e.wantTimer(TimerPing, 30*time.Second)
		e.Wrote(e.at, 1)
		e.wantTimer(TimerPong, 19*time.Second)
		e.stuck = false
		e.Wrote(e.at, 1000)
		e.output = ""
		e.tickAt(19*time.Second - 1)
		e.wantEvents()
		e.tickAt(19 * time.Second)
		e.wantEvents(failed(ErrPongTimeout))
		e.wantOutput(closeFrame(ErrPongTimeout))
		e.wantTransport(TransportHalfClose)
	})
}

func TestPongInTime(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PongTimeout: 2 * time.Second})
		e.take(e.AppendPing(nil, []byte("p")))
		e.wantTimer(TimerPong, 2*time.Second)
		e.at = clock.Time(time.Second)
		e.recv("\x8a\x01p")
		e.wantTimer(TimerPing, 15*time.Second)
		e.tickAt(3 * time.Second)
		e.wantErr(0)
	})
}

// A ping that was written after the answer to an earlier one is waited for as
// well, and a second ping does not put the first one's deadline off.
func TestPongsOfTwoPings(t *testing.T) {
	cfg := Config{PongTimeout: 2 * time.Second, PingInterval: -1}
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, cfg)
		e.take(e.AppendPing(nil, nil))
		e.stuck = true
		e.take(e.AppendPing(nil, nil))
		e.wantTimer(TimerPong, 2*time.Second)
		e.recv("\x8a\x00")
		e.wantTimer(TimerConnection, 58*time.Second)
		e.at = clock.Time(time.Second)
		e.Wrote(e.at, 100)
		e.wantTimer(TimerPong, 3*time.Second)

		e = openedWith(t, role, cfg)
		e.take(e.AppendPing(nil, nil))
		e.at = clock.Time(time.Second)
		e.take(e.AppendPing(nil, nil))
		e.wantTimer(TimerPong, 2*time.Second)
	})
}

func TestWriteTimeout(t *testing.T) {
	cfg := Config{PingInterval: -1, ConnectionTimeout: 3 * time.Second}
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, cfg)
		e.stuck = true
		e.take(e.AppendMessage(nil, 2, []byte("abc")))
		e.wantTimer(TimerConnection, 3*time.Second)
		e.Wrote(e.at, 0)
		for i := range 4 { // the peer sends, and takes nothing
			e.at = clock.Time(i+1) * clock.Time(700*time.Millisecond)
			e.recv("\x8a\x00")
			e.Wrote(e.at, 0)
			e.wantTimer(TimerWrite, 3*time.Second)
		}
		e.Wrote(e.at, 1) // progress
		e.wantTimer(TimerConnection, 5800*time.Millisecond)
		e.at = clock.Time(4 * time.Second)
		e.recv("\x8a\x00")
		e.wantTimer(TimerWrite, 5800*time.Millisecond)
		e.events = nil
		e.tickAt(5800*time.Millisecond - 1)
		e.wantEvents()
		e.tickAt(5800 * time.Millisecond)
		e.wantEvents(silently(ErrWriteTimeout))
		e.wantTransport(TransportAbort)
		e.wantTimer(TimerNone, 0)
		if e.Pending() != 0 || len(e.AppendOutput(nil)) != 0 {
			t.Error("output after the abort")
		}
	})
}

// One tick finds both that the peer is silent and that it takes no output: no
// close frame can reach it.
func TestSilenceAndStallAtOnce(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1})
		e.stuck = true
		e.take(e.AppendMessage(nil, 2, nil))
		e.output = ""
		e.after(time.Millisecond).Wrote(e.at, 0)
		e.tickAt(58*time.Second + time.Millisecond)
		e.wantEvents(silently(ErrConnectionTimeout))
		e.wantOutput("")
		e.wantTransport(TransportAbort)
		e.wantTimer(TimerNone, 0)
	})
}

func TestWriteTimeoutEndsWithTheOutput(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1})
		e.Wrote(e.at, 0)
		e.wantTimer(TimerConnection, 58*time.Second)
		e.stuck = true
		e.take(e.AppendMessage(nil, 2, nil))
		e.Wrote(e.at, 0)
		e.SetReading(e.at, false)
		e.wantTimer(TimerWrite, 58*time.Second)
		e.Wrote(e.at, len(e.output))
		e.wantTimer(TimerNone, 0)

		e = openedWith(t, role, Config{PingInterval: -1, ConnectionTimeout: -1})
		e.stuck = true
		e.take(e.AppendMessage(nil, 2, nil))
		e.Wrote(e.at, 0)
		e.wantTimer(TimerNone, 0)
	})
}

// Whoever finds a verdict more than a second overdue slept himself: the peer
// is asked once more.
func TestGrace(t *testing.T) {
	const second = time.Second
	for _, tt := range []struct {
		name  string
		cfg   Config
		late  time.Duration
		grace bool
		until time.Duration
		begin func(e *end)
		err   Error
	}{
		{"silence, in time", Config{PingInterval: -1}, 59 * second, false, 0, func(e *end) {}, ErrConnectionTimeout},
		{"silence, late", Config{PingInterval: -1}, 59*second + 1, true, 64*second + 1, func(e *end) {}, ErrConnectionTimeout},
		{"silence, with a short timeout", Config{PingInterval: -1, ConnectionTimeout: 2 * second}, 10 * second, true, 12 * second, func(e *end) {}, ErrConnectionTimeout},
		{"pong, in time", Config{PingInterval: -1, PongTimeout: 2 * second}, 3 * second, false, 0, func(e *end) { e.take(e.AppendPing(nil, nil)); e.output = "" }, ErrPongTimeout},
		{"pong, late", Config{PingInterval: -1, PongTimeout: 2 * second}, 4 * second, true, 9 * second, func(e *end) { e.take(e.AppendPing(nil, nil)); e.output = "" }, ErrPongTimeout},
		{"pong and silence, late", Config{PingInterval: -1, PongTimeout: 2 * second}, 3600 * second, true, 3605 * second, func(e *end) { e.take(e.AppendPing(nil, nil)); e.output = "" }, ErrPongTimeout},
		{"pong, no connection timeout", Config{PingInterval: -1, PongTimeout: 2 * second, ConnectionTimeout: -1}, 3600 * second, true, 3605 * second, func(e *end) { e.take(e.AppendPing(nil, nil)); e.output = "" }, ErrPongTimeout},
		{"long timeouts", Config{PingInterval: -1, PongTimeout: math.MaxInt64, ConnectionTimeout: math.MaxInt64 / 2}, math.MaxInt64/2 + 2*second, true, math.MaxInt64/2 + 7*second, func(e *end) {}, ErrConnectionTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, role Role) {
				e := openedWith(t, role, tt.cfg)
				tt.begin(e)
				e.tickAt(tt.late)
				if !tt.grace {
					e.wantEvents(failed(tt.err))
					return
				}
				e.wantEvents()
				e.wantOutput("\x89\x00")
				if at, why := e.Deadline(); at != clock.Time(tt.until) || why != TimerPong && why != TimerConnection {
					t.Errorf("deadline %v for %d, want %v", time.Duration(at), why, tt.until)
				}
				alive := e.snapshot()
				e.tickAt(tt.until + 10*second) // late again, but grace is given once
				e.wantEvents(failed(tt.err))

				alive.recv("\x8a\x00")
				alive.events = nil
				alive.at = clock.Time(tt.until - 1)
				alive.tick()
				alive.wantErr(0)
			})
		})
	}
}

// A machine that wakes shortly before the verdict finds the ping overdue that
// would have kept the peer's answer coming: the grace is due then as well.
func TestGraceForALatePing(t *testing.T) {
	const due = 15 * time.Second
	for _, tt := range []struct {
		late, until time.Duration // after the ping was due; the next deadline then
	}{
		{43*time.Second - 1, due + 48*time.Second - 1},
		{38*time.Second + 1, due + 43*time.Second + 1},
		{37 * time.Second, 58 * time.Second}, // the silence has time enough
	} {
		bothRoles(t, func(t *testing.T, role Role) {
			e := opened(t, role)
			e.tickAt(due + tt.late)
			e.wantErr(0)
			e.wantEvents()
			e.wantOutput("\x89\x00")
			for at, why := e.Deadline(); why == TimerPing; at, why = e.Deadline() {
				e.tickAt(time.Duration(at))
			}
			e.wantTimer(TimerConnection, tt.until)
			e.output = ""
			e.tickAt(tt.until)
			e.wantEvents(failed(ErrConnectionTimeout))
		})
	}
}

// A byte that comes earns another grace.
func TestGraceAfterLife(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1})
		e.tickAt(time.Hour)
		e.recv("\x8a\x00")
		e.tickAt(2 * time.Hour)
		e.wantErr(0)
		e.wantOutput("\x89\x00\x89\x00")
	})
}

func TestGraceForWriting(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.stuck = true
		e.take(e.AppendMessage(nil, 2, nil))
		e.Wrote(e.at, 0)
		e.tickAt(time.Hour)
		e.wantEvents()
		e.wantErr(0)
		e.tickAt(time.Hour + 5*time.Second)
		if e.Err() == nil {
			t.Error("grace was given twice")
		}
	})
}

// No ping after our close frame, grace or not.
func TestGraceWhileClosing(t *testing.T) {
	for _, cfg := range []Config{
		{CloseTimeout: -1},
		{CloseTimeout: -1, PongTimeout: 2 * time.Second},
	} {
		bothRoles(t, func(t *testing.T, role Role) {
			e := openedWith(t, role, cfg)
			e.take(e.AppendPing(nil, nil))
			e.close(1000, "")
			e.output = ""
			e.tickAt(time.Hour)
			e.wantOutput("")
			e.wantEvents()
			e.tickAt(time.Hour + 5*time.Second)
			e.wantOutput("")
			if e.Err() == nil {
				t.Error("no verdict after the grace")
			}
		})
	}
}

// Ticks that come early, twice or out of the blue do nothing.
func TestSpuriousTicks(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PongTimeout: 5 * time.Second})
		e.take(e.AppendPing(nil, nil))
		before := dumpOf(e.Conn)
		for range 3 {
			e.tick()
		}
		if after := dumpOf(e.Conn); after != before {
			t.Errorf("a tick changed the state\nfrom %sto   %s", before, after)
		}
		e.tickAt(2 * time.Second)
		e.wantTimer(TimerPong, 5*time.Second)
	})
}

// Time that runs backwards stands still.
func TestBackwardTime(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1})
		e.tickAt(10 * time.Second)
		e.at = clock.Time(4 * time.Second)
		e.recv("\x81\x01a")
		e.wantTimer(TimerConnection, 68*time.Second)
		e.at = clock.Earliest
		e.tick()
		e.recv("\x81\x01a")
		e.SetReading(e.at, false)
		e.SetReading(e.at, true)
		e.SetReadAhead(e.at, true)
		e.Wrote(e.at, 0)
		e.wantTimer(TimerConnection, 68*time.Second)
		e.close(1000, "")
		e.wantTimer(TimerClose, 15*time.Second)
	})
}

// At the end of time nothing overflows.
func TestFarTimes(t *testing.T) {
	for _, start := range []clock.Time{clock.Earliest, -1, 0, clock.Latest - 1, clock.Latest} {
		bothRoles(t, func(t *testing.T, role Role) {
			c, err := NewOpen(settings(t, Config{PongTimeout: math.MaxInt64}), start, role)
			if err != nil {
				t.Fatal(err)
			}
			e := wrap(t, c)
			e.at = start
			if at, _ := e.Deadline(); at < start {
				t.Errorf("a deadline before now: %d", at)
			}
			e.tick()
			e.recv("\x81\x01a\x89\x00")
			e.SetReading(e.at, false)
			e.at = clock.Latest
			e.SetReading(e.at, true)
			e.recv("\x89\x00")
			e.wantErr(0)
			e.tick()
			e.close(1000, "")
			e.tick()
			if at, _ := e.Deadline(); at < start {
				t.Errorf("a deadline before now: %d", at)
			}
		})
	}
}

// While the caller holds input back, the peer's silence proves nothing.
func TestReadingOff(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: -1, PongTimeout: 2 * time.Second})
		e.take(e.AppendPing(nil, nil))
		e.wantTimer(TimerPong, 2*time.Second)
		e.SetReading(0, false)
		e.wantTimer(TimerNone, 0)
		e.tickAt(time.Hour)
		e.wantEvents()
		e.SetReading(e.at, false)
		e.SetReading(e.at, true)
		e.wantTimer(TimerPong, time.Hour+2*time.Second)
		e.after(time.Second).SetReading(e.at, true)
		e.wantTimer(TimerPong, time.Hour+2*time.Second)
		e.recv("\x8a\x00")
		e.wantTimer(TimerConnection, time.Hour+59*time.Second)
		e.events = nil
		e.tickAt(time.Hour + 59*time.Second)
		e.wantEvents(failed(ErrConnectionTimeout))
	})
}

// Pings go on while input is held back, and so does the closing handshake.
func TestReadingOffKeepsOtherTimers(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.SetReading(0, false)
		e.wantTimer(TimerPing, 15*time.Second)
		e.tickAt(15 * time.Second)
		e.wantOutput("\x89\x00")
		e.close(1000, "")
		e.wantTimer(TimerClose, 20*time.Second)
		e.tickAt(20 * time.Second)
		e.wantErr(ErrCloseTimeout)
	})
}

func TestControlRate(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.recvPieces(strings.Repeat("\x8a\x00", 10000), 600)
		e.wantErr(0)
		e.recv("\x8a\x00")
		e.wantErr(ErrControlFlood)
		e.wantOutput(closeFrame(ErrControlFlood))

		// A steady rate is fine for ever; above it, not for long.
		cfg := Config{MaxControlRate: 10}
		for _, op := range []string{"\x89\x00", "\x8a\x00"} {
			e = openedWith(t, role, cfg)
			for range 1000 {
				e.after(100 * time.Millisecond).recv(op)
			}
			e.wantErr(0)
			n := 0
			for e.Err() == nil {
				e.after(90 * time.Millisecond).recv(op)
				n++
			}
			if n < 50 || n > 100 {
				t.Errorf("11 control frames a second in place of 10 passed for %d frames", n)
			}
		}

		e = openedWith(t, role, cfg)
		e.recv(strings.Repeat("\x89\x00", 10))
		e.wantErr(0)
		e.at = clock.Time(100*time.Millisecond - 1)
		again := e.snapshot()
		again.recv("\x89\x00")
		again.wantErr(ErrControlFlood)
		e.after(1).recv("\x89\x00")
		e.wantErr(0)

		e = openedWith(t, role, Config{MaxControlRate: -1})
		e.recvPieces(strings.Repeat("\x8a\x00", 12000), 600)
		e.wantErr(0)
	})
}

// Data frames are no control frames.
func TestControlRateIgnoresData(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{MaxControlRate: 1})
		e.recv(strings.Repeat("\x82\x00", 100) + "\x89\x00")
		e.wantErr(0)
		e.recv("\x89\x00")
		e.wantErr(ErrControlFlood)
	})
}

// While the caller did not read, control frames piled up: the time earns the
// budget for them, for as long as it takes to read them.
func TestReadingOffEarnsControlBudget(t *testing.T) {
	cfg := Config{MaxControlRate: 10}
	pause := func(e *end, d time.Duration) {
		e.SetReading(e.at, false)
		e.after(d).SetReading(e.at, true)
	}
	bothRoles(t, func(t *testing.T, role Role) {
		// 6 seconds of pause are worth 60, and the burst is 10.
		e := openedWith(t, role, cfg)
		pause(e, 6*time.Second)
		e.recv(strings.Repeat("\x8a\x00", 70))
		e.wantErr(0)
		e.recv("\x8a\x00")
		e.wantErr(ErrControlFlood)

		// An hour of pause is worth a minute.
		e = openedWith(t, role, cfg)
		pause(e, time.Hour)
		e.recv(strings.Repeat("\x8a\x00", 610))
		e.wantErr(0)
		e.recv("\x8a\x00")
		e.wantErr(ErrControlFlood)

		// Reading slowly wins nothing and loses nothing.
		e = openedWith(t, role, cfg)
		pause(e, 6*time.Second)
		for range 30 {
			e.recv("\x8a\x00\x8a\x00")
			e.after(time.Second).tick()
		}
		e.wantErr(0)

		// Pausing between: what was not used yet remains.
		e = openedWith(t, role, cfg)
		pause(e, 6*time.Second)
		for range 60 {
			e.recv("\x8a\x00")
			pause(e, 0)
		}
		e.recv(strings.Repeat("\x8a\x00", 10))
		e.wantErr(0)
		e.recv("\x8a\x00")
		e.wantErr(ErrControlFlood)

		// Time before the pause earns nothing.
		e = openedWith(t, role, cfg)
		e.after(10 * time.Second)
		pause(e, 6*time.Second)
		e.recv(strings.Repeat("\x8a\x00", 70))
		e.wantErr(0)
		e.recv("\x8a\x00")
		e.wantErr(ErrControlFlood)

		// Time while reading is not hoarded.
		e = openedWith(t, role, cfg)
		e.tickAt(time.Second)
		e.recv(strings.Repeat("\x8a\x00", 11))
		e.wantErr(ErrControlFlood)

		// Frames that come while reading is off are paid from the same purse.
		e = openedWith(t, role, cfg)
		e.SetReading(0, false)
		e.after(6 * time.Second)
		e.recv(strings.Repeat("\x8a\x00", 70))
		e.wantErr(0)
	})
}

// A busy application: the known defect 5 of the seed, in the core's terms.
func TestBusyApplication(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PingInterval: time.Second, ConnectionTimeout: 3 * time.Second})
		e.SetReading(0, false)
		for i := range 5 {
			e.tickAt(time.Duration(i+1) * time.Second)
		}
		e.SetReading(e.at, true)
		e.wantErr(0)
		e.recv(strings.Repeat("\x8a\x00", 5))
		e.tickAt(5*time.Second + 999*time.Millisecond)
		e.wantErr(0)
		// A dead peer is found at the instant.
		e.events = nil
		e.tickAt(6 * time.Second)
		e.tickAt(7 * time.Second)
		e.tickAt(8*time.Second - 1)
		e.wantErr(0)
		e.wantTimer(TimerConnection, 8*time.Second)
		e.tickAt(8 * time.Second)
		e.wantErr(ErrConnectionTimeout)
	})
}

// A deadline that is told moves or fires when it is ticked at: a driver never
// spins.
func TestDeadlinesMove(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, Config{PongTimeout: 3 * time.Second})
		for range 1000 {
			at, why := e.Deadline()
			if why == TimerNone {
				return
			}
			e.at = at
			e.tick()
			if again, same := e.Deadline(); same != TimerNone && again <= at {
				t.Fatalf("timer %d is due at %d after a tick at %d", same, again, at)
			}
		}
	})
}
