package core

import (
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
)

func TestAppendMessage(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, tt := range []struct {
			op   frame.Opcode
			p    string
			wire string
		}{
			{frame.Text, "", "\x81\x00"},
			{frame.Text, "Hello", "\x81\x05Hello"},
			{frame.Text, "κ€😀", "\x81\x09κ€😀"},
			{frame.Binary, "\xff\x00", "\x82\x02\xff\x00"},
			{frame.Binary, pattern(125), "\x82\x7d" + pattern(125)},
			{frame.Binary, pattern(126), "\x82\x7e\x00\x7e" + pattern(126)},
			{frame.Binary, pattern(65535), "\x82\x7e\xff\xff" + pattern(65535)},
			{frame.Binary, pattern(65536), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + pattern(65536)},
		} {
			e := opened(t, role)
			p := []byte(tt.p)
			out, err := e.AppendMessage([]byte("before"), tt.op, p)
			if err != nil || string(out) != "before"+from(role, tt.wire) {
				t.Errorf("%v %q: %q, %v", tt.op, tt.p, out, err)
			}
			if string(p) != tt.p {
				t.Errorf("%q: the payload was changed", tt.p)
			}
		}
	})
}

func TestAppendFragment(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.take(e.AppendFragment(nil, frame.Text, []byte("a\xe2"), false))
		e.take(e.AppendPing(nil, []byte("p")))
		e.take(e.AppendFragment(nil, frame.Continuation, []byte("\x82"), false))
		e.take(e.AppendPong(nil, []byte("q")))
		e.take(e.AppendFragment(nil, frame.Text, []byte("\xac"), true))
		e.wantOutput("\x01\x02a\xe2\x89\x01p\x00\x01\x82\x8a\x01q\x80\x01\xac")

		e.take(e.AppendFragment(nil, frame.Binary, nil, false))
		e.take(e.AppendFragment(nil, frame.Continuation, nil, true))
		e.take(e.AppendMessage(nil, frame.Text, []byte("x")))
		e.wantOutput("\x02\x00\x80\x00\x81\x01x")
	})
}

// CheckMessage and CheckFragment tell what AppendMessage and AppendFragment will, and
// change nothing.
func TestChecks(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for name, before := range map[string]func(e *end){
			"open":          func(*end) {},
			"in a text":     func(e *end) { e.take(e.AppendFragment(nil, frame.Text, []byte("\xe2\x82"), false)) },
			"in a binary":   func(e *end) { e.take(e.AppendFragment(nil, frame.Binary, nil, false)) },
			"behind a text": func(e *end) { e.take(e.AppendMessage(nil, frame.Text, nil)) },
			"closed":        func(e *end) { e.take(e.AppendClose(0, nil, 1000, "")) },
		} {
			for _, op := range []frame.Opcode{frame.Continuation, frame.Text, frame.Binary, frame.Ping} {
				for _, p := range []string{"", "a", "\xac", "\xe2\x82", "\xff"} {
					for _, how := range []string{"message", "first", "last"} {
						e := opened(t, role)
						before(e)
						state := string(e.AppendState(nil))
						var told, err error
						if how == "message" {
							told = e.CheckMessage(op, []byte(p))
						} else {
							told = e.CheckFragment(op, []byte(p), how == "last")
						}
						if after := string(e.AppendState(nil)); after != state {
							t.Errorf("%s, %s %v %q: a check made\n%sof\n%s", name, how, op, p, after, state)
						}
						if how == "message" {
							_, err = e.AppendMessage(nil, op, []byte(p))
						} else {
							_, err = e.AppendFragment(nil, op, []byte(p), how == "last")
						}
						if told != err {
							t.Errorf("%s, %s %v %q: %v was foretold, it is %v", name, how, op, p, told, err)
						}
					}
				}
			}
		}
	})
}

func TestFragmenting(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		for i, fin := range []bool{true, false, false, true} {
			if e.Fragmenting() != (i > 1) {
				t.Errorf("before fragment %d: %t", i, e.Fragmenting())
			}
			e.take(e.AppendFragment(nil, frame.Binary, []byte("x"), fin))
		}
		if e.Fragmenting() {
			t.Error("behind the last fragment")
		}
	})
}

