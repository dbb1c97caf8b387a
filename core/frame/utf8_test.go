package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/fb1e3c20/websockets/internal/digest"
)

const greek = "κ\u1f79σμε" // as in Autobahn: ό is U+1F79, 11 bytes in all

// The cases of the Autobahn test suite, section 6, and of Markus Kuhn's "UTF-8
// decoder capability and stress test". n is the index of the first impossible
// byte, -1 where there is none; open says that the text ends in the middle of a
// sequence.
var utf8Cases = []struct {
	name string
	text string
	n    int
	open bool
}{
	{"empty", "", -1, false},
	{"ASCII", "Hello-\x00\x7f", -1, false},
	{"6.2 Greek", "Hello-µ@ßöäüàá-UTF-8!!" + greek, -1, false},
	{"6.3 surrogate inside", greek + "\xed\xa0\x80edited", 12, false},
	{"6.4 above U+10FFFF inside", greek + "\xf4\x90\x80\x80edited", 12, false},

	{"6.6.1", greek[:1], -1, true},
	{"6.6.2", greek[:2], -1, false},
	{"6.6.3", greek[:3], -1, true},
	{"6.6.4", greek[:4], -1, true},
	{"6.6.5", greek[:5], -1, false},
	{"6.6.6", greek[:6], -1, true},
	{"6.6.7", greek[:7], -1, false},
	{"6.6.11", greek, -1, false},

	{"6.7.1 first of 1 byte", "\x00", -1, false},
	{"6.7.2 first of 2 bytes", "\xc2\x80", -1, false},
	{"6.7.3 first of 3 bytes", "\xe0\xa0\x80", -1, false},
	{"6.7.4 first of 4 bytes", "\xf0\x90\x80\x80", -1, false},
	{"6.8.1 first of 5 bytes", "\xf8\x88\x80\x80\x80", 0, false},
	{"6.8.2 first of 6 bytes", "\xfc\x84\x80\x80\x80\x80", 0, false},
	{"6.9.1 last of 1 byte", "\x7f", -1, false},
	{"6.9.2 last of 2 bytes", "\xdf\xbf", -1, false},
	{"6.9.3 last of 3 bytes", "\xef\xbf\xbf", -1, false},
	{"6.9.4 last of 4 bytes", "\xf4\x8f\xbf\xbf", -1, false},
	{"6.10.1 last of 4 bytes as once defined", "\xf7\xbf\xbf\xbf", 0, false},
	{"6.10.2 last of 5 bytes", "\xfb\xbf\xbf\xbf\xbf", 0, false},
	{"6.10.3 last of 6 bytes", "\xfd\xbf\xbf\xbf\xbf\xbf", 0, false},
	{"6.11.1 U+D7FF", "\xed\x9f\xbf", -1, false},
	{"6.11.2 U+E000", "\xee\x80\x80", -1, false},
	{"6.11.3 U+FFFD", "\xef\xbf\xbd", -1, false},
	{"6.11.4 U+10FFFF", "\xf4\x8f\xbf\xbf", -1, false},
	{"6.11.5 U+110000", "\xf4\x90\x80\x80", 1, false},

	{"6.12.1 stray 80", "\x80", 0, false},
	{"6.12.2 stray BF", "\xbf", 0, false},
	{"6.12.3 stray after ASCII", "a\x81", 1, false},
	{"6.12.4 stray after a character", "\xc2\x80\x80", 2, false},
	{"6.12.8 stray after four bytes", "\xf0\x90\x80\x80\xbe", 4, false},
	{"6.13.1 lonely C0", "\xc0 ", 0, false},
	{"6.13.1 lonely C1", "\xc1 ", 0, false},
	{"6.13.1 lonely C2", "\xc2 ", 1, false},
	{"6.13.1 lonely DF", "\xdf ", 1, false},
	{"6.13.2 lonely E0", "\xe0 ", 1, false},
	{"6.13.2 lonely EF", "\xef ", 1, false},
	{"6.13.3 lonely F0", "\xf0 ", 1, false},
	{"6.13.3 lonely F4", "\xf4 ", 1, false},
	{"6.13.3 lonely F5", "\xf5 ", 0, false},
	{"6.13.3 lonely F7", "\xf7 ", 0, false},
	{"6.13.4 lonely F8", "\xf8 ", 0, false},
	{"6.13.5 lonely FD", "\xfd ", 0, false},
	{"lead after lead", "\xc2\xc2", 1, false},

	{"6.14.1 C0 without the rest", "\xc0", 0, false},
	{"6.14.2 E0 80 without the rest", "\xe0\x80", 1, false},
	{"6.14.3 F0 80 80 without the rest", "\xf0\x80\x80", 1, false},
	{"6.14.6 DF without the rest", "\xdf", -1, true},
	{"6.14.7 EF BF without the rest", "\xef\xbf", -1, true},
	{"6.14.8 F7 BF BF without the rest", "\xf7\xbf\xbf", 0, false},
	{"F4 8F BF without the rest", "\xf4\x8f\xbf", -1, true},
	{"6.15.1 one after the other", "\xdf\xef\xbf\xf4\x8f\xbf", 1, false},
	{"6.16.1 FE", "\xfe", 0, false},
	{"6.16.2 FF", "\xff", 0, false},
	{"6.16.3 FE FE FF FF", "\xfe\xfe\xff\xff", 0, false},

	{"6.17.1 overlong / in 2", "\xc0\xaf", 0, false},
	{"6.17.2 overlong / in 3", "\xe0\x80\xaf", 1, false},
	{"6.17.3 overlong / in 4", "\xf0\x80\x80\xaf", 1, false},
	{"6.17.4 overlong / in 5", "\xf8\x80\x80\x80\xaf", 0, false},
	{"6.17.5 overlong / in 6", "\xfc\x80\x80\x80\x80\xaf", 0, false},
	{"6.18.1 longest overlong of 2", "\xc1\xbf", 0, false},
	{"6.18.2 longest overlong of 3", "\xe0\x9f\xbf", 1, false},
	{"6.18.3 longest overlong of 4", "\xf0\x8f\xbf\xbf", 1, false},
	{"6.19.1 NUL in 2", "\xc0\x80", 0, false},
	{"6.19.2 NUL in 3", "\xe0\x80\x80", 1, false},
	{"6.19.3 NUL in 4", "\xf0\x80\x80\x80", 1, false},

	{"6.20.1 surrogate D800", "\xed\xa0\x80", 1, false},
	{"6.20.2 surrogate DB7F", "\xed\xad\xbf", 1, false},
	{"6.20.3 surrogate DB80", "\xed\xae\x80", 1, false},
	{"6.20.4 surrogate DBFF", "\xed\xaf\xbf", 1, false},
	{"6.20.5 surrogate DC00", "\xed\xb0\x80", 1, false},
	{"6.20.7 surrogate DFFF", "\xed\xbf\xbf", 1, false},
	{"6.21.1 paired D800 DC00", "\xed\xa0\x80\xed\xb0\x80", 1, false},
	{"6.21.8 paired DBFF DFFF", "\xed\xaf\xbf\xed\xbf\xbf", 1, false},
	{"6.22 noncharacters", "\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe\xf4\x8f\xbf\xbf", -1, false},
	{"6.23 specials U+FFF9..U+FFFD", "\xef\xbf\xb9\xef\xbf\xba\xef\xbf\xbb\xef\xbf\xbc\xef\xbf\xbd", -1, false},
}

