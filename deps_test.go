package websockets_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Nobody who imports this package compiles anything but it, the standard
// library and a client of SOCKS5.
func TestTheLibraryHasNoOtherDependencies(t *testing.T) {
	allowed := map[string]bool{
		"golang.org/x/net/proxy":          true,
		"golang.org/x/net/internal/socks": true,
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