func TestAppendHeader(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		out, mask, err := e.AppendHeader(nil, frame.Text, HeaderOptions{More: true}, 3)
		if err != nil || e.unsent != int64(len(out)+3) {
			t.Fatalf("%v, %d bytes unsent", err, e.unsent)
		}
		payload := []byte("abc")
		mask.XOR(payload, 0) // of a server it is zero
		out = append(out, payload...)
		out, _, err = e.AppendHeader(out, frame.Continuation, HeaderOptions{}, 0)
		if want := from(role, "\x01\x03abc\x80\x00"); err != nil || string(out) != want {
			t.Errorf("%q, %v; want %q", out, err, want)
		}
		if role == Server && mask != (frame.Mask{}) {
			t.Errorf("a server was told to mask with %v", mask)
		}
		e.Wrote(0, len(out))
		if e.unsent != 0 {
			t.Errorf("%d bytes unsent after all was written", e.unsent)
		}
	})
}

func TestAppendHeaderOfTheLargestFrame(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		out, _, err := opened(t, role).AppendHeader(nil, frame.Binary, HeaderOptions{}, MaxSize)
		want := "\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00"
		if err != nil || string(out) != from(role, want) {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// The payload of AppendHeader is not seen by the core; the text that follows
// is judged from a character's beginning.
func TestAppendHeaderAmongFragments(t *testing.T) {
	e := opened(t, Server)
	e.take(e.AppendFragment(nil, frame.Text, []byte("\xe2"), false))
	if _, _, err := e.AppendHeader(nil, frame.Text, HeaderOptions{}, 2); err != ErrMessageInProgress {
		t.Errorf("a new message inside another: %v", err)
	}
	if _, _, err := e.AppendHeader(nil, frame.Continuation, HeaderOptions{More: true}, 2); err != nil {
		t.Fatal(err)
	}
	e.take(e.AppendFragment(nil, frame.Text, []byte("a"), true))
	e.take(e.AppendMessage(nil, frame.Text, []byte("b")))
}

func TestClientDrawsAMaskForEachFrame(t *testing.T) {
	n := uint32(0)
	e := openedWith(t, Client, Config{Entropy: func() uint32 { n++; return n }})
	e.take(e.AppendMessage(nil, frame.Binary, nil))
	e.take(e.AppendPing(nil, nil))
	e.close(frame.NoStatus, "")
	if want := "\x82\x80\x01\x00\x00\x00\x89\x80\x02\x00\x00\x00\x88\x80\x03\x00\x00\x00"; e.output != want {
		t.Errorf("output %q, want %q", e.output, want)
	}
}

func TestServerDrawsNoEntropy(t *testing.T) {
	e := openedWith(t, Server, Config{Pings: PingAnswer, Entropy: func() uint32 {
		t.Error("entropy was drawn")
		return 0
	}})
	e.take(e.AppendMessage(nil, frame.Text, []byte("a")))
	e.recv("\x89\x00")
	e.close(1000, "")
}

func TestAppendClose(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, tt := range []struct {
			code   frame.CloseCode
			reason string
			wire   string
		}{
			{frame.NoStatus, "", "\x88\x00"},
			{frame.NormalClosure, "", "\x88\x02\x03\xe8"},
			{frame.GoingAway, "bye", "\x88\x05\x03\xe9bye"},
			{4999, strings.Repeat("r", 123), "\x88\x7d\x13\x87" + strings.Repeat("r", 123)},
		} {
			e := opened(t, role)
			e.close(tt.code, tt.reason)
			e.wantOutput(tt.wire)
		}
	})
}

// An appendCall is any call that appends.
type appendCall struct {
	name string
	call func(c *Conn) ([]byte, error)
}

var appendCalls = []appendCall{
	{"message", func(c *Conn) ([]byte, error) { return c.AppendMessage(nil, frame.Text, []byte("a")) }},
	{"fragment", func(c *Conn) ([]byte, error) { return c.AppendFragment(nil, frame.Text, []byte("a"), false) }},
	{"header", func(c *Conn) ([]byte, error) {
		out, _, err := c.AppendHeader(nil, frame.Binary, HeaderOptions{}, 1)
		return out, err
	}},
	{"ping", func(c *Conn) ([]byte, error) { return c.AppendPing(nil, nil) }},
	{"pong", func(c *Conn) ([]byte, error) { return c.AppendPong(nil, nil) }},
	{"close", func(c *Conn) ([]byte, error) { return c.AppendClose(0, nil, 1000, "") }},
}

