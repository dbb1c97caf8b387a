package chart

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// visible returns s with everything that would not show as itself escaped as
// in a Go string: control characters and so the escape sequences of terminals,
// characters that reorder or hide text, and bytes that are not UTF-8. Printable
// text, quotes and backslashes stay as they are.
func visible(s string) string {
	return escaped(s, strconv.IsPrint)
}

// visibleASCII is visible for where only ASCII shows.
func visibleASCII(s string) string {
	return escaped(s, func(r rune) bool { return r < utf8.RuneSelf && strconv.IsPrint(r) })
}

func escaped(s string, show func(rune) bool) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case show(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
