package sim

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// stream compresses with the standard library, into an unfinished stream.
func stream(t testing.TB, level int, dict, p []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriterDict(&b, level, dict)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(p)
	w.Flush()
	return b.Bytes()
}

// inflateTexts are messages of all kinds.
func inflateTexts() [][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := scrambled(70_000)
	few := make([]byte, 5000)
	for i := range few {
		few[i] = "abcdefgh"[rnd.IntN(1+rnd.IntN(8))]
	}
	return [][]byte{
		nil, []byte("a"), []byte("hello, hello, hello"), noise, few,
		bytes.Repeat([]byte("x"), 100_000), []byte(strings.Repeat("all work and no play ", 3000)),
	}
}

// What the standard library compresses comes out, whatever it is cut into, and every
// byte as soon as the standard library has it.
func TestInflation(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, p := range inflateTexts() {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, 1, 6, 9} {
			data := stream(t, level, nil, p)
			z := inflation{window: 1 << 15}
			for rest := data; len(rest) > 0; {
				n := min(1+rnd.IntN(2000), len(rest))
				z.in = append(z.in, rest[:n]...)
				rest = rest[n:]
				z.decode(1 << 20)
				std, _ := io.ReadAll(flate.NewReader(bytes.NewReader(z.in)))
				if got := z.message(); len(got) < len(std) || !bytes.HasPrefix(p, got) {
					t.Fatalf("level %d: %d bytes of %d, the standard library has %d", level, len(got), len(p), len(std))
				}
			}
			if !bytes.Equal(z.message(), p) || !z.ended() {
				t.Errorf("level %d: %d bytes of %d, ended %t, %v", level, len(z.message()), len(p), z.ended(), z.fault)
			}
		}
	}
}

// A message refers to those before it, within the window, and only with takeover.
func TestInflationTakeover(t *testing.T) {
	first, second := []byte(strings.Repeat("0123456789abcdef", 16)), []byte("0123456789abcdef!")
	for _, test := range []struct {
		between  int // bytes without a pattern
		takeover bool
		fault    error
	}{
		{0, true, nil}, {0, false, errDeflateDistance}, {240, true, nil}, {241, true, errDeflateDistance},
	} {
		noise := make([]byte, test.between)
		for i := range noise {
			noise[i] = byte(128 + i*31%127)
		}
		z := inflation{window: 256, takeover: test.takeover}
		z.begin()
		z.in = append(z.in, stream(t, 0, nil, append(first, noise...))...)
		z.decode(1 << 20)
		dict := append(bytes.Clone(first), noise...)
		data := stream(t, 9, dict, second)
		z.begin()
		z.in = append(z.in, data...)
		if z.decode(1 << 20); z.fault != test.fault {
			t.Errorf("%+v: %v", test, z.fault)
		}
		if test.fault == nil && !bytes.Equal(z.message(), second) {
			t.Errorf("%+v: %q", test, z.message())
		}
	}
}

// What the standard library refuses is refused, at the same place, and nothing else.
func TestInflationOfGarbage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	refused := 0
	texts := inflateTexts()
	for range 3000 {
		p := texts[2+rnd.IntN(3)]
		p = p[:min(len(p), 300)]
		data := append(stream(t, []int{0, 1, 9}[rnd.IntN(3)], nil, p), make([]byte, 4)...)
		data[rnd.IntN(len(data))] ^= 1 << rnd.IntN(8)
		z := inflation{window: 1 << 15, in: data}
		for !z.final || z.block != noBlock {
			if !z.step() {
				break
			}
		}
		std, err := io.ReadAll(flate.NewReader(bytes.NewReader(data)))
		_, corrupt := err.(flate.CorruptInputError)
		if !bytes.HasPrefix(z.message(), std) || corrupt != (z.fault != nil) {
			t.Fatalf("%x: %d bytes and %v, the standard library has %d bytes and %v", data, len(z.message()), z.fault, len(std), err)
		}
		if corrupt {
			refused++
			if len(std) != len(z.message()) {
				t.Fatalf("%x: %d bytes before what is wrong, the standard library has %d", data, len(z.message()), len(std))
			}
		}
	}
	if refused < 300 {
		t.Errorf("%d of 3000 were refused", refused)
	}
}

// scrambled returns n bytes without a pattern.
func scrambled(n int) []byte {
	rnd := rand.New(rand.NewPCG(7, 8))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rnd.Uint32())
	}
	return p
}