// Each case at the beginning and end of words and blocks of ASCII and of other
// text.
func TestUTF8Cases(t *testing.T) {
	for _, test := range utf8Cases {
		t.Run(test.name, func(t *testing.T) {
			for _, filler := range []string{"x", "é", "語", "😀"} {
				for before := range 50 {
					for _, after := range []int{0, 1, 7, 8, 33, 50} {
						if test.open {
							after = 0
						}
						prefix := strings.Repeat(filler, before)
						text := prefix + test.text + strings.Repeat(filler, after)
						n := len(text)
						if test.n >= 0 {
							n = len(prefix) + test.n
						}
						var u UTF8
						got, ok := u.Write([]byte(text))
						if got != n || ok != (test.n < 0) || u.Complete() != (ok && !test.open) {
							t.Fatalf("%q: %d bytes, ok %v, complete %v; want %d bytes", text, got, ok, u.Complete(), n)
						}
					}
				}
			}
		})
	}
}

// Every sequence of bytes, up to its first impossible byte or the end of its
// character.
func TestUTF8Exhaustive(t *testing.T) {
	sequences := 0
	var follow func(before UTF8, sequence []byte)
	follow = func(before UTF8, sequence []byte) {
		for b := range 256 {
			sequences++
			u := before
			longer := append(sequence, byte(b))
			n, ok := u.Write(longer[len(sequence):])
			complete, open := utf8.Valid(longer), !utf8.FullRune(longer)
			if possible := complete || open; ok != possible || n == 1 != possible || u.Complete() != complete {
				t.Fatalf("% x: n %d, ok %v, complete %v", longer, n, ok, u.Complete())
			}
			if open {
				follow(u, longer)
			}
		}
	}
	follow(UTF8{}, make([]byte, 0, utf8.UTFMax))
	if sequences < 1_000_000 {
		t.Errorf("only %d sequences were tried", sequences)
	}
}