// Misuse returns an error and changes nothing: not the state, not the buffer.
func TestMisuse(t *testing.T) {
	type misuse struct {
		name string
		want Error
		call func(c *Conn, dst []byte) ([]byte, error)
	}
	message := func(op frame.Opcode, p string) func(*Conn, []byte) ([]byte, error) {
		return func(c *Conn, dst []byte) ([]byte, error) { return c.AppendMessage(dst, op, []byte(p)) }
	}
	fragment := func(op frame.Opcode, p string, fin bool) func(*Conn, []byte) ([]byte, error) {
		return func(c *Conn, dst []byte) ([]byte, error) { return c.AppendFragment(dst, op, []byte(p), fin) }
	}
	header := func(op frame.Opcode, n int) func(*Conn, []byte) ([]byte, error) {
		return func(c *Conn, dst []byte) ([]byte, error) {
			out, mask, err := c.AppendHeader(dst, op, HeaderOptions{}, n)
			if mask != (frame.Mask{}) {
				t.Errorf("misuse returned a mask")
			}
			return out, err
		}
	}
	closing := func(code frame.CloseCode, reason string) func(*Conn, []byte) ([]byte, error) {
		return func(c *Conn, dst []byte) ([]byte, error) { return c.AppendClose(0, dst, code, reason) }
	}
	always := []misuse{
		{"a ping as a message", ErrInvalidOpcode, message(frame.Ping, "")},
		{"a close as a message", ErrInvalidOpcode, message(frame.Close, "")},
		{"a reserved opcode", ErrInvalidOpcode, message(3, "")},
		{"an opcode of more than four bits", ErrInvalidOpcode, message(0x81, "")},
		{"a continuation as a message", ErrInvalidOpcode, message(frame.Continuation, "")},
		{"a pong as a fragment", ErrInvalidOpcode, fragment(frame.Pong, "", true)},
		{"a reserved opcode as a fragment", ErrInvalidOpcode, fragment(0xf, "", false)},
		{"a negative length", ErrTooLong, header(frame.Binary, -1)},
		{"more than 1 GiB", ErrTooLong, header(frame.Binary, MaxSize+1)},
		{"a long ping", ErrControlTooLong, func(c *Conn, dst []byte) ([]byte, error) { return c.AppendPing(dst, make([]byte, 126)) }},
		{"a long pong", ErrControlTooLong, func(c *Conn, dst []byte) ([]byte, error) { return c.AppendPong(dst, make([]byte, 126)) }},
		{"code 0", ErrUnsendableCode, closing(0, "")},
		{"code 999", ErrUnsendableCode, closing(999, "")},
		{"code 1004", ErrUnsendableCode, closing(1004, "")},
		{"no status, with a reason", ErrUnsendableCode, closing(frame.NoStatus, "r")},
		{"code 1006", ErrUnsendableCode, closing(frame.Abnormal, "")},
		{"code 1015", ErrUnsendableCode, closing(frame.TLSHandshake, "")},
		{"code 2999", ErrUnsendableCode, closing(2999, "")},
		{"code 5000", ErrUnsendableCode, closing(5000, "")},
		{"a long reason", ErrControlTooLong, closing(1000, strings.Repeat("r", 124))},
		{"a reason that is not UTF-8", ErrInvalidText, closing(1000, "\xff")},
	}
	idle := []misuse{
		{"a continuation of nothing", ErrNoMessage, fragment(frame.Continuation, "", true)},
		{"a continuation header of nothing", ErrNoMessage, header(frame.Continuation, 0)},
		{"text that is not UTF-8", ErrInvalidText, message(frame.Text, "a\xff")},
		{"text that is cut off", ErrInvalidText, message(frame.Text, "a\xe2\x82")},
		{"a fragment that is not UTF-8", ErrInvalidText, fragment(frame.Text, "\xc0", false)},
		{"a last fragment that is cut off", ErrInvalidText, fragment(frame.Text, "\xe2", true)},
	}
	within := []misuse{
		{"a text message", ErrMessageInProgress, message(frame.Text, "")},
		{"a binary message", ErrMessageInProgress, message(frame.Binary, "")},
		{"a binary fragment", ErrMessageInProgress, fragment(frame.Binary, "", false)},
		{"a binary header", ErrMessageInProgress, header(frame.Binary, 0)},
		{"text that breaks the character", ErrInvalidText, fragment(frame.Text, "a", true)},
		{"text that leaves the character open", ErrInvalidText, fragment(frame.Continuation, "\x82", true)},
	}
	check := func(t *testing.T, c *Conn, cases []misuse) {
		t.Helper()
		for _, tt := range cases {
			before := dumpOf(c)
			out, err := tt.call(c, []byte("before"))
			if err != error(tt.want) || string(out) != "before" {
				t.Errorf("%s: %q, %v; want %v", tt.name, out, err, tt.want)
			}
			if after := dumpOf(c); after != before {
				t.Errorf("%s changed the state\nfrom %sto   %s", tt.name, before, after)
			}
		}
	}
	bothRoles(t, func(t *testing.T, role Role) {
		c := opened(t, role).Conn
		check(t, c, always)
		check(t, c, idle)
		if _, err := c.AppendFragment(nil, frame.Text, []byte("\xe2"), false); err != nil {
			t.Fatal(err)
		}
		check(t, c, always)
		check(t, c, within)
	})
}

