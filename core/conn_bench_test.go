package core

import (
	"fmt"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// An echo: Recv, AppendMessage and Wrote for one message in one frame.
func BenchmarkEcho(b *testing.B) {
	for _, role := range []Role{Server, Client} {
		for _, op := range []frame.Opcode{frame.Text, frame.Binary} {
			for _, size := range []int{16, 1 << 10, 64 << 10} {
				b.Run(fmt.Sprintf("%v/%v/%d", role, op, size), func(b *testing.B) {
					benchmarkEcho(b, role, op, size)
				})
			}
		}
	}
}

func benchmarkEcho(b *testing.B, role Role, op frame.Opcode, size int) {
	c := openedWith(b, role, Config{}).Conn
	h := frame.Header{Fin: true, Opcode: op, Masked: role == Server}
	in := frame.AppendFrame(nil, h, []byte(pattern(size))) // a mask of zeros: unmasking keeps it
	out := make([]byte, 0, len(in)+16)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		n, ev := c.Recv(1, in, nil)
		if n != len(in) || !ev.Last {
			b.Fatal(n, ev)
		}
		p, err := c.AppendMessage(out, ev.Op, ev.Data)
		if err != nil {
			b.Fatal(err)
		}
		c.Wrote(1, len(p))
	}
}

func BenchmarkPing(b *testing.B) {
	c := openedWith(b, Server, Config{Pings: PingAnswer, MaxControlRate: -1}).Conn
	in := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Ping, Masked: true}, []byte("ping"))
	out := make([]byte, 0, 64)
	for b.Loop() {
		if _, ev := c.Recv(1, in, nil); ev.Kind != EventPing {
			b.Fatal(ev)
		}
		c.Wrote(1, len(c.AppendOutput(out)))
	}
}

func BenchmarkDeadline(b *testing.B) {
	c := openedWith(b, Server, Config{}).Conn
	for b.Loop() {
		c.Deadline()
	}
}
