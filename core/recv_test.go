package core

import (
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// A recvCase is input, given as it would be unmasked, and what must come of
// it. A violation is the error of the connection; the events then end with
// its failure and the output with its close frame.
type recvCase struct {
	name   string
	in     string
	events []string
	out    string
	err    Error
}

// run feeds the case to an open connection of either role, whole and in small
// pieces: one event or output too few or too many, and it fails.
func (tt recvCase) run(t *testing.T, cfg Config) {
	if tt.err != 0 {
		tt.events = append(slices.Clone(tt.events), failed(tt.err))
		tt.out += closeFrame(tt.err)
	}
	t.Run(tt.name, func(t *testing.T) {
		bothRoles(t, func(t *testing.T, role Role) {
			for _, size := range []int{1 << 20, 1 + len(tt.in)/200} {
				e := openedWith(t, role, cfg)
				e.recvPieces(tt.in, size)
				e.wantEvents(tt.events...)
				e.wantOutput(tt.out)
				e.wantErr(tt.err)
				if tt.err != 0 {
					e.wantTransport(TransportHalfClose)
				}
			}
		})
	})
}

func runRecv(t *testing.T, cfg Config, cases []recvCase) {
	for _, tt := range cases {
		tt.run(t, cfg)
	}
}

var answering = Config{Pings: PingAnswer}

// The examples of RFC 6455 section 5.7, byte for byte.
func TestSection5_7(t *testing.T) {
	for _, tt := range []struct {
		name  string
		role  Role // who receives
		in    string
		event string
		out   string
	}{
		{"a single-frame unmasked text message", Client, "\x81\x05\x48\x65\x6c\x6c\x6f", "text Hello", ""},
		{"a single-frame masked text message", Server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "text Hello", ""},
		{"a fragmented unmasked text message", Client, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", "text Hello", ""},
		{"unmasked ping", Client, "\x89\x05\x48\x65\x6c\x6c\x6f", "ping Hello", "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"masked pong", Server, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "pong Hello", ""},
		{"256 bytes in a single unmasked frame", Client, "\x82\x7e\x01\x00" + pattern(256), "binary " + pattern(256), ""},
		{"64 KiB in a single unmasked frame", Client, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + pattern(65536), "binary " + pattern(65536), ""},
	} {
		e := opened(t, tt.role)
		e.recvRaw(tt.in)
		e.wantEvents(tt.event)
		if e.output != tt.out {
			t.Errorf("%s: output %q, want %q", tt.name, e.output, tt.out)
		}
	}
}

func TestSection5_2Lengths(t *testing.T) {
	runRecv(t, answering, []recvCase{
		{name: "0", in: "\x82\x00", events: []string{"binary "}},
		{name: "0, text", in: "\x81\x00", events: []string{"text "}},
		{name: "1", in: "\x82\x01a", events: []string{"binary a"}},
		{name: "125", in: "\x82\x7d" + pattern(125), events: []string{"binary " + pattern(125)}},
		{name: "126", in: "\x82\x7e\x00\x7e" + pattern(126), events: []string{"binary " + pattern(126)}},
		{name: "127", in: "\x82\x7e\x00\x7f" + pattern(127), events: []string{"binary " + pattern(127)}},
		{name: "65535", in: "\x82\x7e\xff\xff" + pattern(65535), events: []string{"binary " + pattern(65535)}},
		{name: "65536", in: "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + pattern(65536), events: []string{"binary " + pattern(65536)}},
		{name: "two messages", in: "\x82\x01a\x81\x02bc", events: []string{"binary a", "text bc"}},
		{name: "0 in 16 bits", in: "\x82\x7e\x00\x00", err: ErrLengthNotMinimal},
		{name: "125 in 16 bits", in: "\x82\x7e\x00\x7d", err: ErrLengthNotMinimal},
		{name: "0 in 64 bits", in: "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x00", err: ErrLengthNotMinimal},
		{name: "65535 in 64 bits", in: "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", err: ErrLengthNotMinimal},
		{name: "the top bit of 64", in: "\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00", err: ErrLengthTopBit},
		{name: "all bits of 64", in: "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", err: ErrLengthTopBit},
		{name: "a message before it", in: "\x82\x01a\x82\x7e\x00\x01a", events: []string{"binary a"}, err: ErrLengthNotMinimal},
		{name: "nothing after it", in: "\x82\x7e\x00\x01a\x82\x01b\x89\x00", err: ErrLengthNotMinimal},
	})
}

func TestSection5_2ReservedBits(t *testing.T) {
	runRecv(t, answering, []recvCase{
		{name: "RSV1", in: "\xc1\x01a", err: ErrReservedBits},
		{name: "RSV2", in: "\xa1\x01a", err: ErrReservedBits},
		{name: "RSV3", in: "\x91\x01a", err: ErrReservedBits},
		{name: "all", in: "\xf2\x01a", err: ErrReservedBits},
		{name: "on a close", in: "\xc8\x02\x03\xe8", err: ErrReservedBits},
		{name: "on a ping", in: "\xc9\x00", err: ErrReservedBits},
		{name: "on a pong", in: "\xaa\x00", err: ErrReservedBits},
		{name: "on a continuation", in: "\x01\x01a\x90\x01b", events: []string{"text a..."}, err: ErrReservedBits},
		{name: "after a message", in: "\x81\x01a\xc1\x01b", events: []string{"text a"}, err: ErrReservedBits},
	})
}

func TestSection5_2Opcodes(t *testing.T) {
	for _, op := range "\x03\x04\x05\x06\x07\x0b\x0c\x0d\x0e\x0f" {
		first := string([]byte{0x80 | byte(op)})
		runRecv(t, answering, []recvCase{
			{name: "empty " + frame.Opcode(op).String(), in: first + "\x00", err: ErrOpcode},
			{name: "with a payload " + frame.Opcode(op).String(), in: first + "\x01a", err: ErrOpcode},
			{name: "inside a message " + frame.Opcode(op).String(), in: "\x02\x01x" + first + "\x01a", events: []string{"binary x..."}, err: ErrOpcode},
		})
	}
}

func TestSection5_4Fragmentation(t *testing.T) {
	runRecv(t, answering, []recvCase{
		{name: "two", in: "\x01\x02ab\x80\x02cd", events: []string{"text abcd"}},
		{name: "three", in: "\x02\x02ab\x00\x02cd\x80\x02ef", events: []string{"binary abcdef"}},
		{name: "empty first", in: "\x01\x00\x80\x01a", events: []string{"text a"}},
		{name: "empty last", in: "\x01\x01a\x80\x00", events: []string{"text a"}},
		{name: "all empty", in: "\x01\x00\x00\x00\x80\x00", events: []string{"text "}},
		{name: "ping between", in: "\x01\x01a\x89\x01p\x80\x01b", events: []string{"text ab", "ping p"}, out: "\x8a\x01p"},
		{name: "pong between", in: "\x01\x01a\x8a\x01p\x80\x01b", events: []string{"text ab", "pong p"}},
		{name: "two pings between", in: "\x01\x01a\x89\x01p\x89\x01q\x80\x01b", events: []string{"text ab", "ping p", "ping q"}, out: "\x8a\x01p\x8a\x01q"},
		{name: "close between", in: "\x01\x01a\x88\x02\x03\xe8", events: []string{"text a...", "close 1000 "}, out: "\x88\x02\x03\xe8"},
		{name: "a second message", in: "\x01\x01a\x80\x01b\x02\x01c\x80\x01d", events: []string{"text ab", "binary cd"}},
		{name: "continuation first", in: "\x80\x01a", err: ErrUnexpectedContinuation},
		{name: "unfinished continuation first", in: "\x00\x01a", err: ErrUnexpectedContinuation},
		{name: "continuation after a message", in: "\x81\x01a\x80\x01b", events: []string{"text a"}, err: ErrUnexpectedContinuation},
		{name: "continuation after the last", in: "\x01\x01a\x80\x01b\x80\x01c", events: []string{"text ab"}, err: ErrUnexpectedContinuation},
		{name: "text inside", in: "\x01\x01a\x81\x01b", events: []string{"text a..."}, err: ErrExpectedContinuation},
		{name: "binary inside", in: "\x01\x01a\x02\x01b", events: []string{"text a..."}, err: ErrExpectedContinuation},
		{name: "text inside after a ping", in: "\x02\x01a\x89\x00\x81\x01b", events: []string{"binary a...", "ping "}, out: "\x8a\x00", err: ErrExpectedContinuation},
	})
	// What is unfinished is no failure.
	for _, in := range []string{"\x01", "\x01\x02", "\x01\x02a"} {
		e := opened(t, Client)
		e.recv(in)
		e.wantErr(0)
		e.wantOutput("")
	}
}

func TestSection5_5ControlFrames(t *testing.T) {
	long := pattern(125)
	runRecv(t, answering, []recvCase{
		{name: "empty ping", in: "\x89\x00", events: []string{"ping "}, out: "\x8a\x00"},
		{name: "ping", in: "\x89\x04ping", events: []string{"ping ping"}, out: "\x8a\x04ping"},
		{name: "ping of 125", in: "\x89\x7d" + long, events: []string{"ping " + long}, out: "\x8a\x7d" + long},
		{name: "ping of 126", in: "\x89\x7e\x00\x7e" + pattern(126), err: ErrControlLength},
		{name: "ping of 65536", in: "\x89\x7f\x00\x00\x00\x00\x00\x01\x00\x00", err: ErrControlLength},
		{name: "ping of any bytes", in: "\x89\x03\x00\xff\xfe", events: []string{"ping \x00\xff\xfe"}, out: "\x8a\x03\x00\xff\xfe"},
		{name: "fragmented ping", in: "\x09\x01a", err: ErrControlFragmented},
		{name: "empty pong", in: "\x8a\x00", events: []string{"pong "}},
		{name: "unsolicited pong", in: "\x8a\x04pong", events: []string{"pong pong"}},
		{name: "pong of 125", in: "\x8a\x7d" + long, events: []string{"pong " + long}},
		{name: "pong of 126", in: "\x8a\x7e\x00\x7e" + pattern(126), err: ErrControlLength},
		{name: "fragmented pong", in: "\x0a\x00", err: ErrControlFragmented},
		{name: "fragmented close", in: "\x08\x02\x03\xe8", err: ErrControlFragmented},
		{name: "close of 126", in: "\x88\x7e\x00\x7e\x03\xe8" + pattern(124), err: ErrControlLength},
		{name: "ten pings", in: strings.Repeat("\x89\x01p", 10), events: strings.Split(strings.Repeat("ping p,", 9)+"ping p", ","), out: strings.Repeat("\x8a\x01p", 10)},
		{name: "two pongs", in: "\x8a\x01a\x8a\x01b", events: []string{"pong a", "pong b"}},
		{name: "ping, then a long ping, then a short one", in: "\x89\x00\x89\x03abc\x89\x01z", events: []string{"ping ", "ping abc", "ping z"}, out: "\x8a\x00\x8a\x03abc\x8a\x01z"},
	})
}

func TestPingPolicy(t *testing.T) {
	for _, tt := range []struct {
		policy PingPolicy
		role   Role
		out    string
	}{
		{PingDefault, Server, ""},
		{PingDefault, Client, "\x8a\x01p"},
		{PingAnswer, Server, "\x8a\x01p"},
		{PingAnswer, Client, "\x8a\x01p"},
		{PingDrop, Server, ""},
		{PingDrop, Client, ""},
	} {
		e := openedWith(t, tt.role, Config{Pings: tt.policy})
		e.recv("\x89\x01p")
		e.wantEvents("ping p")
		e.wantOutput(tt.out)
	}
}

// https://www.rfc-editor.org/rfc/rfc6455#section-8.1, and fail-fast: the
// failure comes with the first impossible byte, inside an unfinished frame.
func TestSection8_1UTF8(t *testing.T) {
	runRecv(t, answering, []recvCase{
		{name: "two, three and four bytes", in: "\x81\x0bκ€😀é", events: []string{"text κ€😀é"}},
		{name: "a character over fragments", in: "\x01\x01\xe2\x00\x01\x82\x80\x01\xac", events: []string{"text €"}},
		{name: "a character around a ping", in: "\x01\x02\xf0\x9f\x89\x00\x80\x02\x98\x80", events: []string{"text 😀", "ping "}, out: "\x8a\x00"},
		{name: "binary may be anything", in: "\x82\x04\xff\xc0\x80\xfe", events: []string{"binary \xff\xc0\x80\xfe"}},
		{name: "binary continuation may be anything", in: "\x02\x00\x80\x01\xff", events: []string{"binary \xff"}},
		{name: "the last code point", in: "\x81\x04\xf4\x8f\xbf\xbf", events: []string{"text \U0010ffff"}},
		{name: "around the surrogates", in: "\x81\x06\xed\x9f\xbf\xee\x80\x80", events: []string{"text \ud7ff\ue000"}},
		{name: "NUL", in: "\x81\x01\x00", events: []string{"text \x00"}},
		{name: "stray continuation", in: "\x81\x7dab\x80", events: []string{"text ab..."}, err: ErrInvalidUTF8},
		{name: "at once", in: "\x81\x7d\xff", err: ErrInvalidUTF8},
		{name: "overlong of two", in: "\x81\x7dab\xc0", events: []string{"text ab..."}, err: ErrInvalidUTF8},
		{name: "overlong of three", in: "\x81\x7d\xe0\x80", events: []string{"text \xe0..."}, err: ErrInvalidUTF8},
		{name: "overlong of four", in: "\x81\x7d\xf0\x8f", events: []string{"text \xf0..."}, err: ErrInvalidUTF8},
		{name: "surrogate", in: "\x81\x7da\xed\xa0", events: []string{"text a\xed..."}, err: ErrInvalidUTF8},
		{name: "above the last code point", in: "\x81\x7d\xf4\x90", events: []string{"text \xf4..."}, err: ErrInvalidUTF8},
		{name: "five-byte form", in: "\x81\x7d\xf8", err: ErrInvalidUTF8},
		{name: "prefix in the frame's middle", in: "\x81\x7e\x01\x00" + pattern(50) + "\xfe" + pattern(20), events: []string{"text " + pattern(50) + "..."}, err: ErrInvalidUTF8},
		{name: "broken by the next fragment", in: "\x01\x02a\xe2\x80\x7da", events: []string{"text a\xe2..."}, err: ErrInvalidUTF8},
		{name: "cut off by the end", in: "\x81\x03a\xe2\x82", events: []string{"text a\xe2\x82..."}, err: ErrInvalidUTF8},
		{name: "cut off by an empty last fragment", in: "\x01\x01\xe2\x80\x00", events: []string{"text \xe2..."}, err: ErrInvalidUTF8},
		{name: "the next message starts afresh", in: "\x81\x03€\x81\x01\x82", events: []string{"text €"}, err: ErrInvalidUTF8},
	})
}

func TestSection5_5_1ClosePayload(t *testing.T) {
	reason := strings.Repeat("r", 123)
	runRecv(t, answering, []recvCase{
		{name: "1 byte", in: "\x88\x01\x03", err: ErrCloseLength},
		{name: "reason is not UTF-8", in: "\x88\x03\x03\xe8\xff", err: ErrCloseReason},
		{name: "reason is cut off", in: "\x88\x04\x03\xe8\xe2\x82", err: ErrCloseReason},
		{name: "the code counts before the reason", in: "\x88\x03\x00\x00\xff", err: ErrCloseCode},
	})
	for _, tt := range []struct{ in, event, out string }{
		{"\x88\x00", "close 1005 ", "\x88\x00"},
		{"\x88\x02\x03\xe8", "close 1000 ", "\x88\x02\x03\xe8"},
		{"\x88\x05\x03\xe9bye", "close 1001 bye", "\x88\x02\x03\xe9"},
		{"\x88\x05\x03\xe8€", "close 1000 €", "\x88\x02\x03\xe8"},
		{"\x88\x7d\x0f\xa0" + reason, "close 4000 " + reason, "\x88\x02\x0f\xa0"},
	} {
		recvCase{name: tt.event, in: tt.in, events: []string{tt.event}, out: tt.out}.runClosed(t)
	}
}

// runClosed is run for a case that ends in the peer's close.
func (tt recvCase) runClosed(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for _, size := range []int{1, 3, 1000} {
			e := opened(t, role)
			e.recvPieces(tt.in+"\x89\x00 after the close nothing is read", size)
			e.wantEvents(tt.events...)
			e.wantOutput(tt.out)
			e.wantErr(0)
		}
	})
}

func TestSection7_4CloseCodes(t *testing.T) {
	legal := func(code int) bool {
		return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
	}
	bothRoles(t, func(t *testing.T, role Role) {
		for code := range 1 << 16 {
			if code > 5100 && code%997 != 0 && code != 0xFFFF {
				continue
			}
			e := opened(t, role)
			payload := string([]byte{byte(code >> 8), byte(code)})
			e.recv("\x88\x02" + payload)
			if legal(code) {
				e.wantErr(0)
				e.wantOutput("\x88\x02" + payload)
			} else {
				e.wantEvents(failed(ErrCloseCode))
				e.wantOutput(closeFrame(ErrCloseCode))
			}
		}
	})
}

func TestSection5_1Masking(t *testing.T) {
	for _, in := range []string{"\x81\x01a", "\x82\x00", "\x89\x00", "\x8a\x00", "\x88\x00", "\x01\x00", "\x82\x7e\x01\x00"} {
		e := opened(t, Server)
		e.recvRaw(in)
		e.wantEvents(failed(ErrMaskRequired))
		e.wantOutput(closeFrame(ErrMaskRequired))

		e = opened(t, Client)
		e.recvRaw(masked(in))
		e.wantEvents(failed(ErrMaskForbidden))
		e.wantOutput(closeFrame(ErrMaskForbidden))
	}
	t.Run("every key, at every position", func(t *testing.T) {
		for _, key := range []frame.Mask{{}, {1, 2, 3, 4}, {0xff, 0, 0xff, 0}, {0x80, 0x40, 0x20, 0x10}} {
			body := pattern(39)
			in := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Binary, Masked: true, Mask: key}, []byte(body))
			for size := 1; size <= len(in); size++ {
				e := opened(t, Server)
				for piece := range slices.Chunk(in, size) {
					e.recvRaw(string(piece))
				}
				e.wantEvents("binary " + body)
			}
		}
	})
}

