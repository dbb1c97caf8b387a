package transport_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// Large messages come whole, however they are cut, with what stands between and behind
// them.
func TestLargeMessages(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4, 5, 6, 7, 8} {
		t.Run(fmt.Sprint("Receive/", seed), func(t *testing.T) {
			srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
			want := sendLarge(t, cli, seed)
			var buf []byte
			for i := range want {
				if seed%2 == 0 {
					buf = nil
				}
				prefix := append(buf[:0], "before"...)
				_, p, err := srv.Receive(t.Context(), prefix)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(p[len("before"):], want[i]) || string(p[:6]) != "before" {
					t.Fatalf("message %d differs", i)
				}
				buf = p
			}
		})
		t.Run(fmt.Sprint("Deliver/", seed), func(t *testing.T) {
			srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
			want := sendLarge(t, cli, seed)
			s := &comparing{t: t, want: want, done: make(chan struct{})}
			srv.Deliver(s, transport.DeliverOptions{Lend: seed%2 == 0, Wait: seed%3 == 0})
			<-s.done
		})
	}
}

// sendLarge sends messages, some in fragments, with pings among them, and returns them.
func sendLarge(t *testing.T, c *transport.Conn, seed uint64) (list [][]byte) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		p := make([]byte, rnd.IntN(1<<[]int{5, 12, 17, 20}[rnd.IntN(4)]))
		for i := range p {
			p[i] = byte(rnd.Uint32())
		}
		list = append(list, p)
	}
	go func() {
		for _, p := range list {
			if rnd.IntN(3) > 0 {
				c.Send(t.Context(), frame.Binary, p)
				continue
			}
			w, _ := c.Writer(t.Context(), frame.Binary)
			for len(p) > 0 {
				n := min(len(p), rnd.IntN(100_000)+1)
				w.Write(p[:n])
				p = p[n:]
			}
			w.Close()
			go c.Ping(t.Context())
		}
	}()
	return list
}

// comparing is a Sink that compares.
type comparing struct {
	t    *testing.T
	want [][]byte
	done chan struct{}
}

func (s *comparing) Message(_ frame.Opcode, p []byte) bool {
	if !bytes.Equal(p, s.want[0]) {
		s.t.Errorf("a message of %d bytes differs from one of %d", len(p), len(s.want[0]))
	}
	s.want = s.want[1:]
	return len(s.want) > 0
}

func (s *comparing) End(err error) {
	if err != nil {
		s.t.Errorf("it ended: %v", err)
	}
	close(s.done)
}

// The memory of a large message that was lent serves the next, from its first bytes on.
func TestLargeMessagesTakeMemoryOnce(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties pools
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))  // each processor has its own
	const size, count = 256 << 10, 40
	a, b := pipe.New(0)
	clk := real.New()
	m, err := core.NewOpen(settings(t, core.Config{}), clk.Now(), core.Server)
	if err != nil {
		t.Fatal(err)
	}
	srv := transport.NewConn(m, a, transport.NewAttendant(clk)) // no guard hides its Expects
	t.Cleanup(func() { srv.CloseNow() })
	cli := open(t, clk, core.Client, core.Config{}, b)
	s := &paced{most: 2 * count, next: make(chan struct{})}
	go srv.Deliver(s, transport.DeliverOptions{Lend: true})
	p := make([]byte, size)
	send := func() {
		for range count {
			if err := cli.Send(t.Context(), frame.Binary, p); err != nil {
				t.Error(err)
			}
			<-s.next
		}
	}
	send()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	send()
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / count; each > 6<<10 && !raceEnabled {
		t.Errorf("a message of %d bytes takes %d bytes of memory", size, each)
	}
}

// paced is a Sink that takes so many messages.
type paced struct {
	most int
	next chan struct{}
}

func (s *paced) Message(frame.Opcode, []byte) bool {
	s.most--
	s.next <- struct{}{}
	return s.most > 0
}

func (s *paced) End(error) {}

// A large message does not begin where a page does, in memory of its own or lent.
func TestLargeMessagesLieApart(t *testing.T) {
	for _, lend := range []bool{false, true} {
		srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
		s := &placed{t: t, done: make(chan struct{})}
		go srv.Deliver(s, transport.DeliverOptions{Lend: lend})
		if err := cli.Send(t.Context(), frame.Binary, make([]byte, 256<<10)); err != nil {
			t.Fatal(err)
		}
		<-s.done
	}
}

// placed is a Sink that looks where one message lies.
type placed struct {
	t    *testing.T
	done chan struct{}
}

func (s *placed) Message(_ frame.Opcode, p []byte) bool {
	if at := uintptr(unsafe.Pointer(&p[0])) % 4096; at < 64 {
		s.t.Errorf("it lies %d bytes behind the beginning of a page", at)
	}
	return false
}

func (s *placed) End(error) { close(s.done) }
