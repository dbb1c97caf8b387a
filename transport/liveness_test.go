package transport_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

var lively = core.Config{PingInterval: time.Second, ConnectionTimeout: 3 * time.Second, Pings: core.PingAnswer}

// A live peer answers pings, and asks for its own to be answered in time.
func (p *peer) live(until <-chan struct{}, patience time.Duration) (pings int) {
	in := make(chan []byte)
	go func() {
		defer close(in)
		for {
			l := &lender{make([]byte, 64<<10)}
			n, err := p.s.AwaitRead(l)
			if err != nil {
				return
			}
			in <- l.b[:n]
		}
	}()
	defer func() {
		p.s.Abort()
		for range in {
		}
	}()
	tick := time.NewTicker(700 * time.Millisecond)
	defer tick.Stop()
	asked := map[string]time.Time{}
	for {
		select {
		case <-until:
			return pings
		case <-tick.C:
			name := fmt.Sprint("ping ", len(asked))
			asked[name] = time.Now()
			p.write(p.frame(nil, frame.Ping, true, []byte(name)))
		case b, ok := <-in:
			if !ok {
				return pings
			}
			for _, f := range p.frames(b) {
				switch f.op {
				case frame.Ping:
					pings++
					p.write(p.frame(nil, frame.Pong, true, []byte(f.payload)))
				case frame.Pong:
					if d := time.Since(asked[f.payload]); d > patience {
						p.t.Errorf("%s was answered after %v", f.payload, d)
					}
				}
			}
		}
	}
}

func TestBusyHandlerKeepsALivePeer(t *testing.T) {
	for _, role := range roles {
		t.Run(role.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := against(t, role, lively)
				busyFor(t, c, p, 500*time.Millisecond)
			})
		})
	}
}

func TestBusyHandlerKeepsALivePeerOverTCP(t *testing.T) {
	t.Parallel()
	a, b := sockets(t)
	c := open(t, real.New(), core.Server, lively, a)
	busyFor(t, c, &peer{t: t, s: b, role: core.Client}, time.Second)
}

// busyFor takes a message, is busy for five seconds, and takes the next.
func busyFor(t *testing.T, c *transport.Conn, p *peer, patience time.Duration) {
	stop := make(chan struct{})
	pings := make(chan int, 1)
	p.write(p.text(nil, "first"))
	receiveText(t, c, "first")
	go func() { pings <- p.live(stop, patience) }()
	time.Sleep(5 * time.Second)
	p.write(p.text(nil, "second"))
	receiveText(t, c, "second")
	close(stop)
	if n := <-pings; n < 4 || n > 6 {
		t.Errorf("%d pings came in five seconds", n)
	}
}

func TestDeadPeerIsCutAtItsDeadline(t *testing.T) {
	for _, role := range roles {
		for name, busy := range map[string]bool{"Busy": true, "Reading": false} {
			t.Run(role.String()+name, func(t *testing.T) {
				clk := new(sim.Clock)
				a, b := pipe.New(0)
				cfg := lively
				cfg.PingInterval = -1
				c := open(t, clk, role, cfg, a)
				p := &peer{t: t, s: b, role: 1 - role}
				var reader sync.WaitGroup
				if !busy {
					reader.Go(func() { c.Receive(context.Background(), nil) })
					for !transport.Waiting(c) {
						time.Sleep(time.Millisecond)
					}
				}
				clk.Advance(3*time.Second - 1)
				if err := c.Err(); err != nil {
					t.Fatal("too early:", err)
				}
				clk.Advance(1)
				if err := c.Err(); err != core.ErrConnectionTimeout {
					t.Fatal("at the deadline:", err)
				}
				reader.Wait()
				if got := p.frames(p.there()); len(got) != 1 || got[0].op != frame.Close || got[0].payload[:2] != "\x03\xe9" {
					t.Errorf("the peer was told %v", got)
				}
			})
		}
	}
}

// What has come counts, even if nobody has read it yet when the time is up.
func TestInputIsSeenBeforeTheVerdict(t *testing.T) {
	for _, role := range roles {
		bubble(t, func(t *testing.T) {
			cfg := core.Config{PingInterval: -1, ConnectionTimeout: 1200 * time.Millisecond}
			c, p := against(t, role, cfg)
			for _, at := range []time.Duration{1100, 1000, 1150} {
				time.Sleep(at * time.Millisecond) // between two visits of the attendant
				p.write(p.text(nil, "alive")[:1])
				p.write(p.text(nil, "alive")[1:])
			}
			time.Sleep(1100 * time.Millisecond)
			if err := c.Err(); err != nil {
				t.Error("a live peer was cut:", err)
			}
		})
	}
}

