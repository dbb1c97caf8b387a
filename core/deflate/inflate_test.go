package deflate

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// inflate decompresses all of src through pieces of these sizes, and returns what came
// out before the error, if any.
func inflate(src []byte, windowSize, in, out int) ([]byte, *Inflater, error) {
	z, w := new(Inflater), MakeWindow(make([]byte, windowSize))
	var got []byte
	for dst := make([]byte, out); ; {
		piece := src[:min(in, len(src))]
		n, used, err := z.Inflate(&w, dst, piece)
		got = append(got, dst[:n]...)
		src = src[used:]
		if err != nil {
			return got, z, err
		}
		if used < len(piece) && n < len(dst) {
			return got, z, errors.New("it stopped with input and room")
		}
		if len(src) == 0 && n < len(dst) {
			return got, z, nil
		}
	}
}

func unhex(s string) []byte {
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return p
}

// The examples of RFC 7692 section 7.2.3, with the four bytes that a receiver appends.
func TestExamplesOfTheRFC(t *testing.T) {
	const tail = "00 00 ff ff"
	for _, test := range []struct{ name, data, want string }{
		{"7.2.3.1, one block", "f2 48 cd c9 c9 07 00" + tail, "Hello"},
		{"7.2.3.1, in two fragments", "f2 48 cd" + "c9 c9 07 00" + tail, "Hello"},
		{"7.2.3.2, two messages that share a window", "f2 48 cd c9 c9 07 00" + tail + "f2 00 11 00 00" + tail, "HelloHello"},
		{"7.2.3.3, not compressed", "00 05 00 fa ff 48 65 6c 6c 6f 00" + tail, "Hello"},
		{"7.2.3.4, a final block", "f3 48 cd c9 c9 07 00 00" + tail, "Hello"},
		{"7.2.3.5, two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00" + tail, "Hello"},
		{"7.2.3.6, an empty message", "00" + tail, ""},
	} {
		for _, size := range []int{1, 2, 3, 1000} {
			got, z, err := inflate(unhex(test.data), 256, size, size)
			if err != nil || string(got) != test.want || !z.AtBoundary() {
				t.Errorf("%s, %d bytes at a time: %q, %v, at a boundary: %t; want %q", test.name, size, got, err, z.AtBoundary(), test.want)
			}
		}
	}
}

func TestWhatIsCorrupt(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       error
	}{
		{"a block of the type that is reserved", "06", ErrCorrupt},
		{"a stored block whose lengths do not agree", "00 05 00 05 00", ErrCorrupt},
		{"a distance before the beginning", "02 22 00", ErrDistance},
		{"a length of the fixed code that means nothing", "1b 03", ErrCorrupt},
		{"287 lengths of literals", "f4 05 00", ErrCorrupt},
		{"31 lengths of distances", "04 1e 00", ErrCorrupt},
	} {
		for _, size := range []int{1, 1000} {
			got, z, err := inflate(append(unhex(test.data), make([]byte, 20)...), 32<<10, size, size)
			if err != test.want {
				t.Errorf("%s, %d bytes at a time: %q, %v; want %v", test.name, size, got, err, test.want)
			}
			w := MakeWindow(make([]byte, 256))
			if n, used, err := z.Inflate(&w, make([]byte, 10), []byte{0}); n != 0 || used != 0 || err != test.want {
				t.Errorf("%s, once more: %d, %d, %v", test.name, n, used, err)
			}
		}
	}
}

// texts are what compresses in different ways.
func texts() map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	words := strings.Fields("the quick brown fox jumps over a lazy dog and tells nobody of it, which is {\"json\": [1, 2, 3], \"more\": true} all the same")
	var prose []byte
	for len(prose) < 300_000 {
		prose = append(append(prose, words[rnd.IntN(len(words))]...), ' ')
	}
	skewed := make([]byte, 100_000) // long codes
	for i := range skewed {
		skewed[i] = byte(rnd.ExpFloat64() * 12)
	}
	return map[string][]byte{
		"nothing": nil, "a byte": {'x'}, "noise": noise, "zeros": make([]byte, 1<<20), "prose": prose, "skewed": skewed,
		"periods": bytes.Repeat([]byte("abcdefg"), 30_000),
	}
}

func compress(t testing.TB, level int, p []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(p)
	w.Flush()
	return b.Bytes()
}

