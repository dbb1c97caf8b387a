// Package escape makes a request target of what a URL tells.
package escape

import (
	"fmt"
	"strings"
)

// Target escapes what may not stand in the target of a request, as browsers do in a
// query.
func Target(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
