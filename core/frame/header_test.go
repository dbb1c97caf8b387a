package frame

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/internal/digest"
)

// The examples of https://www.rfc-editor.org/rfc/rfc6455#section-5.7, in order.
var rfcExamples = []struct {
	name       string
	wire       string
	header     Header
	payload    string
	fromClient bool
}{
	{
		"single-frame unmasked text message",
		"\x81\x05Hello",
		Header{Fin: true, Opcode: Text, Length: 5},
		"Hello", false,
	},
	{
		"single-frame masked text message",
		"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
		Header{Fin: true, Opcode: Text, Masked: true, Mask: Mask{0x37, 0xfa, 0x21, 0x3d}, Length: 5},
		"Hello", true,
	},
	{
		"fragmented unmasked text message, first",
		"\x01\x03Hel",
		Header{Opcode: Text, Length: 3},
		"Hel", false,
	},
	{
		"fragmented unmasked text message, last",
		"\x80\x02lo",
		Header{Fin: true, Opcode: Continuation, Length: 2},
		"lo", false,
	},
	{
		"unmasked ping request",
		"\x89\x05Hello",
		Header{Fin: true, Opcode: Ping, Length: 5},
		"Hello", false,
	},
	{
		"masked ping response",
		"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
		Header{Fin: true, Opcode: Pong, Masked: true, Mask: Mask{0x37, 0xfa, 0x21, 0x3d}, Length: 5},
		"Hello", true,
	},
	{
		"256 bytes binary message in a single unmasked frame",
		"\x82\x7e\x01\x00" + strings.Repeat("\xbe", 256),
		Header{Fin: true, Opcode: Binary, Length: 256},
		strings.Repeat("\xbe", 256), false,
	},
	{
		"64KiB binary message in a single unmasked frame",
		"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("\xbe", 65536),
		Header{Fin: true, Opcode: Binary, Length: 65536},
		strings.Repeat("\xbe", 65536), false,
	},
}

func TestParseRFCExamples(t *testing.T) {
	for _, test := range rfcExamples {
		t.Run(test.name, func(t *testing.T) {
			wire := []byte(test.wire)
			h, n, err := ParseHeader(wire)
			if h != test.header || n != len(wire)-len(test.payload) || err != nil {
				t.Fatalf("ParseHeader = %+v, %d, %v; want %+v", h, n, err, test.header)
			}
			if err := h.Check(test.fromClient, false); err != nil {
				t.Errorf("Check: %v", err)
			}
			payload := wire[n:]
			if h.Masked {
				h.Mask.XOR(payload, 0)
			}
			if string(payload) != test.payload {
				t.Errorf("payload %q, want %q", payload, test.payload)
			}
		})
	}
}

func TestAppendRFCExamples(t *testing.T) {
	for _, test := range rfcExamples {
		t.Run(test.name, func(t *testing.T) {
			h, payload := test.header, []byte(test.payload)
			h.Length = -1
			got := AppendFrame([]byte("before"), h, payload)
			if string(got) != "before"+test.wire {
				t.Errorf("%q, want %q", got, test.wire)
			}
			if string(payload) != test.payload {
				t.Error("the payload was changed")
			}
		})
	}
}

