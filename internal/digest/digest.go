// Package digest tells in one line what a test has seen, so that runs of it on
// different machines can be compared.
package digest

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"testing"
)

// A Digest is a hash of what a test sees, in the order in which it does.
type Digest struct {
	sum  hash.Hash
	seen int
}

// Of returns the digest of a test or fuzz target, which logs it at its end. Of a
// fuzz target that is what its seeds and its corpus show.
func Of(t testing.TB) *Digest {
	d := &Digest{sum: sha256.New()}
	t.Cleanup(func() { t.Logf("digest of %s: %d results, %x", t.Name(), d.seen, d.sum.Sum(nil)) })
	return d
}

// Add adds a result, in parts. A part may point to a value, which counts; within it
// there must be no pointers.
func (d *Digest) Add(result ...any) {
	d.seen++
	for _, part := range result {
		fmt.Fprintf(d.sum, "%+v\n", part)
	}
}
