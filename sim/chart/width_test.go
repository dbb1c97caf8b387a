package chart

import (
	"slices"
	"testing"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"":           0,
		"grün":       4,
		"gru\u0308n": 4,
		"水と火":        6,
		"👋 hi":       5,
		"─│▶◆":       4,
		"한국":         4,
	} {
		if got := width(s); got != want {
			t.Errorf("%q takes %d columns, want %d", s, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		in   string
		n    int
		want string
	}{
		{"hello", 5, "hello"},
		{"hello", 4, "hel…"},
		{"水と火", 6, "水と火"},
		{"水と火", 5, "水と…"},
		{"水と火", 4, "水…"},
		{"hello", 1, "…"},
		{"hello", 0, ""},
		{"hello", -3, ""},
	} {
		if got := cut(test.in, test.n, "…"); got != test.want {
			t.Errorf("cut(%q, %d) = %q, want %q", test.in, test.n, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one two  three fourteenth 水と火と土 x", 7)
	want := []string{"one two", "three", "fourtee", "nth", "水と火", "と土 x"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := wrap("  ", 7); got != nil {
		t.Errorf("of nothing, got %q", got)
	}
}
