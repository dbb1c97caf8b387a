package frame

import "testing"

// Every state that a validator can be in can be gone back to, and no other.
func TestUTF8At(t *testing.T) {
	reached := map[uint8]bool{}
	for _, text := range []string{"", "a", "\xc3", "\xe2", "\xe2\x82", "\xe0", "\xed", "\xf0", "\xf1", "\xf4", "\xff"} {
		var u UTF8
		u.Write([]byte(text))
		reached[u.State()] = true
		again, ok := UTF8At(u.State())
		if !ok || again != u {
			t.Errorf("%q: %v, %v", text, again, ok)
		}
	}
	for state := range 256 {
		if _, ok := UTF8At(uint8(state)); ok != reached[uint8(state)] {
			t.Errorf("state %d: %v", state, ok)
		}
	}
}
