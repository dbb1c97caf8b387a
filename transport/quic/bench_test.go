package quic_test

import (
	"context"
	"io"
	"runtime"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// BenchmarkEcho is a round trip of a WebSocket message of 1 KiB; RawEcho the same
// bytes on a stream of quic-go alone.
func BenchmarkEcho(b *testing.B) {
	l, _ := serve(b, echo, websockets.Strict())
	c := connect(b, dial(b, l.Addr(), nil), newDialer(), "/")
	p := make([]byte, 1<<10)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Send(ctx, websockets.Binary, p); err != nil {
			b.Fatal(err)
		}
		_, got, err := c.ReceiveInto(ctx, p[:0])
		if err != nil || len(got) != len(p) {
			b.Fatal(err)
		}
	}
}

func BenchmarkRawEcho(b *testing.B) {
	config := quictest.ServerTLS()
	config.NextProtos = []string{quic.ALPN}
	l, err := quicgo.ListenAddr(quictest.AnyPort, config, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		s, err := c.AcceptStream(context.Background())
		if err == nil {
			io.Copy(s, s)
		}
	}()
	s, err := dial(b, l.Addr(), nil).QUIC().OpenStream()
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		s.Write(p)
		if _, err := io.ReadFull(s, p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkThroughput sends messages of 64 KiB one way.
func BenchmarkThroughput(b *testing.B) {
	l, _ := serve(b, func(ctx context.Context, c *websockets.Conn) error {
		var p []byte
		for {
			var err error
			if _, p, err = c.ReceiveInto(ctx, p[:0]); err != nil {
				return err
			}
		}
	}, websockets.Strict())
	c := connect(b, dial(b, l.Addr(), nil), newDialer(), "/")
	p := make([]byte, 64<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Send(context.Background(), websockets.Binary, p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdle tells how much memory an idle socket takes, both ends together.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		l, _ := serve(b, echo, websockets.Strict())
		conn := dial(b, l.Addr(), nil)
		d := newDialer()
		connect(b, conn, d, "/")
		before := inUse()
		const sockets = 500
		for range sockets {
			connect(b, conn, d, "/")
		}
		b.ReportMetric(float64(inUse()-before)/sockets, "B/socket")
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