// What the standard library has compressed comes back, whatever the pieces are.
func TestRoundTrips(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for name, p := range texts() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 5, 9} {
			data := compress(t, level, p)
			for _, sizes := range [][2]int{{1 << 20, 1 << 20}, {1 << 20, 4096}, {4096, 1 << 20}, {1 + rnd.IntN(300), 1 + rnd.IntN(300)}, {1, 1 << 20}, {1 << 20, 1}} {
				if len(p) > 200_000 && min(sizes[0], sizes[1]) == 1 && testing.Short() {
					continue
				}
				got, z, err := inflate(data, 32<<10, sizes[0], sizes[1])
				if err != nil || !bytes.Equal(got, p) || !z.AtBoundary() {
					t.Fatalf("%s, level %d, pieces of %v: %d bytes of %d, %v, at a boundary: %t", name, level, sizes, len(got), len(p), err, z.AtBoundary())
				}
			}
		}
	}
}

// checkUnused checks that what is not used of the input makes no difference: another
// Inflater that is given no more than what was used does the same, and is in the same
// state.
func checkUnused(t *testing.T, src []byte, in, out int) {
	t.Helper()
	z, w := new(Inflater), MakeWindow(make([]byte, 512))
	z2, w2 := new(Inflater), MakeWindow(make([]byte, 512))
	dst, dst2 := make([]byte, out), make([]byte, out)
	for {
		n, used, err := z.Inflate(&w, dst, src[:min(in, len(src))])
		n2, used2, err2 := z2.Inflate(&w2, dst2, src[:used])
		if n != n2 || used != used2 || err != err2 || !bytes.Equal(dst[:n], dst2[:n]) || !bytes.Equal(z.AppendState(nil), z2.AppendState(nil)) {
			t.Fatalf("pieces of %d and %d: %d bytes of %d, %v; without the rest: %d of %d, %v", in, out, n, used, err, n2, used2, err2)
		}
		src = src[used:]
		if err != nil || len(src) == 0 && n < out {
			return
		}
	}
}

func TestUnusedInputMakesNoDifference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 9))
	for _, p := range texts() {
		p = p[:min(len(p), 50_000)]
		data := compress(t, 1+rnd.IntN(9), p)
		for range 20 {
			checkUnused(t, data, 1+rnd.IntN(1000), 1+rnd.IntN(1000))
			broken := bytes.Clone(data)
			broken[rnd.IntN(len(data))] ^= 1 << rnd.IntN(8)
			checkUnused(t, broken, 1+rnd.IntN(1000), 1+rnd.IntN(1000))
		}
	}
}

// A stream that refers further back than the window is refused, and one that does not
// is not.
func TestTheWindowIsTheLimit(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		size := 1 << bits
		for _, distance := range []int{size - 1, size, size + 1, 2*size - 300} {
			if distance >= 32<<10 {
				continue
			}
			p := distant(distance)
			data := compress(t, 9, p)
			for _, out := range []int{300, 1 << 20} {
				got, _, err := inflate(data, size, 1<<20, out)
				switch {
				case distance <= size && (err != nil || !bytes.Equal(got, p)):
					t.Errorf("window %d, distance %d: %d bytes, %v", size, distance, len(got), err)
				case distance > size && err != ErrDistance:
					t.Errorf("window %d, distance %d: %v; want %v", size, distance, err, ErrDistance)
				}
			}
		}
	}
}

// distant is noise that is repeated once, so far behind it.
func distant(distance int) []byte {
	rnd := rand.New(rand.NewPCG(5, uint64(distance)))
	p := make([]byte, distance+200)
	for i := range p {
		p[i] = byte(rnd.Uint32())
	}
	copy(p[distance:], p[:200])
	return p
}

func TestInflaterSize(t *testing.T) {
	if n := unsafe.Sizeof(Inflater{}); n > InflaterSize || n < InflaterSize*3/4 {
		t.Errorf("an Inflater has %d bytes", n)
	}
	z := new(Inflater)
	z.Window(12)
	z.Window(9)
	if z.Size() != InflaterSize+4096 {
		t.Error(z.Size())
	}
}

