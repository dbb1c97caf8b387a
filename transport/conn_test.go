package transport_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func TestEcho(t *testing.T) {
	srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
	ended := make(chan error, 1)
	go func() { err := echo(srv); srv.Close(frame.NormalClosure, ""); ended <- err }()
	ctx := t.Context()
	for _, n := range []int{0, 1, 125, 126, 4095, 4096, 65535, 65536, 1 << 20} {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(i)
		}
		if err := cli.Send(ctx, frame.Binary, p); err != nil {
			t.Fatal(n, err)
		}
		op, got, err := cli.Receive(ctx, nil)
		if err != nil || op != frame.Binary || string(got) != string(p) {
			t.Fatalf("%d bytes: %v, %d bytes, %v", n, op, len(got), err)
		}
	}
	if err := cli.Close(frame.NormalClosure, "done"); err != nil {
		t.Fatal(err)
	}
	err := <-ended
	ce, ok := errors.AsType[*transport.CloseError](err)
	if !ok || ce.Code != frame.NormalClosure || ce.Reason != "done" || ce.Local {
		t.Fatalf("server ended with %v", err)
	}
}

func TestTimeoutsAreExactOnTheFakeClock(t *testing.T) {
	clk := new(sim.Clock)
	a, _ := pipe.New(0)
	c := open(t, clk, core.Server, core.Config{PingInterval: -1, ConnectionTimeout: 3 * time.Second}, a)
	ended := make(chan error, 1)
	go func() { _, _, err := c.Receive(context.Background(), nil); ended <- err }()
	time.Sleep(10 * time.Millisecond)
	clk.Advance(3*time.Second - 1)
	if err := c.Err(); err != nil {
		t.Fatal("too early:", err)
	}
	clk.Advance(1)
	if err := c.Err(); err != core.ErrConnectionTimeout {
		t.Fatal("at the deadline:", err)
	}
	<-ended
}

func BenchmarkEcho16(b *testing.B) {
	srv, cli := pair(b, real.New(), core.Config{}, core.Config{})
	go echo(srv)
	ctx := context.Background()
	p := make([]byte, 16)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		if err := cli.Send(ctx, frame.Binary, p); err != nil {
			b.Fatal(err)
		}
		if _, _, err := cli.Receive(ctx, buf); err != nil {
			b.Fatal(err)
		}
	}
}
