package wasm_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm"
)

// BenchmarkEcho measures a server's core that sends every message back: the
// native one and the one in WebAssembly, one frame a call and many.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{16, 128, 1 << 10, 64 << 10} {
		for _, op := range []frame.Opcode{frame.Binary, frame.Text} {
			for _, many := range []bool{false, true} {
				for _, kind := range []string{"native", "wasm"} {
					name := fmt.Sprintf("size=%d/op=%v/batch=%v/core=%s", size, op, many, kind)
					b.Run(name, func(b *testing.B) { benchmarkEcho(b, kind, op, size, many) })
				}
			}
		}
	}
}

func benchmarkEcho(b *testing.B, kind string, op frame.Opcode, size int, many bool) {
	frames := framesOf(size, many)
	payload := bytes.Repeat([]byte("websockets over "), size/16)
	var in []byte
	for range frames {
		in = frame.AppendFrame(in, frame.Header{Fin: true, Opcode: op, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, payload)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	birth := flight.Birth{Open: true, Settings: settings(b, core.Config{})}
	if kind == "native" {
		m, err := birth.Machine()
		if err != nil {
			b.Fatal(err)
		}
		echoOne(b, m, in, frames)
		return
	}
	c, err := host(b).NewConn(birth)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Release()
	if many {
		echoMany(b, c, in, frames)
	} else {
		echoOne(b, c, in, frames)
	}
}

// BenchmarkCompressedEcho measures a server's core that sends every message back, of
// which it has decompressed what came and compresses what goes, with context takeover.
func BenchmarkCompressedEcho(b *testing.B) {
	for _, size := range []int{128, 1 << 10, 64 << 10} {
		for _, kind := range []string{"native", "wasm"} {
			b.Run(fmt.Sprintf("size=%d/core=%s", size, kind), func(b *testing.B) { benchmarkCompressedEcho(b, kind, size) })
		}
	}
}

func benchmarkCompressedEcho(b *testing.B, kind string, size int) {
	birth := flight.Birth{
		Open: true, Settings: settings(b, core.Config{Compression: &core.Compression{Lend: &pool}}),
		Compression: &deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: true, ReceiveTakeover: true},
	}
	if kind == "wasm" {
		birth.Make = host(b).Machine
	}
	m, err := birth.Machine()
	if err != nil {
		b.Fatal(err)
	}
	defer transport.Release(m)
	var payload []byte
	for i := 0; len(payload) < size; i++ {
		payload = fmt.Appendf(payload, `{"id": %d, "name": "somebody", "value": %d},`, i, i*i*7919%10007)
	}
	d := pool.Deflater(12, 1)
	h := frame.Header{Fin: true, RSV1: true, Opcode: frame.Text, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}
	in := frame.AppendFrame(nil, h, d.Deflate(nil, payload[:size], true))
	pool.ReturnDeflater(12, 1, d)
	wire, out, scratch := make([]byte, len(in)), make([]byte, 0, 2*size), make([]byte, core.ScratchSize+64<<10)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		copy(wire, in)
		n, ev := m.Recv(1, wire, scratch)
		if out, err = m.AppendMessage(out[:0], ev.Op, ev.Data); err != nil || n != len(in) {
			b.Fatal(n, err)
		}
		if len(ev.Data) == len(scratch)-core.ScratchSize {
			m.Recv(1, nil, scratch) // there was no room to see the end
		}
		m.Wrote(1, len(out))
	}
	b.ReportMetric(float64(len(in)), "wire-B")
}

// echoOne sends frames back, each with a call to receive and one to send it.
func echoOne(b *testing.B, m transport.Machine, in []byte, frames int) {
	var scratch [core.ScratchSize]byte
	wire, out := make([]byte, len(in)), make([]byte, 0, 2*len(in))
	b.ResetTimer()
	for i := 0; i < b.N; i += frames {
		copy(wire, in)
		out = out[:0]
		for rest := wire; len(rest) > 0; {
			n, ev := m.Recv(1, rest, scratch[:])
			rest = rest[n:]
			var err error
			if out, err = m.AppendMessage(out, ev.Op, ev.Data); err != nil {
				b.Fatal(err)
			}
		}
		m.Wrote(1, len(out))
	}
	if len(out) == 0 {
		b.Fatal("nothing was sent")
	}
}

// echoMany sends frames back, all of them in one call.
func echoMany(b *testing.B, c *wasm.Conn, in []byte, frames int) {
	b.ResetTimer()
	for i := 0; i < b.N; i += frames {
		c.Batch(func(batch *wasm.Batch) {
			copy(batch.Input(len(in)), in)
			n, events, _, err := batch.Recv(1, len(in))
			if n != len(in) || len(events) != frames || err != nil {
				b.Fatal(n, len(events), err)
			}
			out, n, err := batch.Send(events)
			if n != frames || err != nil {
				b.Fatal(n, err)
			}
			batch.Wrote(1, len(out))
		})
	}
}

// framesOf returns how many frames a call takes: 64, or as many as 64 KiB hold.
func framesOf(size int, many bool) int {
	if !many {
		return 1
	}
	return max(1, min(wasm.MaxBatch, 64<<10/(size+frame.MaxHeaderLen)))
}

func settings(t testing.TB, c core.Config) *core.Settings {
	t.Helper()
	s, err := core.NewSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var shared *wasm.Host

func host(t testing.TB) *wasm.Host {
	t.Helper()
	if shared == nil {
		h, err := wasm.NewHost(context.Background(), &wasm.Options{CacheDir: wasm.TestCache})
		if err != nil {
			t.Fatal(err)
		}
		shared = h
	}
	return shared
}
