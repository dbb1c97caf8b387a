package escape

import "testing"

func TestTarget(t *testing.T) {
	for s, want := range map[string]string{
		"":                  "",
		"/a?b=c&d=%20":      "/a?b=c&d=%20",
		"/a b?é\x7f\x00\"<": "/a%20b?%C3%A9%7F%00\"<",
	} {
		if got := Target(s); got != want {
			t.Errorf("Target(%q) = %q; want %q", s, got, want)
		}
	}
}
