package sim

import (
	"math/rand/v2"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// A text in pieces is judged as the frame layer judges it.
func TestTextSoFar(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	likely := []byte("a\x7f\x80\xbf\xc2\xdf\xe0\xa0\x9f\xed\xef\xf0\x90\x8f\xf4\xf5\xc0")
	for range 100_000 {
		var ours textSoFar
		var theirs frame.UTF8
		for range 4 {
			p := make([]byte, rnd.IntN(8))
			for i := range p {
				p[i] = likely[rnd.IntN(len(likely))]
			}
			n, ok := ours.take(p)
			wantN, wantOK := theirs.Write(p)
			if n != wantN || ok != wantOK || ok && ours.complete() != theirs.Complete() {
				t.Fatalf("%x: %d, %t; want %d, %t", p, n, ok, wantN, wantOK)
			}
			if !ok {
				break
			}
		}
	}
}

func TestUnmask(t *testing.T) {
	key := frame.Mask{1, 2, 3, 4}
	for size := range 40 {
		for pos := range 9 {
			p := make([]byte, size)
			want := make([]byte, size)
			unmask(p, key, pos)
			key.XOR(want, pos)
			if string(p) != string(want) {
				t.Errorf("%d bytes at %d: %x, want %x", size, pos, p, want)
			}
			if pos == 0 && !samePayload(p, make([]byte, size), key) {
				t.Errorf("%d bytes: not the same under the mask", size)
			}
			if pos == 0 && size > 0 && samePayload(flip(p, size-1), make([]byte, size), key) {
				t.Errorf("%d bytes: the same with a wrong byte", size)
			}
		}
	}
}
