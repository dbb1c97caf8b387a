package digest

import (
	"fmt"
	"strings"
	"testing"
)

// A recorder is a test of which one sees what it logs.
type recorder struct {
	testing.TB
	ended func()
	log   string
}

func (r *recorder) Name() string                 { return "TestRecorded" }
func (r *recorder) Cleanup(f func())             { r.ended = f }
func (r *recorder) Logf(format string, a ...any) { r.log += fmt.Sprintf(format, a...) }

func logged(results ...any) string {
	r := &recorder{}
	d := Of(r)
	for _, result := range results {
		d.Add(result)
	}
	r.ended()
	return r.log
}

func TestDigest(t *testing.T) {
	type pair struct{ a, b int }
	text := logged(&pair{1, 2}, "two")
	if !strings.HasPrefix(text, "digest of TestRecorded: 2 results, ") {
		t.Errorf("it logs %q", text)
	}
	if again := logged(&pair{1, 2}, "two"); again != text {
		t.Errorf("the same has the digests\n%s\n%s", text, again)
	}
	for _, other := range [][]any{{"two", &pair{1, 2}}, {&pair{1, 3}, "two"}, {&pair{1, 2}}} {
		if logged(other...) == text {
			t.Errorf("%v has the same digest", other)
		}
	}
}
