package websockets_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Nobody who imports this package compiles anything but it, the standard library, a
// client of SOCKS5, a compressor, and the frames and header compression of HTTP/2 with what they
// need.
func TestTheLibraryHasNoOtherDependencies(t *testing.T) {
	allowed := map[string]bool{
		"github.com/klauspost/compress/flate":            true,
		"github.com/klauspost/compress/internal/le":      true,
		"github.com/klauspost/compress/internal/regmask": true,
		"golang.org/x/net/proxy":                         true,
		"golang.org/x/net/internal/socks":                true,
		"golang.org/x/net/http2":                         true,
		"golang.org/x/net/http2/hpack":                   true,
		"golang.org/x/net/http/httpguts":                 true,
		"golang.org/x/net/idna":                          true,
		"golang.org/x/net/internal/httpcommon":           true,
		"golang.org/x/net/internal/httpsfv":              true,
		"golang.org/x/text/secure/bidirule":              true,
		"golang.org/x/text/transform":                    true,
		"golang.org/x/text/unicode/bidi":                 true,
		"golang.org/x/text/unicode/norm":                 true,
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const module = "github.com/fb1e3c20/websockets"
	for path := range strings.FieldsSeq(string(out)) {
		if path != module && !strings.HasPrefix(path, module+"/") && !allowed[path] {
			t.Errorf("depends on %s", path)
		}
	}
}
