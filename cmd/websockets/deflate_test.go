package main

import (
	"strings"
	"testing"
)

// Either side may compress, and both must.
func TestDeflate(t *testing.T) {
	line := strings.Repeat("hello, hello, ", 1000)
	for _, test := range []struct {
		server, client string
		want           bool
	}{{"off", "off", false}, {"off", "ct", false}, {"ct", "off", false}, {"nct", "nct", true}, {"ct", "ct", true}, {"nct", "ct", true}, {"ct", "nct", true}} {
		s := serve(t, "--deflate", test.server)
		r := command(t.Context(), line+"\n"+line, "connect", "--deflate", test.client, s.url("/echo"))
		if r.status != statusOK || r.stdout != line+"\n"+line+"\n" {
			t.Errorf("%+v: status %d, %d bytes, %s", test, r.status, len(r.stdout), r.stderr)
		}
		if got := strings.Contains(r.stderr, ", compressed"); got != test.want {
			t.Errorf("%+v: compressed: %t", test, got)
		}
		if got := strings.Contains(s.stderr.String(), "deflate=true"); got != test.want {
			t.Errorf("%+v: the server says that it compresses: %t", test, got)
		}
	}
	for _, args := range [][]string{{"serve", "--deflate", "on"}, {"serve", "--deflate", "ct", "--core", "wasm"}} {
		if r := command(t.Context(), "", args...); r.status != statusUsage {
			t.Errorf("%q: status %d, %s", args, r.status, r.stderr)
		}
	}
}