// On a machine that is late a verdict waits for a reader that has its input but
// did not get to run.
func TestVerdictWaitsForALateReader(t *testing.T) {
	clk := new(sim.Clock)
	a, b := pipe.New(0)
	s := &starved{a, make(chan struct{})}
	cfg := core.Config{PingInterval: time.Second, ConnectionTimeout: 1500 * time.Millisecond}
	c := open(t, late{clk, 700 * time.Millisecond}, core.Server, cfg, s)
	p := &peer{t: t, s: b, role: core.Client}
	received := make(chan error)
	go func() { _, _, err := c.Receive(context.Background(), nil); received <- err }()
	for !transport.Waiting(c) {
		time.Sleep(time.Millisecond)
	}
	p.write(p.text(nil, "alive"))
	clk.Advance(2500 * time.Millisecond)
	if err := c.Err(); err != nil {
		t.Error("cut:", err)
	}
	close(s.fed)
	if err := <-received; err != nil {
		t.Error(err)
	}
}

type late struct {
	clock.Clock
	by time.Duration
}

func (c late) NewTimer(f func()) clock.Timer { return lateTimer{c.Clock.NewTimer(f), c.by} }

type lateTimer struct {
	clock.Timer
	by time.Duration
}

func (t lateTimer) Reset(at clock.Time) { t.Timer.Reset(at.Add(t.by)) }

// A starved stream's waits do not get to run.
type starved struct {
	transport.Stream
	fed chan struct{}
}

func (s *starved) AwaitRead(l transport.Lender) (int, error) {
	<-s.fed
	return s.Stream.AwaitRead(l)
}

func TestDeadPeerIsCutOverTCP(t *testing.T) {
	for name, busy := range map[string]bool{"Busy": true, "Reading": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := sockets(t)
			cfg := core.Config{PingInterval: 300 * time.Millisecond, ConnectionTimeout: time.Second}
			start := time.Now()
			c := open(t, real.New(), core.Server, cfg, a)
			if !busy {
				var reader sync.WaitGroup
				defer reader.Wait()
				reader.Go(func() { c.Receive(context.Background(), nil) })
			}
			<-c.Done()
			if late := time.Since(start) - time.Second; late < 0 || late > 100*time.Millisecond || c.Err() != core.ErrConnectionTimeout {
				t.Errorf("cut %v after the deadline by %v", late, c.Err())
			}
			c.CloseNow()
		})
	}
}

// A reader that never comes: what the peer floods is bounded, and it is not
// cut for it; all of it is there later.
func TestPausedReader(t *testing.T) {
	for _, size := range []int{0, 100, 5000, 300_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, b := pipe.New(0)
				s := &counted{Stream: b}
				cfg := lively
				cfg.MaxFragments = -1
				c := open(t, real.New(), core.Server, cfg, a)
				p := &peer{t: t, s: s, role: core.Client}
				var out sync.WaitGroup
				out.Go(func() { // it takes what c sends, and no more
					for {
						l := &lender{make([]byte, 4096)}
						if _, err := b.AwaitRead(l); err != nil {
							return
						}
					}
				})
				p.write(p.frame(nil, frame.Ping, true, []byte("before")))
				n := 0
				var flood sync.WaitGroup
				flood.Go(func() {
					for range max(20, min(3000, 2_000_000/(size+1))) {
						n++
						if err := p.write(p.text(nil, numberedText(n, size))); err != nil {
							t.Error(err)
							return
						}
					}
				})
				time.Sleep(10 * time.Minute)
				if err := c.Err(); err != nil {
					t.Fatal("the flooding peer was cut:", err)
				}
				if got := s.bytes.Load(); got > 64<<10+3*64<<10 {
					t.Errorf("%d bytes were taken of a peer that nobody reads", got)
				}
				for i := 1; ; i++ {
					receiveText(t, c, numberedText(i, size))
					synctest.Wait()
					if i == n {
						break
					}
				}
				flood.Wait()
				c.CloseNow()
				out.Wait()
			})
		})
	}
}

func numberedText(n, size int) string {
	return fmt.Sprintf("%06d", n) + strings.Repeat("x", max(size-6, 0))
}

// Once it reads again, a peer that has died since is noticed in time.
func TestPausedReaderThatComesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cfg := lively
		cfg.PingInterval = -1
		c, p := against(t, core.Server, cfg)
		const n = 2000 // more than is read ahead
		for i := range n {
			p.write(p.text(nil, fmt.Sprint(i)))
		}
		time.Sleep(time.Minute)
		for i := range n {
			receiveText(t, c, fmt.Sprint(i))
		}
		d := took(func() {
			if _, _, err := c.Receive(t.Context(), nil); err != core.ErrConnectionTimeout {
				t.Error(err)
			}
		})
		if d != 3*time.Second {
			t.Errorf("cut after %v", d)
		}
	})
}

// While the application is slow but goes on, the connection goes on reading
// ahead, and answers control frames.
func TestSlowReaderIsReadAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, lively)
		stop := make(chan struct{})
		done := make(chan int, 1)
		go func() { done <- p.live(stop, 500*time.Millisecond) }()
		for i := range 20 {
			for j := range 3 {
				p.write(p.text(nil, fmt.Sprint(i, j)))
			}
			time.Sleep(2 * time.Second)
			for j := range 3 {
				receiveText(t, c, fmt.Sprint(i, j))
			}
		}
		close(stop)
		<-done
	})
}

