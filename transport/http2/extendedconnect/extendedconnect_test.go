package extendedconnect

import (
	"os/exec"
	"strings"
	"testing"
)

func TestTheChoiceOfTheEnvironmentStays(t *testing.T) {
	for _, test := range []struct {
		value, want string
		changed     bool
	}{
		{"", "http2xconnect=1", true},
		{"madvdontneed=1", "madvdontneed=1,http2xconnect=1", true},
		{"nohttp2xconnect=0", "nohttp2xconnect=0,http2xconnect=1", true},
		{"http2xconnect", "http2xconnect,http2xconnect=1", true},
		{"http2xconnect=0", "http2xconnect=0", false},
		{"http2xconnect=1", "http2xconnect=1", false},
		{"a=b,http2xconnect=0,c=d", "a=b,http2xconnect=0,c=d", false},
	} {
		if got, changed := with(test.value); got != test.want || changed != test.changed {
			t.Errorf("with(%q) = %q, %t; want %q, %t", test.value, got, changed, test.want, test.changed)
		}
	}
}

// Whatever else it imported could have to be initialised after net/http.
func TestItImportsNothingButOS(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Imports}}", ".").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "[os]" {
		t.Errorf("imports %s, %v; want os alone", out, err)
	}
}