func TestInflateAllocatesNothing(t *testing.T) {
	data := compress(t, 6, texts()["prose"])
	z, w, dst := new(Inflater), MakeWindow(make([]byte, 32<<10)), make([]byte, 64<<10)
	if n := testing.AllocsPerRun(10, func() {
		*z = Inflater{}
		w.Clear()
		for src := data; len(src) > 0; {
			_, used, err := z.Inflate(&w, dst, src)
			if err != nil {
				t.Fatal(err)
			}
			src = src[used:]
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzInflate compares with the standard library: what that decompresses comes out
// here, and what it finds corrupt is found corrupt here, after the same bytes or more.
func FuzzInflate(f *testing.F) {
	for _, p := range texts() {
		f.Add(compress(f, 6, p[:min(len(p), 2000)]), uint16(7), uint16(300))
	}
	f.Add(unhex("06"), uint16(1), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, in, out uint16) {
		r := flate.NewReader(bytes.NewReader(data))
		want, wantErr := io.ReadAll(io.LimitReader(r, 1<<20))
		if len(want) == 1<<20 {
			return
		}
		got, z, err := inflate(data, 32<<10, int(in)+1, int(out)+1)
		if !bytes.HasPrefix(got, want) {
			t.Fatalf("%d bytes that differ from the %d of the standard library", len(got), len(want))
		}
		// Either may tell a little earlier that no more input will make it good.
		more := append(bytes.Clone(data), make([]byte, 100)...)
		var corrupt flate.CorruptInputError
		switch {
		case errors.As(wantErr, &corrupt) && err == nil:
			if _, _, err := inflate(more, 32<<10, 1<<20, 1<<20); err == nil {
				t.Fatalf("the standard library says %v, and this nothing", wantErr)
			}
		case wantErr == io.ErrUnexpectedEOF && err != nil:
			_, wantErr := io.ReadAll(flate.NewReader(bytes.NewReader(more)))
			if !errors.As(wantErr, &corrupt) {
				t.Fatalf("this says %v, and the standard library %v", err, wantErr)
			}
		}
		whole, z2, err2 := inflate(data, 32<<10, 1<<20, 1<<20)
		if err != err2 || !bytes.Equal(got, whole) || z.AtBoundary() != z2.AtBoundary() {
			t.Fatalf("in pieces: %d bytes, %v; at once: %d bytes, %v", len(got), err, len(whole), err2)
		}
		checkUnused(t, data, int(in)+1, int(out)+1)
	})
}

func BenchmarkInflate(b *testing.B) {
	for _, name := range []string{"prose", "noise", "skewed"} {
		p := texts()[name]
		data := compress(b, 6, p)
		b.Run(name+"/here", func(b *testing.B) {
			z, w, dst := new(Inflater), MakeWindow(make([]byte, 32<<10)), make([]byte, 16<<10)
			b.SetBytes(int64(len(p)))
			for range b.N {
				z.state, z.n, z.bits = 0, 0, 0
				w.Clear()
				for src := data; len(src) > 0; {
					_, used, err := z.Inflate(&w, dst, src)
					if err != nil {
						b.Fatal(err)
					}
					src = src[used:]
				}
			}
		})
		b.Run(name+"/standard library", func(b *testing.B) {
			src := bytes.NewReader(data)
			r := flate.NewReader(src)
			b.SetBytes(int64(len(p)))
			dst := make([]byte, 16<<10)
			for range b.N {
				src.Reset(data)
				r.(flate.Resetter).Reset(src, nil)
				for {
					if _, err := r.Read(dst); err != nil {
						break
					}
				}
			}
		})
	}
}

// An Inflater is as good as new once it is reset, wherever it was: connections that are
// lent different ones have the same state.
func TestResetLeavesNothing(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	w.Write([]byte(strings.Repeat("what is left? nothing is left. ", 100)))
	w.Flush()
	for n := range b.Len() {
		z, window := new(Inflater), MakeWindow(make([]byte, 1<<15))
		z.Inflate(&window, make([]byte, 5000), b.Bytes()[:n])
		z.Reset()
		if got, want := z.AppendState(nil), new(Inflater).AppendState(nil); !bytes.Equal(got, want) {
			t.Fatalf("behind %d bytes the state is % x, want % x", n, got, want)
		}
	}
}

// emptyBlocks is a mebibyte of the shortest blocks with codes of their own, which say
// nothing.
func emptyBlocks() []byte {
	var p []byte
	bits, n := uint64(0), 0
	put := func(v uint64, width int) {
		bits |= v << n
		for n += width; n >= 8; n -= 8 {
			p = append(p, byte(bits))
			bits >>= 8
		}
	}
	lengths := map[uint8]uint64{18: 1, 1: 2, 0: 2}
	for len(p) < 1<<20 {
		put(4, 3)  // a block with codes of its own
		put(0, 10) // 257 and 1 of them
		put(14, 4) // up to the length 1 in the order
		for _, symbol := range lengthOrder[:18] {
			put(lengths[symbol], 3)
		}
		put(0, 1) // 138 and 117 zeros
		put(127, 7)
		put(0, 1)
		put(255-138-11, 7)
		put(3, 2) // two codes of one bit, the second for the end
		put(3, 2)
		put(1, 2)
		put(1, 1)
	}
	return p
}

// What costs most of all that a peer can send.
func BenchmarkEmptyBlocks(b *testing.B) {
	data := emptyBlocks()
	z, w, dst := new(Inflater), MakeWindow(make([]byte, 32<<10)), make([]byte, 100)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		z.Reset()
		if n, used, err := z.Inflate(&w, dst, data); n > 0 || used < len(data) || err != nil {
			b.Fatal(n, used, err)
		}
	}
}
