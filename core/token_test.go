package core

import (
	"slices"
	"strings"
	"testing"
)

// RFC 9110 section 5.6.2: visible ASCII without the delimiters.
func TestIsTokenByte(t *testing.T) {
	for c := range 256 {
		want := c > ' ' && c < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, rune(c))
		if got := isTokenByte(byte(c)); got != want {
			t.Errorf("%q: %v", rune(c), got)
		}
	}
	if isToken("") {
		t.Error("the empty string is no token")
	}
}

func TestEqualFold(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"Upgrade", "uPGRADE", true},
		{"AZaz", "azAZ", true},
		{"Upgrade", "Upgrad", false},
		{"@", "`", false}, // these differ in the bit of the case, but are no letters
		{"[", "{", false},
		{"\u212a", "k", false}, // the Kelvin sign folds to k in Unicode only
		{"\xc1", "\xe1", false},
	} {
		if got := equalFold(tt.a, tt.b); got != tt.want {
			t.Errorf("%q, %q: %v", tt.a, tt.b, got)
		}
	}
}

// RFC 9110 section 5.6.1.
func TestCutElement(t *testing.T) {
	for list, want := range map[string][]string{
		"":                  nil,
		" \t ":              nil,
		",":                 nil,
		", ,, \t,":          nil,
		"a":                 {"a"},
		"a,b":               {"a", "b"},
		" a , b ":           {"a", "b"},
		",a,,b,":            {"a", "b"},
		"keep-alive,\tU x ": {"keep-alive", "U x"},
	} {
		var got []string
		for element, rest := cutElement(list); element != ""; element, rest = cutElement(rest) {
			got = append(got, element)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}