// After a close frame of ours every frame is refused, in the middle of a
// message too (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1).
func TestNothingFollowsAClose(t *testing.T) {
	for _, state := range []struct {
		name string
		want Error
		make func(e *end)
	}{
		{"our close", ErrCloseSent, func(e *end) { e.close(1000, "") }},
		{"our close between fragments", ErrCloseSent, func(e *end) {
			e.take(e.AppendFragment(nil, frame.Text, []byte("a"), false))
			e.close(1000, "")
		}},
		{"the answer to the peer's close", ErrCloseSent, func(e *end) { e.recv("\x88\x00") }},
		{"a violation", ErrCloseSent, func(e *end) { e.recv("\x83\x00") }},
		{"an answer that is pending", ErrCloseSent, func(e *end) { e.blocked = true; e.recv("\x88\x00") }},
		{"both closes", ErrCloseSent, func(e *end) { e.close(1000, ""); e.recv("\x88\x00") }},
		{"end of file", ErrNotOpen, func(e *end) { e.eof() }},
		{"a lost transport", ErrNotOpen, func(e *end) { e.lost() }},
		{"a lost transport, the answer held", ErrNotOpen, func(e *end) {
			e.SetReadAhead(0, true)
			e.recv("\x88\x00")
			e.lost()
		}},
	} {
		t.Run(state.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, role Role) {
				e := opened(t, role)
				state.make(e)
				if e.Open() {
					t.Error("still open")
				}
				for _, a := range appendCalls {
					before := dumpOf(e.Conn)
					out, err := a.call(e.Conn)
					if len(out) != 0 || err != error(state.want) {
						t.Errorf("%s: %q, %v; want %v", a.name, out, err, state.want)
					}
					if dumpOf(e.Conn) != before {
						t.Errorf("%s changed the state", a.name)
					}
				}
				if _, err := e.AppendFragment(nil, frame.Continuation, nil, true); err != error(state.want) {
					t.Errorf("a continuation: %v", err)
				}
			})
		})
	}
}

func TestNothingBeforeTheHandshake(t *testing.T) {
	for _, c := range []*Conn{NewServer(settings(t, Config{}), 0), newTestClient(t, Config{}, RequestOptions{}).Conn} {
		if c.Open() {
			t.Error("open before the handshake")
		}
		for _, a := range appendCalls {
			before := dumpOf(c)
			if out, err := a.call(c); len(out) != 0 || err != error(ErrNotOpen) {
				t.Errorf("%v, %s: %q, %v", c.Role(), a.name, out, err)
			}
			if dumpOf(c) != before {
				t.Errorf("%v: %s changed the state", c.Role(), a.name)
			}
		}
	}
}

// Messages go on to arrive after our close (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1), but
// pings are not answered any more.
func TestReceivingAfterOurClose(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.close(1000, "")
		e.recv("\x81\x01a\x89\x01p\x8a\x01q\x88\x02\x03\xe8")
		e.wantEvents("text a", "ping p", "pong q", "close 1000 ")
		e.wantOutput("\x88\x02\x03\xe8")
	})
}