func TestLimitOfFrames(t *testing.T) {
	cfg := Config{Pings: PingAnswer, MaxFrameSize: 200, MaxMessageSize: 300}
	runRecv(t, cfg, []recvCase{
		{name: "at the limit", in: "\x82\x7e\x00\xc8" + pattern(200), events: []string{"binary " + pattern(200)}},
		{name: "above", in: "\x82\x7e\x00\xc9", err: ErrFrameTooBig},
		{name: "above in a continuation", in: "\x02\x01a\x80\x7e\x00\xc9", events: []string{"binary a..."}, err: ErrFrameTooBig},
		{name: "text above", in: "\x81\x7e\x00\xc9", err: ErrFrameTooBig},
		{name: "pings are not counted", in: "\x89\x01p\x82\x7e\x00\xc8" + pattern(200), events: []string{"ping p", "binary " + pattern(200)}, out: "\x8a\x01p"},
	})
}

func TestLimitOfMessages(t *testing.T) {
	cfg := Config{Pings: PingAnswer, MaxMessageSize: 10}
	runRecv(t, cfg, []recvCase{
		{name: "at the limit", in: "\x82\x0a0123456789", events: []string{"binary 0123456789"}},
		{name: "above in one frame", in: "\x82\x0b", err: ErrMessageTooBig},
		{name: "at the limit in two", in: "\x02\x0501234\x80\x0556789", events: []string{"binary 0123456789"}},
		{name: "above in two", in: "\x02\x0501234\x80\x06", events: []string{"binary 01234..."}, err: ErrMessageTooBig},
		{name: "the next message starts afresh", in: "\x82\x0a0123456789\x82\x0a0123456789", events: []string{"binary 0123456789", "binary 0123456789"}},
		{name: "pings between are not counted", in: "\x02\x0501234\x89\x01p\x80\x0556789", events: []string{"binary 0123456789", "ping p"}, out: "\x8a\x01p"},
	})
}

