package websockets_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Nobody who imports this package compiles anything but it and the standard
// library.
func TestTheLibraryHasNoDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if path != "github.com/fb1e3c20/websockets" && !strings.HasPrefix(path, "github.com/fb1e3c20/websockets/") {
			t.Errorf("depends on %s", path)
		}
	}
}
