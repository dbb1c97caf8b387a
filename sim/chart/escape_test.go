package chart

import "testing"

func TestVisible(t *testing.T) {
	for _, test := range []struct{ in, want, ascii string }{
		{"", "", ""},
		{`say "hi" \ it's`, `say "hi" \ it's`, `say "hi" \ it's`},
		{"\x1b[31mred\x07", `\x1b[31mred\a`, `\x1b[31mred\a`},
		{"a\r\n\tb\x00", `a\r\n\tb\x00`, `a\r\n\tb\x00`},
		{"\x7f\u0085\u009b", `\x7f\u0085\u009b`, `\x7f\u0085\u009b`},
		{"cut \xe4\xb8", `cut \xe4\xb8`, `cut \xe4\xb8`},
		{"\uFFFD", "\uFFFD", `\ufffd`},
		{"grün 水 👋", "grün 水 👋", `gr\u00fcn \u6c34 \U0001f44b`},
		{"\u202eevil\u2066", `\u202eevil\u2066`, `\u202eevil\u2066`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`, `zero\u200bwidth\ufeff`},
		{"line\u2028paragraph\u2029", `line\u2028paragraph\u2029`, `line\u2028paragraph\u2029`},
		{"quote '", "quote '", "quote '"},
	} {
		if got := visible(test.in); got != test.want {
			t.Errorf("visible(%q) = %s, want %s", test.in, got, test.want)
		}
		if got := visibleASCII(test.in); got != test.ascii {
			t.Errorf("visibleASCII(%q) = %s, want %s", test.in, got, test.ascii)
		}
	}
}
