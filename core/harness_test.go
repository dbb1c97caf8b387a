package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

// rfcMask is the mask key of the examples in RFC 6455 section 5.7.
const rfcMask = "\x37\xfa\x21\x3d"

// fixedEntropy makes every mask of a client rfcMask.
func fixedEntropy() uint32 { return 0x3d21fa37 }

// masked returns the frames of wire, unmasked, as a client sends them. It goes
// by the lengths on the wire and minds no other rule, so that it can mask
// frames that break one. A last frame may be cut off.
func masked(wire string) string {
	var out []byte
	for len(wire) >= 2 {
		head := 2
		length := int(wire[1] & 0x7F)
		switch {
		case length == 126 && len(wire) >= 4:
			head = 4
			length = int(wire[2])<<8 | int(wire[3])
		case length == 127 && len(wire) >= 10:
			head = 10
			length = 0
			for _, b := range []byte(wire[2:10]) {
				length = length<<8 | int(b)
			}
		}
		end := len(wire)
		if length >= 0 && length < end-head {
			end = head + length
		}
		out = append(out, wire[0], wire[1]|0x80)
		out = append(out, wire[2:head]...)
		out = append(out, rfcMask...)
		for i, b := range []byte(wire[head:end]) {
			out = append(out, b^rfcMask[i%4])
		}
		wire = wire[end:]
	}
	return string(out) + wire
}

// from returns wire, unmasked, as the given role sends it.
func from(sender Role, wire string) string {
	if sender == Client {
		return masked(wire)
	}
	return wire
}

func (r Role) peer() Role { return Client - r }

func bothRoles(t *testing.T, f func(t *testing.T, role Role)) {
	for _, role := range []Role{Server, Client} {
		t.Run(role.String(), func(t *testing.T) { f(t, role) })
	}
}

func settings(t testing.TB, c Config) *Settings {
	t.Helper()
	if c.Entropy == nil {
		c.Entropy = fixedEntropy
	}
	s, err := NewSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An end is a Conn and the driver of it: it borrows memory for each call and
// spoils it afterwards, drains the output after each call unless blocked, and
// keeps a record of events and output.
type end struct {
	*Conn
	t       testing.TB
	at      clock.Time
	blocked bool // the driver takes no output
	stuck   bool // the transport takes no output
	events  []string
	output  string
}

func wrap(t testing.TB, c *Conn) *end { return &end{Conn: c, t: t} }

// opened returns an end of an open connection that answers pings.
func opened(t testing.TB, role Role) *end {
	return openedWith(t, role, Config{Pings: PingAnswer})
}

func openedWith(t testing.TB, role Role, cfg Config) *end {
	t.Helper()
	c, err := NewOpen(settings(t, cfg), 0, role)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(t, c)
}

// snapshot returns an end that goes on from the same state and record.
func (e *end) snapshot() *end {
	twin := *e
	twin.Conn = e.Snapshot()
	twin.events = slices.Clone(e.events)
	return &twin
}

// after lets time pass, without a tick.
func (e *end) after(d time.Duration) *end {
	e.at = e.at.Add(d)
	return e
}

// recv passes input that is given as it would be unmasked.
func (e *end) recv(wire string) { e.recvRaw(from(e.Role().peer(), wire)) }

// recvPieces is recv in pieces of size bytes.
func (e *end) recvPieces(wire string, size int) {
	e.t.Helper()
	for piece := range slices.Chunk([]byte(from(e.Role().peer(), wire)), size) {
		e.recvRaw(string(piece))
	}
}

func (e *end) recvRaw(in string) {
	e.t.Helper()
	for {
		n, more := e.recvOnce(in)
		in = in[n:]
		if !more {
			if len(in) > 0 && e.Request() == nil {
				e.t.Fatalf("no event, yet %d bytes of input are left", len(in))
			}
			return
		}
	}
}

// recvOnce makes one call of Recv and reports whether it brought an event.
func (e *end) recvOnce(in string) (n int, more bool) {
	e.t.Helper()
	buf := []byte(in)
	scratch := make([]byte, ScratchSize+50)
	n, ev := e.Recv(e.at, buf, scratch)
	if n < 0 || n > len(in) {
		e.t.Fatalf("Recv consumed %d bytes of %d", n, len(in))
	}
	e.note(ev)
	spoil(buf)
	spoil(scratch)
	e.drain()
	return n, ev.Kind != EventNone
}

func spoil(p []byte) {
	for i := range p {
		p[i] ^= 0xA5
	}
}

func (e *end) eof()  { e.note(e.RecvEOF(e.at)); e.drain() }
func (e *end) lost() { e.note(e.Lost(e.at)); e.drain() }
func (e *end) tick() { e.note(e.Tick(e.at)); e.drain() }

// drain takes the pending output and, unless the transport is stuck, writes it.
func (e *end) drain() {
	if e.blocked {
		return
	}
	e.take(e.AppendOutput(nil), nil)
}

// take records what an Append method returned.
func (e *end) take(out []byte, err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatalf("append: %v", err)
	}
	if len(out) == 0 {
		return
	}
	e.output += string(out)
	if !e.stuck {
		e.Wrote(e.at, len(out))
	}
}

