// Package inflate compares decompressors: the library's own, which stops and goes on at
// any byte, and readers, which cannot.
package inflate

import (
	"bytes"
	stdlib "compress/flate"
	"errors"
	"io"
	"sync"
	"testing"

	klauspost "github.com/klauspost/compress/flate"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
)

// A decompressor decompresses message after message, without context takeover.
type decompressor interface {
	// message decompresses src, which ends with a tail, and returns how many bytes it
	// was, and errTooBig as soon as there are more than limit.
	message(src []byte, limit int) (n int, err error)
}

var errTooBig = errors.New("more than the limit")

// decompressors makes new ones.
var decompressors = []struct {
	name string
	make func() decompressor
}{
	{"own", func() decompressor { return &own{} }},
	{"stdlib", func() decompressor { return &reader{zip: stdlib.NewReader(nil)} }},
	{"klauspost", func() decompressor { return &reader{zip: klauspost.NewReader(nil)} }},
}

// bufferSize is that of what a decompressor writes to.
const bufferSize = 16 << 10

type own struct {
	z   deflate.Inflater
	dst [bufferSize]byte
}

func (o *own) message(src []byte, limit int) (n int, err error) {
	o.z.Reset()
	w := o.z.Window(deflate.MaxWindowBits)
	for {
		wrote, used, err := o.z.Inflate(&w, o.dst[:], src)
		n, src = n+wrote, src[used:]
		switch {
		case err != nil:
			return n, err
		case n > limit:
			return n, errTooBig
		case wrote < len(o.dst):
			return n, nil
		}
	}
}

type reader struct {
	src bytes.Reader
	zip io.ReadCloser
	dst [bufferSize]byte
}

func (r *reader) message(src []byte, limit int) (n int, err error) {
	r.src.Reset(src)
	// Both packages have the same interface.
	if err := r.zip.(stdlib.Resetter).Reset(&r.src, nil); err != nil {
		return 0, err
	}
	for {
		read, err := r.zip.Read(r.dst[:])
		n += read
		switch {
		case n > limit:
			return n, errTooBig
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// end makes a whole stream of a message: a tail, and a final block.
const end = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

func messages(t testing.TB, set *payload.Set) [][]byte {
	c, err := compress.New(deflate.MaxWindowBits, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list [][]byte
	for _, p := range set.Messages {
		list = append(list, append(c.Append(nil, nil, p, true), end...))
	}
	return list
}

// bomb returns a megabyte that becomes a gigabyte.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w, err := klauspost.NewWriter(&b, klauspost.BestCompression)
	if err != nil {
		panic(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		w.Write(zeros)
	}
	w.Flush()
	b.WriteString("\x01\x00\x00\xff\xff")
	return b.Bytes()
})

func TestDecompressorsAgree(t *testing.T) {
	for _, d := range decompressors {
		z := d.make()
		for _, set := range payload.Sets() {
			for i, src := range messages(t, set) {
				want := len(set.Messages[i])
				if n, err := z.message(src, want); n != want || err != nil {
					t.Fatalf("%s, %s: %d bytes, %v; want %d", d.name, set.Name, n, err, want)
				}
				if _, err := z.message(src, want-1); err != errTooBig {
					t.Fatalf("%s, %s: %v; want %v", d.name, set.Name, err, errTooBig)
				}
			}
		}
	}
}

// How fast messages are decompressed.
func BenchmarkInflate(b *testing.B) {
	for _, set := range payload.Sets() {
		list := messages(b, set)
		for _, d := range decompressors {
			b.Run(set.Name+"/"+d.name, func(b *testing.B) {
				z := d.make()
				b.SetBytes(int64(set.Size()))
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if _, err := z.message(list[i%len(list)], 1<<30); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What one decompressor takes, with its first message; 16 KiB of it are for the output.
func BenchmarkMemoryOfOne(b *testing.B) {
	src := messages(b, payload.Sets()[1])[0]
	for _, d := range decompressors {
		b.Run(d.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.make().message(src, 1<<30); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// How long a bomb takes that is given up at a limit of 1 MiB, and one that goes off.
func BenchmarkBomb(b *testing.B) {
	for _, limit := range []struct {
		name  string
		bytes int
		want  error
	}{{"1MiB", 1 << 20, errTooBig}, {"none", 1 << 31, nil}} {
		for _, d := range decompressors {
			b.Run("limit="+limit.name+"/"+d.name, func(b *testing.B) {
				src, z := bomb(), d.make()
				b.ReportAllocs()
				b.ReportMetric(float64(len(src)), "wire-bytes")
				for b.Loop() {
					if _, err := z.message(src, limit.bytes); err != limit.want {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What it takes to decompress a message that comes in pieces, as packets are, and to
// return after each piece. A reader needs a goroutine that waits for the next.
func BenchmarkPieces(b *testing.B) {
	const piece = 1448
	set := payload.Sets()[2]
	src := messages(b, set)[0]
	b.Run("own", func(b *testing.B) {
		o := &own{}
		b.SetBytes(int64(len(set.Messages[0])))
		b.ReportAllocs()
		for b.Loop() {
			o.z.Reset()
			w := o.z.Window(deflate.MaxWindowBits)
			for rest := src; len(rest) > 0; {
				_, used, err := o.z.Inflate(&w, o.dst[:], rest[:min(piece, len(rest))])
				if err != nil {
					b.Fatal(err)
				}
				rest = rest[used:]
			}
		}
	})
	b.Run("stdlib in a goroutine", func(b *testing.B) {
		b.SetBytes(int64(len(set.Messages[0])))
		b.ReportAllocs()
		zip, dst := stdlib.NewReader(nil), make([]byte, bufferSize)
		for b.Loop() {
			in, out := io.Pipe()
			go func() {
				for rest := src; len(rest) > 0; {
					n := min(piece, len(rest))
					out.Write(rest[:n])
					rest = rest[n:]
				}
				out.Close()
			}()
			if err := zip.(stdlib.Resetter).Reset(in, nil); err != nil {
				b.Fatal(err)
			}
			for {
				if _, err := zip.Read(dst); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
			in.Close()
		}
	})
}
