package frame

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// Texts of more than two blocks, of characters of one length and of all.
var longTexts = []string{
	strings.Repeat("é", 90),
	strings.Repeat("語", 60),
	strings.Repeat("😀", 45),
	"x" + strings.Repeat("я", 90),
	"xy" + strings.Repeat("한", 60),
	strings.Repeat("é語😀x\u0e01\ud7ff\U0010ffff", 9),
}

// Each byte, in place of each byte of a text.
func TestUTF8BlocksWithOneWrongByte(t *testing.T) {
	for _, text := range longTexts {
		p := []byte(text)
		for i, was := range p {
			for b := range 256 {
				p[i] = byte(b)
				checkUTF8(t, p)
			}
			p[i] = was
		}
	}
}

// Each pair of bytes within a block, and where one block ends and another begins.
func TestUTF8BlocksWithEachPair(t *testing.T) {
	for _, at := range []int{30, textBlock - 1} {
		for _, rest := range []string{"\x80", "\xbf\x80"} {
			head := strings.Repeat("é", at/2) + "x"[:at%2]
			p := []byte(head + "??" + rest + strings.Repeat("語", 30))
			for pair := range 1 << 16 {
				p[at], p[at+1] = byte(pair>>8), byte(pair)
				checkUTF8(t, p)
				checkFirstBlock(t, p)
			}
		}
	}
}

// checkFirstBlock requires that a block is found valid that is: one that is not would
// only take longer. Of its last byte that much is known alone: that it begins a character.
func checkFirstBlock(t *testing.T, p []byte) {
	t.Helper()
	b := (*[textBlock]byte)(p)
	n := firstImpossible(b[:])
	want := n == textBlock || b[textBlock-1] >= 0xC0 && utf8.Valid(b[:textBlock-1])
	if valid, ascii := checkBlock(b, allBytes); valid != want || ascii {
		t.Fatalf("%q: valid %v, ASCII %v", b[:], valid, ascii)
	}
}

// A text is valid to its end, but for a few bytes.
func TestValidBlocksSeesAll(t *testing.T) {
	for _, text := range longTexts {
		for n := textBlock; n < len(text); n++ {
			if got := validBlocks([]byte(text[:n])); got < n-4-worthABlock || got > n {
				t.Errorf("%q: %d of %d bytes", text, got, n)
			}
		}
	}
}

// A text that ends, or is cut, anywhere.
func TestUTF8BlocksOfEachLength(t *testing.T) {
	for _, text := range longTexts {
		for n := range len(text) + 1 {
			p := []byte(text[:n])
			checkUTF8(t, p)
			for cut := range n {
				checkUTF8(t, p, cut)
			}
		}
	}
}

// ASCII of any length between other text.
func TestUTF8BlocksAroundASCII(t *testing.T) {
	for _, text := range longTexts {
		for n := range 200 {
			p := []byte(text + strings.Repeat("x", n) + text)
			checkUTF8(t, p)
			p[len(text)+n/2] = 0xFF
			checkUTF8(t, p)
		}
	}
}

func TestCheckBlockKnowsASCII(t *testing.T) {
	for _, test := range []struct {
		text         string
		known        uint64
		valid, ascii bool
	}{
		{strings.Repeat("x", textBlock), allBytes, true, true},
		{strings.Repeat("x", textBlock-2) + "я", allBytes, true, false},
		{strings.Repeat("x", textBlock-1) + "\xe0", allBytes, true, false},
		{"\xbf\xbf\xbf" + strings.Repeat("x", textBlock-3), afterThree, true, false},
		{"\xbf\xbf\xbf" + strings.Repeat("x", textBlock-3), allBytes, false, false},
		{"xxx\xbf" + strings.Repeat("x", textBlock-4), afterThree, false, false},
	} {
		t.Run(fmt.Sprintf("%.8q", test.text), func(t *testing.T) {
			valid, ascii := checkBlock((*[textBlock]byte)([]byte(test.text)), test.known)
			if valid != test.valid || ascii != test.ascii {
				t.Errorf("valid %v, ASCII %v", valid, ascii)
			}
		})
	}
}
