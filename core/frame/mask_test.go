package frame

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/fb1e3c20/websockets/internal/digest"
)

// xorBytes is the definition of RFC 6455
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.3), byte by byte.
func xorBytes(m Mask, p []byte, pos int) []byte {
	out := make([]byte, len(p))
	for i := range p {
		out[i] = p[i] ^ m[(pos&3+i)%4]
	}
	return out
}

func numbers(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*7 + i>>8)
	}
	return p
}

var testMask = Mask{0x37, 0xfa, 0x21, 0x3d}

// Every size up to some blocks and all larger ones near a block, at every
// offset of the mask and every alignment of the memory.
func TestMask(t *testing.T) {
	memory := numbers(320)
	for n := range 300 {
		for pos := range 5 {
			for align := range 9 {
				checkMask(t, memory, align, n, pos)
			}
		}
	}
	memory = numbers(4200)
	for _, n := range []int{1023, 1024, 1025, 4095, 4096, 4097} {
		for pos := range 4 {
			checkMask(t, memory, 3, n, pos)
		}
	}
}

// checkMask masks memory[from:from+n], and requires that nothing around it changes.
func checkMask(t *testing.T, memory []byte, from, n, pos int) {
	t.Helper()
	src := memory[from : from+n]
	want := xorBytes(testMask, src, pos)

	xored := bytes.Clone(memory)
	testMask.XOR(xored[from:from+n], pos)
	if !bytes.Equal(xored[from:from+n], want) {
		t.Fatalf("XOR of %d bytes at position %d, alignment %d, is wrong", n, pos, from)
	}
	if !bytes.Equal(xored[:from], memory[:from]) || !bytes.Equal(xored[from+n:], memory[from+n:]) {
		t.Fatalf("XOR of %d bytes at position %d, alignment %d, changed bytes around them", n, pos, from)
	}

	copied, before := bytes.Repeat([]byte{0xEE}, from+n+9), bytes.Clone(src)
	testMask.Copy(copied[from:], src, pos)
	if !bytes.Equal(copied[from:from+n], want) {
		t.Fatalf("Copy of %d bytes at position %d, alignment %d, is wrong", n, pos, from)
	}
	if bytes.Count(copied[:from], []byte{0xEE}) != from || bytes.Count(copied[from+n:], []byte{0xEE}) != 9 {
		t.Fatalf("Copy of %d bytes at position %d, alignment %d, wrote around them", n, pos, from)
	}
	if !bytes.Equal(src, before) {
		t.Fatalf("Copy of %d bytes at position %d, alignment %d, changed its source", n, pos, from)
	}
}

func TestMaskCopyStopsAtTheShorter(t *testing.T) {
	for _, sizes := range [][2]int{{0, 5}, {3, 5}, {5, 3}, {70, 200}, {200, 70}, {8, 64}, {64, 8}} {
		dst, src := make([]byte, sizes[0]), numbers(sizes[1])
		n := min(len(dst), len(src))
		want := append(xorBytes(testMask, src[:n], 1), make([]byte, len(dst)-n)...)
		if testMask.Copy(dst, src, 1); !bytes.Equal(dst, want) {
			t.Errorf("%d bytes to %d: % x, want % x", len(src), len(dst), dst, want)
		}
	}
}

func TestMaskPositionIsModuloFour(t *testing.T) {
	for _, pos := range []int{0, 4, 1 << 20, math.MaxInt - 3, math.MinInt, -4} {
		p := numbers(100)
		if testMask.XOR(p, pos); !bytes.Equal(p, xorBytes(testMask, numbers(100), 0)) {
			t.Errorf("position %d differs from position 0", pos)
		}
	}
}

func TestMaskAllocatesNothing(t *testing.T) {
	p, q := numbers(200), numbers(200)
	if allocs := testing.AllocsPerRun(100, func() {
		testMask.XOR(p, 1)
		testMask.Copy(q, p, 1)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzMask compares with a loop over bytes, in two pieces cut anywhere.
func FuzzMask(f *testing.F) {
	seen := digest.Of(f)
	f.Add([]byte("Hello"), []byte{0x37, 0xfa, 0x21, 0x3d}, 0, 2)
	f.Add(numbers(200), []byte{1, 2, 3, 4}, 3, 77)
	f.Add([]byte{}, []byte{1, 2, 3, 4}, -1, 0)
	f.Fuzz(func(t *testing.T, p, key []byte, pos, cut int) {
		var m Mask
		copy(m[:], key)
		pos &= 1<<30 - 1
		cut = int(uint(cut) % uint(len(p)+1))
		want := xorBytes(m, p, pos)

		copied := make([]byte, len(p))
		m.Copy(copied[:cut], p[:cut], pos)
		m.Copy(copied[cut:], p[cut:], pos+cut)
		if !bytes.Equal(copied, want) {
			t.Fatalf("Copy, cut at %d: % x, want % x", cut, copied, want)
		}
		xored := bytes.Clone(p)
		m.XOR(xored[:cut], pos)
		m.XOR(xored[cut:], pos+cut)
		if !bytes.Equal(xored, want) {
			t.Fatalf("XOR, cut at %d: % x, want % x", cut, xored, want)
		}
		seen.Add(copied, xored)
	})
}

func BenchmarkMask(b *testing.B) {
	for _, n := range []int{3, 16, 64, 125, 1 << 10, 64 << 10} {
		p, q := numbers(n), numbers(n)
		b.Run(fmt.Sprintf("XOR/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				testMask.XOR(p, 3)
			}
		})
		b.Run(fmt.Sprintf("Copy/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				testMask.Copy(q, p, 3)
			}
		})
	}
}