// A peer that stops reading, and one that goes on sending, bound our memory
// and are cut in time; other connections of the same attendant notice nothing.
func TestPeerThatStopsReading(t *testing.T) {
	for sends, want := range map[string]error{
		"nothing": core.ErrConnectionTimeout,
		"data":    core.ErrWriteTimeout,
		"pings":   core.ErrWriteTimeout,
	} {
		t.Run(sends, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				clk := real.New()
				att := transport.NewAttendant(clk)
				conn := func(role core.Role, s transport.Stream) *transport.Conn {
					m, err := core.NewOpen(settings(t, lively), clk.Now(), role)
					if err != nil {
						t.Fatal(err)
					}
					return transport.NewConn(m, s, att)
				}
				a, b := pipe.New(0)
				in, out := &counted{Stream: b}, &counted{Stream: a}
				c, p := conn(core.Server, out), &peer{t: t, s: in, role: core.Client}
				a2, b2 := pipe.New(0)
				fine, other := conn(core.Server, a2), conn(core.Client, b2)
				var all sync.WaitGroup
				all.Go(func() { echo(fine); fine.Close(frame.NormalClosure, "") })

				switch sends {
				case "data":
					all.Go(func() {
						for p.write(p.frame(nil, frame.Binary, true, make([]byte, 1000))) == nil {
							time.Sleep(time.Millisecond)
						}
					})
				case "pings":
					all.Go(func() {
						for p.write(p.frame(nil, frame.Ping, true, make([]byte, 100))) == nil {
							time.Sleep(time.Millisecond)
						}
					})
				}
				all.Go(func() {
					for {
						_, _, err := c.Receive(t.Context(), nil)
						if err != nil {
							return
						}
					}
				})
				start := time.Now()
				var queued int
				for c.Err() == nil {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					var err error
					d := took(func() { err = c.Send(ctx, frame.Binary, make([]byte, 1000)) })
					if d > 100*time.Millisecond {
						t.Errorf("Send took %v", d)
					}
					if err == nil {
						queued++
					}
					cancel()
					other.Send(t.Context(), frame.Text, []byte("fine"))
					if d := took(func() { receiveText(t, other, "fine") }); d > 2*time.Millisecond {
						t.Errorf("another connection waited for %v", d)
					}
				}
				if d := time.Since(start); d < 3*time.Second || d > 3100*time.Millisecond || c.Err() != want {
					t.Errorf("cut after %v by %v", d, c.Err())
				}
				if queued > 200 {
					t.Errorf("%d messages of 1,000 bytes were taken", queued)
				}
				if n := out.bytes.Load(); n > 64<<10 {
					t.Errorf("%d bytes were written to nobody", n)
				}
				other.Close(frame.NormalClosure, "")
				all.Wait()
			})
		})
	}
}

// A newer ping replaces the pong that waits while the output is blocked, and
// only then.
func TestPongsWhileTheOutputIsBlocked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cfg := lively
		cfg.PingInterval = -1
		a, b := pipe.New(100)
		c := open(t, real.New(), core.Server, cfg, a)
		p := &peer{t: t, s: b, role: core.Client}
		go c.Receive(t.Context(), nil)
		c.Send(t.Context(), frame.Binary, make([]byte, 200))
		for i := range 200 {
			p.write(p.frame(nil, frame.Ping, true, fmt.Appendf(nil, "%100d", i)))
			synctest.Wait()
		}
		var got []byte
		for {
			in := p.there()
			if len(in) == 0 {
				break
			}
			got = append(got, in...)
			synctest.Wait()
		}
		list := p.frames(got)
		if len(list) != 2 || list[1] != (received{frame.Pong, fmt.Sprintf("%100d", 199)}) {
			t.Errorf("%d frames; %v", len(list), list[len(list)-1])
		}
		var pings []byte
		for i := range 20 {
			pings = p.frame(pings, frame.Ping, true, fmt.Appendf(nil, "%d", i))
		}
		p.write(pings[:70])
		p.write(pings[70:])
		synctest.Wait()
		if got := p.frames(p.there()); len(got) != 20 {
			t.Errorf("%d pongs for 20 pings while the output flows", len(got))
		}
	})
}

// A peer that never pauses puts off no timer but those that judge its silence.
func TestTimersDuringAFlood(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		c := open(t, real.New(), core.Server, core.Config{PingInterval: time.Second}, flooded{a})
		p := &peer{t: t, s: b, role: core.Client}
		go c.Receive(t.Context(), nil)
		time.Sleep(3*time.Second + 1)
		if got := p.frames(p.there()); len(got) != 3 {
			t.Errorf("%d pings in three seconds", len(got))
		}
		if d := took(func() { c.Close(frame.NormalClosure, "") }); d != 5*time.Second {
			t.Errorf("Close took %v", d)
		}
	})
}

// A flooded stream has more input whenever one looks.
type flooded struct{ transport.Stream }

func (s flooded) Readable() bool { return true }
