package transport_test

import (
	"context"
	"encoding/binary"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A thousand connections at once, a hundred messages each way on each, with
// attendants for all: nothing is lost, reordered or left behind.
func TestAThousandConnections(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	const messages = 100
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	goroutines := runtime.NumGoroutine()
	clk := real.New()
	servers, clients := transport.NewAttendant(clk), transport.NewAttendant(clk)
	set := settings(t, core.Config{Pings: core.PingAnswer, CloseTimeout: time.Minute})
	conn := func(role core.Role, s *tcp.Stream, a *transport.Attendant) *transport.Conn {
		m, err := core.NewOpen(set, clk.Now(), role)
		if err != nil {
			t.Error(err)
		}
		return transport.NewConn(m, s, a)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for range n {
			s, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			all.Go(func() {
				c := conn(core.Server, s, servers)
				all.Go(func() { sendNumbered(t, c, messages) })
				receiveNumbered(t, c, messages)
				if _, _, err := c.Receive(context.Background(), nil); err != c.Err() {
					t.Error(err)
				}
				c.Close(frame.NormalClosure, "")
			})
		}
	})
	dialling := make(chan struct{}, 64)
	open := make(chan struct{})
	var ready sync.WaitGroup
	for range n {
		ready.Add(1)
		all.Go(func() {
			dialling <- struct{}{}
			s, err := tcp.Dial(context.Background(), "tcp", l.Addr().String())
			<-dialling
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			<-open
			c := conn(core.Client, s, clients)
			var sender sync.WaitGroup
			sender.Go(func() {
				sendNumbered(t, c, messages)
				if _, err := c.Ping(context.Background()); err != nil {
					t.Error("ping:", err)
				}
			})
			receiveNumbered(t, c, messages)
			sender.Wait()
			if _, err := c.Ping(context.Background()); err != nil {
				t.Error("ping:", err)
			}
			if err := c.Close(frame.NormalClosure, ""); err != nil {
				t.Error("close:", err)
			}
		})
	}
	ready.Wait()
	close(open)
	all.Wait()
	for start := time.Now(); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("%d goroutines were left behind", runtime.NumGoroutine()-goroutines)
		}
	}
}

func sendNumbered(t *testing.T, c *transport.Conn, n int) {
	for i := range n {
		if err := c.Send(context.Background(), frame.Binary, numbered(0, uint32(i), i*7)); err != nil {
			t.Error("send:", err)
			return
		}
	}
}

func receiveNumbered(t *testing.T, c *transport.Conn, n int) {
	var buf []byte
	for i := range n {
		_, p, err := c.Receive(context.Background(), buf[:0])
		if err != nil {
			t.Error("receive:", err)
			return
		}
		buf = p
		if j := int(binary.BigEndian.Uint32(p[4:])); j != i || len(p) != max(8, i*7) {
			t.Errorf("message %d of %d bytes in place of %d", j, len(p), i)
			return
		}
	}
}
