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
	if r := command(t.Context(), "", "serve", "--deflate", "on"); r.status != statusUsage {
		t.Errorf("status %d, %s", r.status, r.stderr)
	}
}

// A server whose core is in the sandbox compresses as the other does, whatever carries
// the connection.
func TestDeflateInTheSandbox(t *testing.T) {
	line := strings.Repeat("hello, hello, ", 1000)
	for _, how := range []string{"nct", "ct"} {
		s := serveTLS(t, "--deflate", how, "--core", "wasm")
		for _, carrier := range []string{"--http1", "--http2", "--http3", "--quic"} {
			r := command(t.Context(), line+"\n"+line, "connect", "--deflate", "ct", "--insecure", carrier, "wss://"+s.host+"/echo")
			if r.status != statusOK || r.stdout != line+"\n"+line+"\n" || !strings.Contains(r.stderr, ", compressed") {
				t.Errorf("%s, %s: status %d, %d bytes, %s", how, carrier, r.status, len(r.stdout), r.stderr)
			}
		}
		if n := strings.Count(s.stderr.String(), "deflate=true\n"); n != 4 {
			t.Errorf("%s: the server says of %d connections that it compresses\n%s", how, n, s.stderr)
		}
	}
}
