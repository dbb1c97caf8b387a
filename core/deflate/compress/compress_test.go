package compress

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/fb1e3c20/websockets/core/deflate"
)

func newCompressor(t testing.TB, bits uint8) *Compressor {
	t.Helper()
	c, err := New(bits, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWindow(bits uint8) *deflate.Window {
	w := deflate.MakeWindow(make([]byte, 1<<bits))
	return &w
}

// A receiver keeps its end of a connection.
type receiver struct {
	z deflate.Inflater
	w *deflate.Window
}

// receive decompresses a message.
func (r *receiver) receive(p []byte) ([]byte, error) {
	src := append(bytes.Clone(p), deflate.Tail...)
	var got []byte
	for dst := make([]byte, 1000); ; {
		n, used, err := r.z.Inflate(r.w, dst, src)
		got = append(got, dst[:n]...)
		src = src[used:]
		switch {
		case err != nil:
			return got, err
		case len(src) == 0 && n < len(dst) && !r.z.AtBoundary():
			return got, io.ErrUnexpectedEOF
		case len(src) == 0 && n < len(dst):
			return got, nil
		}
	}
}

// messages are some of the kind that a connection has.
func messages(seed uint64) (list [][]byte) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for i := range 60 {
		p := fmt.Appendf(nil, `{"id": %d, "user": "user-%d", "price": %v, "tags": ["a", "b", "connection-%d"]}`, i, rnd.IntN(50), rnd.Float64(), seed)
		switch i % 15 {
		case 3:
			p = nil
		case 7:
			p = bytes.Repeat(p, 200)
		case 11:
			p = make([]byte, rnd.IntN(70_000))
			for i := range p {
				p[i] = byte(rnd.Uint32())
			}
		}
		list = append(list, p)
	}
	return list
}

// A receiver with a window as small as was agreed understands every message, with and
// without takeover, and so does one of the standard library.
func TestMessagesArrive(t *testing.T) {
	for bits := uint8(deflate.MinWindowBits); bits <= deflate.MaxWindowBits; bits++ {
		for _, takeover := range []bool{true, false} {
			c, sent := newCompressor(t, bits), newWindow(bits)
			r := &receiver{w: newWindow(bits)}
			var stream bytes.Buffer
			var all []byte
			for i, p := range messages(uint64(bits)) {
				if !takeover {
					sent.Clear()
					r.w.Clear()
				}
				data := c.Append(nil, sent, p, true)
				got, err := r.receive(data)
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%d bits, takeover %t, message %d: %d bytes of %d, %v", bits, takeover, i, len(got), len(p), err)
				}
				stream.Write(append(data, deflate.Tail...))
				all = append(all, p...)
			}
			got, err := io.ReadAll(flate.NewReader(&stream))
			if !bytes.Equal(got, all) {
				t.Fatalf("%d bits: the standard library has %d bytes of %d, %v", bits, len(got), len(all), err)
			}
		}
	}
}

func TestPartsArrive(t *testing.T) {
	c, sent := newCompressor(t, 12), newWindow(12)
	r := &receiver{w: newWindow(12)}
	for _, p := range messages(1) {
		var data []byte
		for rest := p; ; {
			n := min(len(rest), 1000)
			last := n == len(rest)
			data = c.Append(data, sent, rest[:n], last)
			if rest = rest[n:]; last {
				break
			}
		}
		if got, err := r.receive(data); err != nil || !bytes.Equal(got, p) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(p), err)
		}
	}
}

// A Compressor that goes from connection to connection carries nothing along: what it
// makes is what a new one would make.
func TestNothingLeaksFromConnectionToConnection(t *testing.T) {
	for _, bits := range []uint8{9, 12, 15} {
		shared := newCompressor(t, bits)
		windows := []*deflate.Window{newWindow(bits), newWindow(bits), nil}
		fresh := []*deflate.Window{newWindow(bits), newWindow(bits), nil}
		for i, p := range messages(2) {
			for n := range windows {
				q := append([]byte{byte(n)}, p...)
				got := shared.Append(nil, windows[n], q, true)
				want := newCompressor(t, bits).Append(nil, fresh[n], q, true)
				if !bytes.Equal(got, want) {
					t.Fatalf("%d bits, message %d of connection %d: %d bytes from a shared Compressor, %d from a new one", bits, i, n, len(got), len(want))
				}
			}
		}
	}
}

func TestCompressorsThatAreNone(t *testing.T) {
	for _, test := range []struct {
		bits  uint8
		level int
	}{{7, 1}, {16, 1}, {15, -1}, {15, 10}} {
		if c, err := New(test.bits, test.level); err == nil || c != nil {
			t.Errorf("%d bits, level %d: no error", test.bits, test.level)
		}
	}
}

func TestCompressingAllocatesNothing(t *testing.T) {
	c, w := newCompressor(t, 12), newWindow(12)
	p, dst := messages(3)[0], make([]byte, 0, 1000)
	c.Append(dst, w, p, true)
	if n := testing.AllocsPerRun(20, func() { c.Append(dst, w, p, true) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzMessages wants every message back, in any parts, through any window.
func FuzzMessages(f *testing.F) {
	f.Add([]byte("hello, hello"), []byte("hello again"), uint8(4), uint16(3))
	f.Fuzz(func(t *testing.T, first, second []byte, bits uint8, part uint16) {
		bits = deflate.MinWindowBits + bits%8
		c, sent := newCompressor(t, bits), newWindow(bits)
		r := &receiver{w: newWindow(bits)}
		for _, p := range [][]byte{first, second, first} {
			n := min(int(part), len(p))
			data := c.Append(nil, sent, p[:n], false)
			data = c.Append(data, sent, p[n:], true)
			if got, err := r.receive(data); err != nil || !bytes.Equal(got, p) {
				t.Fatalf("%d bits: %d bytes of %d, %v", bits, len(got), len(p), err)
			}
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	for _, bits := range []uint8{9, 12, 15} {
		for _, takeover := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d bits, takeover %t", bits, takeover), func(b *testing.B) {
				list := messages(4)[12:14]
				c := newCompressor(b, bits)
				var w *deflate.Window
				if takeover {
					w = newWindow(bits)
				}
				var dst []byte
				in, out := 0, 0
				for i := range b.N {
					p := list[i%len(list)]
					dst = c.Append(dst[:0], w, p, true)
					in, out = in+len(p), out+len(dst)
				}
				b.SetBytes(int64(in / b.N))
				b.ReportMetric(float64(out)/float64(in), "ratio")
			})
		}
	}
}
