package sim

import "unicode/utf8"

// textSoFar follows a text over its pieces.
type textSoFar struct {
	part [utf8.UTFMax]byte // of a character
	n    int
}

func (t *textSoFar) complete() bool { return t.n == 0 }

// take returns the number of bytes of p before the first that no valid text
// could have there, and whether there is no such byte.
func (t *textSoFar) take(p []byte) (valid int, ok bool) {
	skipped := false
	for i := 0; i < len(p); i++ {
		if t.n == 0 && !skipped {
			skipped = true
			i += wholeCharacters(p[i:])
			if i == len(p) {
				break
			}
		}
		t.part[t.n] = p[i]
		t.n++
		if !utf8.FullRune(t.part[:t.n]) {
			continue
		}
		if r, size := utf8.DecodeRune(t.part[:t.n]); r == utf8.RuneError && size == 1 {
			return i, false
		}
		t.n = 0
	}
	return len(p), true
}

// wholeCharacters returns the length of p without a character that is cut off
// at its end, and 0 when the rest is not valid.
func wholeCharacters(p []byte) int {
	end := len(p)
	for back := 1; back < utf8.UTFMax && back <= len(p); back++ {
		if c := p[len(p)-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(p[len(p)-back:]) {
				end -= back
			}
			break
		}
	}
	if !utf8.Valid(p[:end]) {
		return 0
	}
	return end
}