// firstImpossible is the naive oracle: the index of the first byte of p with
// which p is not the beginning of any valid text, or len(p).
func firstImpossible(p []byte) int {
	for i := 0; i < len(p); {
		_, size := utf8.DecodeRune(p[i:])
		if size > 1 || p[i] < utf8.RuneSelf {
			i += size
			continue
		}
		for end := i + 1; end <= len(p); end++ {
			if utf8.FullRune(p[i:end]) {
				return end - 1
			}
		}
		return len(p)
	}
	return len(p)
}

// writePieces feeds p, cut at the given places, until the first failure.
func writePieces(u *UTF8, p []byte, cuts ...int) (n int, ok bool) {
	from := 0
	for _, to := range append(cuts, len(p)) {
		k, ok := u.Write(p[from:to])
		n += k
		if !ok {
			return n, false
		}
		from = to
	}
	return n, true
}

func checkUTF8(t *testing.T, p []byte, cuts ...int) {
	t.Helper()
	want := firstImpossible(p)
	var u UTF8
	n, ok := writePieces(&u, p, cuts...)
	if n != want || ok != (want == len(p)) || u.Complete() != utf8.Valid(p) {
		t.Fatalf("%q cut at %v: n %d, ok %v, complete %v; want n %d, complete %v",
			p, cuts, n, ok, u.Complete(), want, utf8.Valid(p))
	}
}

// Random texts, mostly valid, in every split into two pieces and some into three
// and into single bytes.
func TestUTF8Splits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 629))
	pieces := []string{"a", "é", "語", "😀", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "ASCII, a block and more of it......", greek}
	bad := []string{"\x80", "\xc0", "\xc2", "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90", "\xf5", "\xe1\x80", "\xf1\x80\x80"}
	for range 300 {
		var p []byte
		for range r.IntN(12) {
			p = append(p, pieces[r.IntN(len(pieces))]...)
			if r.IntN(12) == 0 {
				p = append(p, bad[r.IntN(len(bad))]...)
			}
		}
		checkUTF8(t, p)
		single := make([]int, 0, len(p))
		for cut := range len(p) {
			checkUTF8(t, p, cut)
			checkUTF8(t, p, cut, cut+r.IntN(len(p)-cut+1))
			single = append(single, cut)
		}
		checkUTF8(t, p, single...)
	}
}

func TestUTF8StaysFailedUntilReset(t *testing.T) {
	var u UTF8
	if n, ok := u.Write([]byte("ab\xffcd")); n != 2 || ok {
		t.Fatalf("n %d, ok %v", n, ok)
	}
	for _, text := range []string{"", "a", "long enough for whole words"} {
		if n, ok := u.Write([]byte(text)); n != 0 || ok {
			t.Errorf("after a failure Write(%q) = %d, %v", text, n, ok)
		}
	}
	if u.Complete() {
		t.Error("complete after a failure")
	}
	u.Reset()
	if n, ok := u.Write([]byte("ab")); n != 2 || !ok || !u.Complete() {
		t.Errorf("after Reset: %d, %v", n, ok)
	}
}

func TestUTF8ResetDropsAnOpenSequence(t *testing.T) {
	var u UTF8
	u.Write([]byte("\xe2\x82"))
	u.Reset()
	if n, ok := u.Write([]byte("\xac")); n != 0 || ok {
		t.Errorf("Write = %d, %v", n, ok)
	}
}