// refused checks that an Append method returned want and appended nothing.
func (e *end) refused(want Error) func(out []byte, err error) {
	return func(out []byte, err error) {
		e.t.Helper()
		if err != error(want) || len(out) != 0 {
			e.t.Errorf("append returned %q, %v; want %v", out, err, want)
		}
	}
}

func (e *end) close(code frame.CloseCode, reason string) {
	e.t.Helper()
	e.take(e.AppendClose(e.at, nil, code, reason))
}

// note records an event as text. Chunks of one message or pong are joined; a
// message that was not ended has three dots behind it.
func (e *end) note(ev Event) {
	if ev.Kind == EventNone {
		return
	}
	if ev.Kind != EventMessage && ev.Kind != EventPong {
		e.events = append(e.events, e.describe(ev))
		return
	}
	name := ev.Op.String()
	i := len(e.events)
	if !ev.First {
		i = e.unfinished(name)
	}
	if i < 0 {
		e.t.Errorf("a chunk of %s without a first one", name)
		return
	}
	if ev.First {
		if !ev.Last && e.unfinished(name) >= 0 {
			e.t.Errorf("a second first chunk of %s", name)
		}
		e.events = append(e.events, name+" ...")
	}
	text := strings.TrimSuffix(e.events[i], "...") + string(ev.Data)
	if !ev.Last {
		text += "..."
	}
	e.events[i] = text
}

// unfinished returns the index of the event that is an unfinished name, -1 if
// there is none.
func (e *end) unfinished(name string) int {
	return slices.IndexFunc(e.events, func(s string) bool {
		return strings.HasPrefix(s, name+" ") && strings.HasSuffix(s, "...")
	})
}

func (e *end) describe(ev Event) string {
	switch ev.Kind {
	case EventRequest:
		return "request"
	case EventOpen:
		return "open"
	case EventPing:
		return "ping " + string(ev.Data)
	case EventClose:
		return fmt.Sprintf("close %d %s", uint16(ev.Code), ev.Data)
	case EventFailed:
		return fmt.Sprintf("failed %d %v", uint16(ev.Code), e.Err())
	}
	return fmt.Sprintf("unknown %+v", ev)
}

// failed is how the harness writes down EventFailed.
func failed(e Error) string { return fmt.Sprintf("failed %d %v", uint16(e.CloseCode()), e) }

// silently is failed where no close frame was queued.
func silently(e Error) string { return fmt.Sprintf("failed 1006 %v", e) }

// wantEvents checks the events since it was last called.
func (e *end) wantEvents(want ...string) {
	e.t.Helper()
	if !slices.Equal(e.events, want) {
		e.t.Errorf("events %q, want %q", e.events, want)
	}
	e.events = nil
}

// wantOutput checks the output since it was last called, given as it would be
// unmasked.
func (e *end) wantOutput(wire string) {
	e.t.Helper()
	if want := from(e.Role(), wire); e.output != want {
		e.t.Errorf("output %q, want %q", e.output, want)
	}
	e.output = ""
}

func (e *end) wantTransport(want Transport) {
	e.t.Helper()
	if got := e.Transport(); got != want {
		e.t.Errorf("transport level %d, want %d", got, want)
	}
}

func (e *end) wantErr(want Error) {
	e.t.Helper()
	err := e.Err()
	if want == 0 && err != nil || want != 0 && err != error(want) {
		e.t.Errorf("Err() = %v, want %v", err, want)
	}
}

// wantTimer checks the deadline, given as the time since the beginning.
func (e *end) wantTimer(why Timer, at time.Duration) {
	e.t.Helper()
	got, reason := e.Deadline()
	if reason != why || why != TimerNone && got != clock.Time(at) {
		e.t.Errorf("deadline %v for timer %d, want %v for %d", time.Duration(got), reason, at, why)
	}
}

func dumpOf(c *Conn) string { return string(c.AppendState(nil)) }

// closeFrame is the unmasked close frame for a violation.
func closeFrame(e Error) string {
	code := e.CloseCode()
	return "\x88" + string(rune(2+len(e.Reason()))) + string([]byte{byte(code >> 8), byte(code)}) + e.Reason()
}

// pattern returns n bytes in which a shift by a mask's length shows.
func pattern(n int) string {
	p := make([]byte, n)
	for i := range p {
		p[i] = "0123456789abcdefghijklmnopqrstuvw"[i%33]
	}
	return string(p)
}
