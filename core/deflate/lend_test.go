package deflate

import "testing"

// copier compresses nothing.
type copier struct{}

func (copier) Append(dst []byte, _ *Window, p []byte, _ bool) []byte { return append(dst, p...) }

// A Deflater keeps the memory of small messages, and not that of large ones.
func TestTrim(t *testing.T) {
	d := &Deflater{Compressor: copier{}}
	for _, test := range []struct {
		size int
		kept bool
	}{{100, true}, {keptBuffer, true}, {2 * keptBuffer, false}} {
		if got := d.Deflate(nil, make([]byte, test.size), true); len(got) != test.size {
			t.Fatal(len(got))
		}
		d.Trim()
		if kept := cap(d.in) > 0 && cap(d.out) > 0; kept != test.kept {
			t.Errorf("after %d bytes: kept is %t", test.size, kept)
		}
	}
}