// A pong that waits leaves before our close.
func TestPongBeforeClose(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.blocked = true
		e.recv("\x89\x01p")
		e.close(1000, "")
		e.wantOutput("\x8a\x01p\x88\x02\x03\xe8")
		if e.Pending() != 0 {
			t.Errorf("%d bytes pending", e.Pending())
		}
	})
}

// Only while writing is blocked does a newer ping replace the pong that waits:
// a flood of pings costs no memory.
func TestNewestPongOnly(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.blocked = true
		e.recv("\x89\x03one\x89\x03two\x89\x05three")
		e.wantEvents("ping one", "ping two", "ping three")
		e.blocked = false
		e.drain()
		e.wantOutput("\x8a\x05three")
	})
}

// The slot holds a ping or a close that comes in pieces and the pong that
// waits, one at a time.
func TestSlotIsReused(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, tt := range []struct {
			name, in string
			events   []string
			out      string
		}{
			{"a shorter ping", "\x89\x03one\x89\x01x", []string{"ping one", "ping x"}, "\x8a\x01x"},
			{"an empty ping", "\x89\x03one\x89\x00", []string{"ping one", "ping "}, "\x8a\x00"},
			{"a close", "\x89\x03one\x88\x05\x03\xe8bye", []string{"ping one", "close 1000 bye"}, "\x88\x02\x03\xe8"},
			{"an empty close", "\x89\x03one\x88\x00", []string{"ping one", "close 1005 "}, "\x88\x00"},
			{"a pong leaves it alone", "\x89\x03one\x8a\x03two", []string{"ping one", "pong two"}, "\x8a\x03one"},
			{"a message leaves it alone", "\x89\x03one\x81\x03two", []string{"ping one", "text two"}, "\x8a\x03one"},
		} {
			for _, size := range []int{1, 2, 1000} {
				e := opened(t, role)
				e.blocked = true
				e.recvPieces(tt.in, size)
				e.wantEvents(tt.events...)
				e.blocked = false
				e.drain()
				e.wantOutput(tt.out)
			}
		}
	})
}

// Taking the output while the next ping is half there sends no half pong.
func TestNoHalfPong(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		in := from(role.peer(), "\x89\x04ping")
		e.recvRaw(in[:len(in)-2])
		e.wantOutput("")
		e.recvRaw(in[len(in)-2:])
		e.wantOutput("\x8a\x04ping")
	})
}

func TestPending(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.blocked = true
		if e.Pending() != 0 {
			t.Error("output is pending at birth")
		}
		e.recv("\x89\x7d" + pattern(125))
		e.after(15e9).tick()
		e.recv("\x88\x00")
		n := e.Pending()
		out := e.AppendOutput(nil)
		if len(out) == 0 || n < len(out) {
			t.Errorf("Pending() = %d, then %d bytes came", n, len(out))
		}
		if e.Pending() != 0 || len(e.AppendOutput(nil)) != 0 {
			t.Error("output is left")
		}
	})
}

// Wrote never goes below nothing and takes nonsense calmly.
func TestWroteIsClamped(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.stuck = true
		for _, n := range []int{0, 1, -1, 1 << 30} {
			e.Wrote(e.at, n)
		}
		e.take(e.AppendMessage(nil, frame.Text, []byte("abc")))
		whole := int64(len(e.output))
		for _, tt := range []struct {
			n    int
			left int64
		}{{-5, whole}, {0, whole}, {1, whole - 1}, {2, whole - 3}, {1 << 30, 0}, {1, 0}} {
			e.Wrote(e.at, tt.n)
			if e.unsent != tt.left {
				t.Errorf("after %d: %d bytes unsent, want %d", tt.n, e.unsent, tt.left)
			}
		}
	})
}

// What was handed out and not written keeps the close timeout from ending in
// an orderly close.
func TestUnsentAccounting(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.stuck = true
		e.recv("\x89\x01p")
		e.take(e.AppendMessage(nil, frame.Text, []byte("abc")))
		e.close(1000, "")
		if e.unsent != int64(len(e.output)) {
			t.Errorf("%d bytes unsent, %d handed out", e.unsent, len(e.output))
		}
		e.Wrote(e.at, len(e.output)-1)
		e.at = clock.Time(5e9)
		e.tick()
		e.wantTransport(TransportAbort)
		e.Wrote(e.at, 1)
		e.wantTransport(TransportAbort)
	})
}
