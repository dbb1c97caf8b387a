package micro

import (
	"fmt"
	"net"
	"testing"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// BenchmarkCore is a message through the state machine and back, without a transport.
func BenchmarkCore(b *testing.B) {
	set, err := core.NewSettings(core.Config{Entropy: func() uint32 { return 0 }})
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{16, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("size=%d/of=websockets", n), func(b *testing.B) {
			c, err := core.NewOpen(set, 0, core.Server)
			if err != nil {
				b.Fatal(err)
			}
			h := frame.Header{Fin: true, Opcode: frame.Binary, Masked: true} // a mask of zeros: unmasking keeps it
			in, out := frame.AppendFrame(nil, h, payload.Noise(1, n)), make([]byte, 0, n+16)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				_, ev := c.Recv(1, in, nil)
				p, err := c.AppendMessage(out, ev.Op, ev.Data)
				if err != nil {
					b.Fatal(err)
				}
				c.Wrote(1, len(p))
			}
		})
	}
}

// BenchmarkEcho is a message to a server in this process and back, on loopback; the
// client is part of it, and the same for all.
func BenchmarkEcho(b *testing.B) {
	for _, set := range []*payload.Set{payload.Binary(16), payload.Text(1 << 10), payload.Binary(256 << 10)} {
		for _, flight := range []int{1, min(64, len(set.Messages))} {
			for _, peer := range peers.All() {
				if !peer.Has(raw.Modes[0]) {
					continue
				}
				b.Run(fmt.Sprintf("size=%d/flight=%d/of=%s", set.Size(), flight, peer.Name), func(b *testing.B) {
					echo(b, peer, set, flight)
				})
			}
		}
	}
}

// served are the addresses of servers. They are never closed: not every library can.
var served = map[string]string{}

func serve(b *testing.B, peer *peers.Peer) raw.Target {
	b.Helper()
	addr, ok := served[peer.Name]
	if !ok {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		go peer.Serve(l, raw.Modes[0])
		addr = l.Addr().String()
		served[peer.Name] = addr
	}
	return raw.Target{Addr: addr, Plain: peer.Plain}
}

func echo(b *testing.B, peer *peers.Peer, set *payload.Set, flight int) {
	stream, err := raw.NewStream(set, raw.Modes[0], false)
	if err != nil {
		b.Fatal(err)
	}
	f, err := raw.NewFleet(serve(b, peer), stream, 1, flight)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Burst(100); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(set.Size()))
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := f.Burst(b.N); err != nil {
		b.Fatal(err)
	}
}