// Every length at which the encoding changes
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
var lengthCases = []struct {
	length int64
	wire   string // of a binary frame without a mask
}{
	{0, "\x82\x00"},
	{1, "\x82\x01"},
	{125, "\x82\x7d"},
	{126, "\x82\x7e\x00\x7e"},
	{127, "\x82\x7e\x00\x7f"},
	{255, "\x82\x7e\x00\xff"},
	{256, "\x82\x7e\x01\x00"},
	{65535, "\x82\x7e\xff\xff"},
	{65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
	{1 << 20, "\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00"},
	{1<<32 - 1, "\x82\x7f\x00\x00\x00\x00\xff\xff\xff\xff"},
	{1 << 32, "\x82\x7f\x00\x00\x00\x01\x00\x00\x00\x00"},
	{0x0102030405060708, "\x82\x7f\x01\x02\x03\x04\x05\x06\x07\x08"},
	{math.MaxInt64, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"},
}

func TestHeaderLengths(t *testing.T) {
	for _, test := range lengthCases {
		for _, masked := range []bool{false, true} {
			h := Header{Fin: true, Opcode: Binary, Length: test.length}
			wire := []byte(test.wire)
			if masked {
				h.Masked, h.Mask = true, Mask{1, 2, 3, 4}
				wire[1] |= 0x80
				wire = append(wire, 1, 2, 3, 4)
			}
			if got := AppendHeader(nil, h); !bytes.Equal(got, wire) {
				t.Errorf("%d: appended % x, want % x", test.length, got, wire)
			}
			if got := h.Len(); got != len(wire) {
				t.Errorf("%d: Len() = %d, want %d", test.length, got, len(wire))
			}
			for _, rest := range []int{0, 1, 100} {
				got, n, err := ParseHeader(append(slices.Clone(wire), make([]byte, rest)...))
				if got != h || n != len(wire) || err != nil {
					t.Errorf("%d: parsed %+v, %d, %v", test.length, got, n, err)
				}
			}
			for have := range len(wire) {
				if got, n, err := ParseHeader(wire[:have]); got != (Header{}) || n != 0 || err != nil {
					t.Errorf("%d, %d of %d bytes: parsed %+v, %d, %v", test.length, have, len(wire), got, n, err)
				}
			}
		}
	}
}

// A refusal comes with the first byte that shows it, and stays with every byte
// after it.
func TestParseHeaderRefusesLengths(t *testing.T) {
	for _, test := range []struct {
		name string
		wire string
		at   int // bytes that show it
		want Error
	}{
		{"0 in 16 bits", "\x82\x7e\x00\x00", 4, ErrLengthNotMinimal},
		{"125 in 16 bits", "\x82\x7e\x00\x7d", 4, ErrLengthNotMinimal},
		{"125 in 16 bits, masked", "\x82\xfe\x00\x7d\x01\x02\x03\x04", 4, ErrLengthNotMinimal},
		{"0 in 64 bits", "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x00", 8, ErrLengthNotMinimal},
		{"125 in 64 bits", "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x7d", 8, ErrLengthNotMinimal},
		{"126 in 64 bits", "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x7e", 8, ErrLengthNotMinimal},
		{"65535 in 64 bits", "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 8, ErrLengthNotMinimal},
		{"65535 in 64 bits, masked", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff\x01\x02\x03\x04", 8, ErrLengthNotMinimal},
		{"2^63", "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 3, ErrLengthTopBit},
		{"2^63 + 1, masked", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01\x01\x02\x03\x04", 3, ErrLengthTopBit},
		{"2^64 - 1", "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 3, ErrLengthTopBit},
	} {
		t.Run(test.name, func(t *testing.T) {
			for have := range len(test.wire) + 1 {
				var want error
				if have >= test.at {
					want = test.want
				}
				h, n, err := ParseHeader([]byte(test.wire[:have]))
				if h != (Header{}) || n != 0 || err != want {
					t.Errorf("%d bytes: %+v, %d, %v; want %v", have, h, n, err, want)
				}
			}
		})
	}
}

// Parse leaves its receiver alone unless it succeeds, and sets all of it then.
func TestParseInPlace(t *testing.T) {
	full := Header{true, true, true, true, Pong, true, Mask{9, 9, 9, 9}, 99}
	for _, wire := range []string{"", "\x82", "\x82\x81\x01\x02\x03", "\x82\x7e\x00\x00"} {
		h := full
		if n, _ := h.Parse([]byte(wire)); n != 0 || h != full {
			t.Errorf("%q: n %d, header %+v", wire, n, h)
		}
	}
	h := full
	if n, err := h.Parse([]byte("\x00\x00")); n != 2 || err != nil || h != (Header{}) {
		t.Errorf("n %d, error %v, header %+v", n, err, h)
	}
}

func TestHeaderBits(t *testing.T) {
	for first := range 256 {
		for _, second := range []byte{0x05, 0x85} {
			wire := []byte{byte(first), second, 1, 2, 3, 4}
			h, n, err := ParseHeader(wire)
			if err != nil {
				t.Fatalf("% x: %v", wire, err)
			}
			want := Header{
				Fin:    first&0x80 != 0,
				RSV1:   first&0x40 != 0,
				RSV2:   first&0x20 != 0,
				RSV3:   first&0x10 != 0,
				Opcode: Opcode(first & 0x0F),
				Length: 5,
			}
			if second == 0x85 {
				want.Masked, want.Mask = true, Mask{1, 2, 3, 4}
			}
			if h != want {
				t.Errorf("% x: %+v, want %+v", wire, h, want)
			}
			if got := AppendHeader(nil, h); !bytes.Equal(got, wire[:n]) {
				t.Errorf("% x came back as % x", wire[:n], got)
			}
		}
	}
}

func TestAppendHeaderOutOfRange(t *testing.T) {
	h := Header{Opcode: 0xF2, Length: -5}
	if got := AppendHeader(nil, h); string(got) != "\x02\x00" || h.Len() != 2 {
		t.Errorf("% x, Len %d", got, h.Len())
	}
	h.Length = math.MinInt64
	if got := AppendHeader(nil, h); string(got) != "\x02\x00" || h.Len() != 2 {
		t.Errorf("% x, Len %d", got, h.Len())
	}
}

// https://www.rfc-editor.org/rfc/rfc6455#section-5.1, 5.2 and 5.5, for frames
// of a client; those of a server are the same without the mask.
func TestCheck(t *testing.T) {
	type header = Header
	for _, test := range []struct {
		name        string
		header      header
		plain, comp error // without and with permessage-deflate
	}{
		{"text", header{Fin: true, Opcode: Text}, nil, nil},
		{"binary", header{Fin: true, Opcode: Binary}, nil, nil},
		{"first fragment", header{Opcode: Text}, nil, nil},
		{"middle fragment", header{Opcode: Continuation}, nil, nil},
		{"last fragment", header{Fin: true, Opcode: Continuation}, nil, nil},
		{"longest", header{Fin: true, Opcode: Text, Length: math.MaxInt64}, nil, nil},
		{"close", header{Fin: true, Opcode: Close, Length: 125}, nil, nil},
		{"ping", header{Fin: true, Opcode: Ping, Length: 125}, nil, nil},
		{"pong", header{Fin: true, Opcode: Pong, Length: 125}, nil, nil},

		{"RSV1 on text", header{Fin: true, RSV1: true, Opcode: Text}, ErrReservedBits, nil},
		{"RSV1 on binary", header{Fin: true, RSV1: true, Opcode: Binary}, ErrReservedBits, nil},
		{"RSV1 on a first fragment", header{RSV1: true, Opcode: Text}, ErrReservedBits, nil},
		{"RSV1 on a continuation", header{Fin: true, RSV1: true}, ErrReservedBits, ErrReservedBits},
		{"RSV1 on a close", header{Fin: true, RSV1: true, Opcode: Close}, ErrReservedBits, ErrReservedBits},
		{"RSV1 on a ping", header{Fin: true, RSV1: true, Opcode: Ping}, ErrReservedBits, ErrReservedBits},
		{"RSV1 on a reserved opcode", header{Fin: true, RSV1: true, Opcode: 3}, ErrReservedBits, ErrReservedBits},
		{"RSV2", header{Fin: true, RSV2: true, Opcode: Text}, ErrReservedBits, ErrReservedBits},
		{"RSV3", header{Fin: true, RSV3: true, Opcode: Text}, ErrReservedBits, ErrReservedBits},
		{"RSV1 and RSV2", header{Fin: true, RSV1: true, RSV2: true, Opcode: Text}, ErrReservedBits, ErrReservedBits},

		{"opcode 3", header{Fin: true, Opcode: 3}, ErrOpcode, ErrOpcode},
		{"opcode 7", header{Fin: true, Opcode: 7}, ErrOpcode, ErrOpcode},
		{"opcode 0xB", header{Fin: true, Opcode: 0xB}, ErrOpcode, ErrOpcode},
		{"opcode 0xF", header{Fin: true, Opcode: 0xF}, ErrOpcode, ErrOpcode},

		{"fragmented close", header{Opcode: Close}, ErrControlFragmented, ErrControlFragmented},
		{"fragmented ping", header{Opcode: Ping}, ErrControlFragmented, ErrControlFragmented},
		{"fragmented pong", header{Opcode: Pong}, ErrControlFragmented, ErrControlFragmented},

		{"close of 126", header{Fin: true, Opcode: Close, Length: 126}, ErrControlLength, ErrControlLength},
		{"ping of 126", header{Fin: true, Opcode: Ping, Length: 126}, ErrControlLength, ErrControlLength},
		{"pong of 2^63-1", header{Fin: true, Opcode: Pong, Length: math.MaxInt64}, ErrControlLength, ErrControlLength},

		{"bits before opcode", header{RSV2: true, Opcode: 0xB, Length: 126}, ErrReservedBits, ErrReservedBits},
		{"opcode before fragment", header{Opcode: 0xB, Length: 126}, ErrOpcode, ErrOpcode},
		{"fragment before length", header{Opcode: Ping, Length: 126}, ErrControlFragmented, ErrControlFragmented},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, fromClient := range []bool{true, false} {
				h := test.header
				h.Masked = fromClient
				if err := h.Check(fromClient, false); err != test.plain {
					t.Errorf("from a client %v: %v, want %v", fromClient, err, test.plain)
				}
				if err := h.Check(fromClient, true); err != test.comp {
					t.Errorf("from a client %v, with RSV1 allowed: %v, want %v", fromClient, err, test.comp)
				}
			}
		})
	}
}

// The mask is judged after the first byte and before the length.
func TestCheckMask(t *testing.T) {
	for _, opcode := range []Opcode{Continuation, Text, Binary, Close, Ping, Pong} {
		for _, length := range []int64{0, 125, 126} {
			masked := Header{Fin: true, Opcode: opcode, Masked: true, Length: length}
			plain := Header{Fin: true, Opcode: opcode, Length: length}
			if err := plain.Check(true, false); err != ErrMaskRequired {
				t.Errorf("%v of %d from a client, unmasked: %v", opcode, length, err)
			}
			if err := masked.Check(false, false); err != ErrMaskForbidden {
				t.Errorf("%v of %d from a server, masked: %v", opcode, length, err)
			}
		}
	}
	h := Header{Opcode: Ping}
	if err := h.Check(true, false); err != ErrControlFragmented {
		t.Errorf("fragmented and unmasked: %v", err)
	}
}

func TestAppendFrameSizes(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 125, 126, 65535, 65536} {
		payload := numbers(n)
		for _, room := range []int{0, 3, n, n + MaxHeaderLen} {
			h := Header{Fin: true, Opcode: Binary, Masked: true, Mask: testMask}
			wire := AppendFrame(make([]byte, 0, room), h, payload)
			got, k, err := ParseHeader(wire)
			if h.Length = int64(n); got != h || k != h.Len() || err != nil {
				t.Fatalf("%d bytes: %+v, %d, %v", n, got, k, err)
			}
			if !bytes.Equal(wire[k:], xorBytes(testMask, payload, 0)) || !bytes.Equal(payload, numbers(n)) {
				t.Errorf("%d bytes into room for %d: wrong payload", n, room)
			}
		}
	}
}

func TestHeaderAllocatesNothing(t *testing.T) {
	dst, payload := make([]byte, 0, 100), []byte("Hello")
	h := Header{Fin: true, Opcode: Text, Masked: true, Mask: testMask}
	bad := []byte("\x82\x7e\x00\x00")
	if allocs := testing.AllocsPerRun(100, func() {
		dst = AppendFrame(dst[:0], h, payload)
		got, _, _ := ParseHeader(dst)
		errSink = got.Check(false, false)
		_, _, errSink = ParseHeader(bad)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzHeader: what parses comes back byte for byte, and a part of it asks for
// more.
func FuzzHeader(f *testing.F) {
	seen := digest.Of(f)
	for _, test := range rfcExamples {
		f.Add([]byte(test.wire[:min(len(test.wire), MaxHeaderLen)]))
	}
	for _, test := range lengthCases {
		f.Add([]byte(test.wire))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := ParseHeader(b)
		seen.Add(h, n, err, h.Check(true, true), h.Check(false, false))
		if n == 0 {
			if h != (Header{}) || err == nil && len(b) >= MaxHeaderLen {
				t.Fatalf("% x: %+v, %v", b, h, err)
			}
			return
		}
		if err != nil || n > MaxHeaderLen || h.Length < 0 || n != h.Len() {
			t.Fatalf("% x: %+v, %d, %v", b, h, n, err)
		}
		if again := AppendHeader(nil, h); !bytes.Equal(again, b[:n]) {
			t.Fatalf("% x came back as % x", b[:n], again)
		}
		for have := range n {
			if _, n, err := ParseHeader(b[:have]); n != 0 || err != nil {
				t.Fatalf("%d bytes of % x: %d, %v", have, b, n, err)
			}
		}
	})
}

var benchHeaders = []struct {
	name   string
	header Header
}{
	{"16", Header{Fin: true, Opcode: Text, Length: 16}},
	{"16/masked", Header{Fin: true, Opcode: Text, Masked: true, Mask: testMask, Length: 16}},
	{"1024/masked", Header{Fin: true, Opcode: Text, Masked: true, Mask: testMask, Length: 1 << 10}},
	{"1048576/masked", Header{Fin: true, Opcode: Text, Masked: true, Mask: testMask, Length: 1 << 20}},
}

func BenchmarkParseHeader(b *testing.B) {
	for _, bench := range benchHeaders {
		wire := append(AppendHeader(nil, bench.header), make([]byte, 64)...)
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if h, n, err := ParseHeader(wire); n == 0 || err != nil || h.Check(h.Masked, false) != nil {
					b.Fatal("refused")
				}
			}
		})
		b.Run(bench.name+"/in place", func(b *testing.B) {
			for b.Loop() {
				var h Header
				if n, err := h.Parse(wire); n == 0 || err != nil || h.Check(h.Masked, false) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkAppendHeader(b *testing.B) {
	dst := make([]byte, 0, MaxHeaderLen)
	for _, bench := range benchHeaders {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				dst = AppendHeader(dst[:0], bench.header)
			}
		})
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	for _, n := range []int{16, 1 << 10, 64 << 10} {
		payload, dst := numbers(n), make([]byte, 0, n+MaxHeaderLen)
		for _, bench := range benchHeaders[:2] {
			b.Run(fmt.Sprintf("%d/masked=%v", n, bench.header.Masked), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					dst = AppendFrame(dst[:0], bench.header, payload)
				}
			})
		}
	}
}