func TestUTF8IsSmallAndAllocatesNothing(t *testing.T) {
	if size := unsafe.Sizeof(UTF8{}); size > 4 {
		t.Errorf("%d bytes", size)
	}
	p := []byte("Größe 語 😀 " + greek)
	var u UTF8
	if allocs := testing.AllocsPerRun(100, func() {
		u.Write(p)
		u.Reset()
		ValidUTF8(p)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzUTF8 compares with package unicode/utf8. Each byte of chunks is the length
// of one piece.
func FuzzUTF8(f *testing.F) {
	seen := digest.Of(f)
	around := []byte(strings.Repeat("é語😀", 8))
	for _, test := range utf8Cases {
		f.Add([]byte(test.text), []byte{1, 2, 3})
	}
	f.Add(slices.Concat(around, around, around), []byte{1, 100, 62, 1})
	f.Fuzz(func(t *testing.T, p, chunks []byte) {
		if got, want := ValidUTF8(p), utf8.Valid(p); got != want {
			t.Fatalf("ValidUTF8(%q) = %v", p, got)
		}
		var u UTF8
		n, ok := u.Write(p)
		seen.Add(n, ok, u)
		var cuts []int
		at := 0
		for _, size := range chunks {
			at = min(at+int(size), len(p))
			cuts = append(cuts, at)
		}
		checkUTF8(t, p, cuts...)
		checkUTF8(t, slices.Concat(around, p, around), cuts...)
	})
}

// Texts of which no branch can be predicted from what came before, as in a repeated line.
func BenchmarkUTF8(b *testing.B) {
	for _, text := range []struct {
		name, letters string
		word          int // letters in the longest word; 0: no spaces
	}{
		{"ASCII", "etaoinshrdlucmfwypvbgk", 9},
		{"Latin", "etaoinshrdlucmfwypvbgküäößéè", 9},
		{"Cyrillic", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф", 9},
		{"CJK", "我能吞下玻璃而不傷身體私はガラスを食べられます，。", 0},
		{"Korean", "나는유리를먹을수있어요그래도아프지않아퀀힣", 4},
		{"emoji", "😀😃😄😁😆🌍🌎🌏", 0},
		{"mixed", "eaoinshrtäöоеаинлקשםह世界語한국😀🌍", 9},
	} {
		for _, size := range []int{16, 128, 1 << 10, 64 << 10} {
			p := []byte(randomText(text.letters, text.word, size))
			b.Run(fmt.Sprintf("%s/%d", text.name, size), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					ValidUTF8(p)
				}
			})
		}
	}
}

// randomText returns words of at most word letters, size bytes in all or a few less.
func randomText(letters string, word, size int) string {
	r := rand.New(rand.NewPCG(3, 629))
	runes := []rune(letters)
	var p []byte
	for left := 0; ; left-- {
		next := runes[r.IntN(len(runes))]
		if left == 0 && word > 0 {
			left = 1 + r.IntN(word) + 1
			next = ' '
		}
		if len(p)+utf8.RuneLen(next) > size {
			return string(p)
		}
		p = utf8.AppendRune(p, next)
	}
}

// An impossible byte and the first byte of a character, anywhere in text of any length.
func TestUTF8AtEveryPlace(t *testing.T) {
	memory := bytes.Repeat([]byte("a"), 320)
	for n := range 300 {
		p := memory[n%9:][:n]
		if k, ok := new(UTF8).Write(p); k != n || !ok || !ValidUTF8(p) {
			t.Fatalf("%d bytes of ASCII: %d, %v", n, k, ok)
		}
		for i := max(0, n-70); i < n; i++ {
			p[i] = 0xFF
			if k, ok := new(UTF8).Write(p); k != i || ok || ValidUTF8(p) {
				t.Fatalf("FF at %d of %d: %d, %v", i, n, k, ok)
			}
			p[i] = 0xC3
			want, whole := i+1, i == n-1
			if k, ok := new(UTF8).Write(p); k != want || ok != whole || ValidUTF8(p) {
				t.Fatalf("C3 at %d of %d: %d, %v", i, n, k, ok)
			}
			p[i] = 'a'
		}
	}
}
