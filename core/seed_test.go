package core

import (
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// The known defects of the CHICKEN egg that this project grew from. Each was
// seen in its source; none may come back.

// A refused Origin (403) or version (426) was answered and then upgraded all
// the same.
func TestSeedDefect01RefusedAndUpgraded(t *testing.T) {
	refused := func(status, request string, refuse func(e *end)) {
		e := newTestServer(t, answering)
		e.recvRaw(request)
		refuse(e)
		if !strings.HasPrefix(e.output, "HTTP/1.1 "+status) || strings.Contains(e.output, "101") {
			t.Errorf("answer %q, want %s", e.output, status)
		}
		e.events, e.output = nil, ""
		e.recv("\x81\x01a\x89\x00\x88\x00")
		e.wantEvents()
		e.wantOutput("")
		if e.Open() || e.Accept(0, AcceptOptions{}) == nil {
			t.Error("open after all")
		}
		e.wantTransport(TransportHalfClose)
	}
	refused("403", sampleGET+"Origin: http://evil.example\r\n\r\n", func(e *end) {
		if err := e.Reject(0, RejectOptions{}); err != nil {
			t.Fatal(err)
		}
		e.drain()
	})
	refused("426", strings.Replace(sampleGET, "13", "12", 1)+"\r\n", func(e *end) {})
}

// A pong between two fragments of a message broke the message (1002).
func TestSeedDefect02PongBetweenFragments(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.recv("\x01\x03Hel\x8a\x01p\x80\x02lo")
		e.wantEvents("text Hello", "pong p")
		e.wantErr(0)
	})
}

// A stray continuation byte (0x81-0xBE) passed as valid UTF-8.
func TestSeedDefect03StrayContinuation(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for b := 0x80; b <= 0xBF; b++ {
			e := opened(t, role)
			e.recv("\x81\x02a" + string([]byte{byte(b)}))
			e.wantEvents("text a...", failed(ErrInvalidUTF8))
			e.wantOutput(closeFrame(ErrInvalidUTF8))
		}
	})
}

// Unmasked client frames were accepted.
func TestSeedDefect04UnmaskedClientFrames(t *testing.T) {
	e := opened(t, Server)
	e.recvRaw("\x81\x05Hello")
	e.wantEvents(failed(ErrMaskRequired))
	e.wantOutput(closeFrame(ErrMaskRequired))
}

// Detection of a dead peer took up to twice the timeout, and a busy handler
// lost a live peer.
func TestSeedDefect05IdleCheck(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		dead := opened(t, role)
		for at, why := dead.Deadline(); dead.Err() == nil; at, why = dead.Deadline() {
			if why == TimerNone {
				t.Fatal("no timer runs")
			}
			dead.at = at
			dead.tick()
		}
		dead.wantErr(ErrConnectionTimeout)
		if dead.at != clock.Time(58*time.Second) {
			t.Errorf("the dead peer was found after %v", time.Duration(dead.at))
		}

		busy := opened(t, role)
		busy.SetReading(0, false)
		for range 100 {
			busy.after(time.Minute).tick()
		}
		busy.SetReading(busy.at, true)
		busy.recv("\x81\x01a")
		busy.wantErr(0)
	})
}

// The side that closed first burnt the whole close timeout.
func TestSeedDefect06CloseBurnsTheTimeout(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.close(1000, "")
		e.after(time.Millisecond).recv(close1000)
		e.eof()
		e.wantTransport(TransportClose)
		e.wantErr(0)
	})
}

// Close frames bypassed the send lock and could land inside another frame:
// here a frame is one unit of output, and a close comes between two.
func TestSeedDefect07CloseInsideAFrame(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.blocked = true
		e.recv("\x89\x01p")
		e.take(e.AppendFragment(nil, frame.Text, []byte("Hel"), false))
		e.close(1001, "")
		e.refused(ErrCloseSent)(e.AppendFragment(nil, frame.Text, []byte("lo"), true))
		e.wantOutput("\x01\x03Hel\x8a\x01p" + close1001)
	})
}

// Sudden end of stream was reported as an internal error instead of 1006.
func TestSeedDefect08SuddenEnd(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		c := opened(t, role).Conn
		ev := c.RecvEOF(0)
		if ev.Kind != EventFailed || ev.Code != frame.Abnormal || c.Err() != error(ErrLost) || ErrLost.Kind() != KindLost {
			t.Errorf("%+v, %v", ev, c.Err())
		}
	})
}

// UTF-8 was checked only at the end of a message, length minimality and the
// top bit never.
func TestSeedDefect09LateOrMissingChecks(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for in, want := range map[string]Error{
			"\x01\x7e\x03\xe8\xff":                     ErrInvalidUTF8,
			"\x82\x7e\x00\x05":                         ErrLengthNotMinimal,
			"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05": ErrLengthNotMinimal,
			"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x05": ErrLengthTopBit,
		} {
			e := opened(t, role)
			e.recv(in)
			e.wantEvents(failed(want))
			e.wantOutput(closeFrame(want))
		}
	})
}

// Nothing had a bound, and receive after close blocked for ever: here input
// after the end is consumed at once, and what waits is one pong.
func TestSeedDefect10NoBound(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.blocked = true
		e.recvPieces(strings.Repeat("\x89\x01p", 1000), 300)
		if e.Pending() > 2+4+frame.MaxControlPayload {
			t.Errorf("%d bytes wait", e.Pending())
		}
		e.recv(close1000)
		in := make([]byte, 1000)
		if n, ev := e.Recv(e.at, in, nil); n != len(in) || ev.Kind != EventNone {
			t.Errorf("after the close: %d, %+v", n, ev)
		}
	})
}