func TestLimitOfFragments(t *testing.T) {
	cfg := Config{Pings: PingAnswer, MaxFragments: 3}
	runRecv(t, cfg, []recvCase{
		{name: "at the limit", in: "\x02\x01a\x00\x01b\x80\x01c", events: []string{"binary abc"}},
		{name: "above", in: "\x02\x01a\x00\x01b\x00\x01c\x80\x01d", events: []string{"binary abc..."}, err: ErrTooManyFragments},
		{name: "empty ones count", in: "\x02\x00\x00\x00\x00\x00\x00\x00", err: ErrTooManyFragments},
		{name: "pings do not count", in: "\x02\x01a\x89\x00\x89\x00\x00\x01b\x80\x01c", events: []string{"binary abc", "ping ", "ping "}, out: "\x8a\x00\x8a\x00"},
		{name: "the next message starts afresh", in: "\x02\x01a\x00\x01b\x80\x01c\x02\x01a\x00\x01b\x80\x01c", events: []string{"binary abc", "binary abc"}},
	})
}

func TestDefaultLimits(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		e.recv("\x02\x00" + strings.Repeat("\x00\x00", 65535))
		e.wantErr(0)
		e.recv("\x80\x00")
		e.wantErr(ErrTooManyFragments)

		e = opened(t, role)
		e.recv("\x02\x7f\x00\x00\x00\x00\x00\x10\x00\x00")
		e.wantErr(0)

		for in, want := range map[string]Error{
			"\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x01": ErrFrameTooBig, // 1 MiB and 1 byte
			"\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00": ErrFrameTooBig, // 1 GiB
			"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff": ErrFrameTooBig, // 2^63 - 1
			"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff": ErrLengthTopBit,
		} {
			e := opened(t, role)
			e.recv(in)
			e.wantEvents(failed(want))
			e.wantOutput(closeFrame(want))
		}
	})
}

