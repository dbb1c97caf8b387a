// Package micro compares the steps of a message: those of this library, and what other
// libraries export of theirs. The names are made for benchstat -col /of.
package micro

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/core/frame"
)

var sizes = []int{16, 128, 1 << 10, 16 << 10, 1 << 20}

// compare runs a benchmark of each way to do something with p. If all of its bytes are
// touched the benchmark tells a speed too.
func compare(b *testing.B, name string, p []byte, all bool, ways map[string]func(p []byte) error) {
	for _, of := range []string{"websockets", "gobwas", "stdlib"} {
		way, ok := ways[of]
		if !ok {
			continue
		}
		b.Run(name+"/of="+of, func(b *testing.B) {
			if all {
				b.SetBytes(int64(len(p)))
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := way(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func sized(n int) string { return fmt.Sprintf("size=%d", n) }

func BenchmarkMask(b *testing.B) {
	mask := frame.Mask{0x37, 0xfa, 0x21, 0x3d}
	for _, n := range sizes {
		compare(b, sized(n), payload.Noise(1, n), true, map[string]func([]byte) error{
			"websockets": func(p []byte) error { mask.XOR(p, 0); return nil },
			"gobwas":     func(p []byte) error { ws.Cipher(p, mask, 0); return nil },
		})
	}
}

func BenchmarkUTF8(b *testing.B) {
	ways := map[string]func([]byte) error{
		"websockets": func(p []byte) error { return valid(frame.ValidUTF8(p)) },
		"stdlib":     func(p []byte) error { return valid(utf8.Valid(p)) },
		"gobwas":     utf8Reader(),
	}
	for _, n := range sizes {
		compare(b, "text=ascii/"+sized(n), payload.Text(n).Messages[0], true, ways)
		compare(b, "text=foreign/"+sized(n), payload.Foreign(n).Messages[0], true, ways)
	}
}

func valid(ok bool) error {
	if !ok {
		return wsutil.ErrInvalidUTF8
	}
	return nil
}

// utf8Reader reads a text through gobwas' check.
func utf8Reader() func(p []byte) error {
	var src bytes.Reader
	r, buf := wsutil.NewUTF8Reader(&src), make([]byte, 32<<10)
	return func(p []byte) error {
		src.Reset(p)
		r.Reset(&src)
		for {
			if _, err := r.Read(buf); err == io.EOF {
				return valid(r.Valid())
			} else if err != nil {
				return err
			}
		}
	}
}

// A header is parsed, and nothing of the payload touched.
func BenchmarkParse(b *testing.B) {
	var src bytes.Reader
	for _, n := range sizes {
		compare(b, sized(n), masked(n), false, map[string]func([]byte) error{
			"websockets": func(p []byte) error { _, _, err := frame.ParseHeader(p); return err },
			"gobwas":     func(p []byte) error { src.Reset(p); _, err := ws.ReadHeader(&src); return err },
		})
	}
}

func masked(n int) []byte {
	h := frame.Header{Fin: true, Opcode: frame.Binary, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}
	return frame.AppendFrame(nil, h, payload.Noise(1, n))
}

// A frame of a server is built in memory.
func BenchmarkBuild(b *testing.B) {
	h := frame.Header{Fin: true, Opcode: frame.Binary}
	var out []byte
	var dst bytes.Buffer
	for _, n := range sizes {
		compare(b, sized(n), payload.Noise(1, n), true, map[string]func([]byte) error{
			"websockets": func(p []byte) error { out = frame.AppendFrame(out[:0], h, p); return nil },
			"gobwas":     func(p []byte) error { dst.Reset(); return ws.WriteFrame(&dst, ws.NewBinaryFrame(p)) },
		})
	}
}