func TestLargestLimits(t *testing.T) {
	cfg := Config{Pings: PingDrop, MaxFrameSize: -1, MaxMessageSize: -1, MaxFragments: -1, MaxControlRate: -1}
	bothRoles(t, func(t *testing.T, role Role) {
		e := openedWith(t, role, cfg)
		e.recv("\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00abc")
		e.wantEvents("binary abc...")
		e.wantErr(0)

		e = openedWith(t, role, cfg)
		e.recv("\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x01")
		e.wantErr(ErrFrameTooBig)

		e = openedWith(t, role, cfg)
		e.recv("\x02\x01a")
		e.recv("\x80\x7f\x00\x00\x00\x00\x40\x00\x00\x00")
		e.wantErr(ErrMessageTooBig)

		e = openedWith(t, role, cfg)
		e.recv("\x02\x00" + strings.Repeat("\x00\x00", 70000))
		e.recvPieces(strings.Repeat("\x89\x00", 12000), 600)
		e.wantErr(0)
	})
}

// RFC 6455 leaves it to the receiver in what pieces it hands a message on.
func TestChunks(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		c := opened(t, role).Conn
		in := []byte(from(role.peer(), "\x01\x03abc\x80\x02de"))
		head := 2
		if role == Server {
			head = 6
		}
		var got []Event
		for _, cut := range [][]byte{in[:head+1], in[head+1 : head+3], in[head+3:]} {
			for len(cut) > 0 {
				n, ev := c.Recv(0, cut, nil)
				if ev.Kind != EventNone {
					ev.Data = []byte(string(ev.Data))
					got = append(got, ev)
				}
				cut = cut[n:]
			}
		}
		want := []Event{
			{Kind: EventMessage, Op: frame.Text, First: true, Data: []byte("a")},
			{Kind: EventMessage, Op: frame.Text, Data: []byte("bc")},
			{Kind: EventMessage, Op: frame.Text, Last: true, Data: []byte("de")},
		}
		if len(got) != len(want) {
			t.Fatalf("%d events, want %d: %+v", len(got), len(want), got)
		}
		for i, ev := range got {
			w := want[i]
			if ev.Op != w.Op || ev.First != w.First || ev.Last != w.Last || string(ev.Data) != string(w.Data) {
				t.Errorf("event %d: %+v, want %+v", i, ev, w)
			}
		}
	})
}

func TestPongInChunks(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		c := opened(t, role).Conn
		in := []byte(from(role.peer(), "\x8a\x04abcd\x8a\x00"))
		head := len(in) - 4 - len(from(role.peer(), "\x8a\x00"))
		n, ev := c.Recv(0, in[:head+1], nil)
		if n != head+1 || ev.Kind != EventPong || !ev.First || ev.Last || string(ev.Data) != "a" {
			t.Fatalf("first chunk: %d, %+v", n, ev)
		}
		n, ev = c.Recv(0, in[head+1:], nil)
		if n != 3 || ev.Kind != EventPong || ev.First || !ev.Last || string(ev.Data) != "bcd" {
			t.Fatalf("second chunk: %d, %+v", n, ev)
		}
		_, ev = c.Recv(0, in[head+4:], nil)
		if ev.Kind != EventPong || !ev.First || !ev.Last || len(ev.Data) != 0 {
			t.Fatalf("the next pong: %+v", ev)
		}
	})
}

// Data aliases the input where it came whole, and scratch where it did not.
func TestDataIsBorrowed(t *testing.T) {
	c := opened(t, Server).Conn
	in := []byte(masked("\x89\x02ab"))
	if _, ev := c.Recv(0, in, nil); &ev.Data[0] != &in[6] {
		t.Error("a whole ping was copied")
	}
	in = []byte(masked("\x82\x02ab"))
	if _, ev := c.Recv(0, in, nil); &ev.Data[0] != &in[6] {
		t.Error("a message was copied")
	}
	in = []byte(masked("\x88\x04\x03\xe8ab"))
	scratch := make([]byte, ScratchSize)
	c.Recv(0, in[:7], scratch)
	_, ev := c.Recv(0, in[7:], scratch)
	if ev.Code != frame.NormalClosure || string(ev.Data) != "ab" || &ev.Data[0] != &scratch[0] {
		t.Errorf("a close in pieces: %+v", ev)
	}
}

// A scratch that is too short costs the caller data, never the connection.
func TestShortScratch(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for size := range 4 {
			c := opened(t, role).Conn
			recv := func(wire string) (ev Event) {
				in := []byte(from(role.peer(), wire))
				c.Recv(0, in[:len(in)-1], make([]byte, size))
				_, ev = c.Recv(0, in[len(in)-1:], make([]byte, size))
				return ev
			}
			ev := recv("\x89\x03abc")
			if ev.Kind != EventPing || string(ev.Data) != "abc"[:size] {
				t.Errorf("ping with %d bytes of scratch: %+v", size, ev)
			}
			if out := string(c.AppendOutput(nil)); out != from(role, "\x8a\x03abc") {
				t.Errorf("pong with %d bytes of scratch: %q", size, out)
			}
			ev = recv("\x88\x05\x03\xe8abc")
			if ev.Kind != EventClose || ev.Code != frame.NormalClosure || string(ev.Data) != "abc"[:size] {
				t.Errorf("close with %d bytes of scratch: %+v", size, ev)
			}
			if out := string(c.AppendOutput(nil)); out != from(role, "\x88\x02\x03\xe8") {
				t.Errorf("answer with %d bytes of scratch: %q", size, out)
			}
		}
	})
}
