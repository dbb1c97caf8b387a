package transport_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A mortal machine must be released once, and only answers questions afterwards.
type mortal struct {
	transport.Machine
	t        testing.TB
	released atomic.Int32
}

// guarded returns m as most tests drive it. It must have been released when the
// test is over.
func guarded(t testing.TB, m transport.Machine) *mortal {
	w := &mortal{Machine: m, t: t}
	t.Cleanup(func() {
		if n := w.released.Load(); n != 1 {
			t.Errorf("the machine was released %d times", n)
		}
	})
	return w
}

func (m *mortal) Release() {
	if m.released.Add(1) == 1 {
		m.Machine = remains{of: m.Machine}
	}
}

// RecvRecords makes it a Batcher, if it is one.
func (m *mortal) RecvRecords(now clock.Time, in []byte, addr uint32, records []core.Record) (n, count int) {
	if b, ok := m.Machine.(transport.Batcher); ok {
		return b.RecvRecords(now, in, addr, records)
	}
	return 0, 0
}

// Expects makes it an Expecter, if it is one.
func (m *mortal) Expects() int {
	if e, ok := m.Machine.(transport.Expecter); ok {
		return e.Expects()
	}
	return 0
}

// remains are what may be asked of a machine that was released. Any other call
// panics.
type remains struct {
	transport.Machine // nil
	of                transport.Machine
}

func (r remains) Deadline() (clock.Time, core.Timer) { return r.of.Deadline() }
func (r remains) Pending() int                       { return r.of.Pending() }
func (r remains) Role() core.Role                    { return r.of.Role() }
func (r remains) Request() *core.Request             { return r.of.Request() }
func (r remains) Response() *core.Response           { return r.of.Response() }
func (r remains) Subprotocol() string                { return r.of.Subprotocol() }
func (r remains) Open() bool                         { return r.of.Open() }
func (r remains) Err() error                         { return r.of.Err() }
func (r remains) Transport() core.Transport          { return r.of.Transport() }

// What comes of a connection that is released while its owner is elsewhere is
// harmless: the machine is not called any more.
func TestCallsAfterRelease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		srv, p := server(t, core.Config{})
		p.write([]byte(request))
		if _, err := srv.AwaitRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		srv.CloseNow()
		if err := srv.Accept(core.AcceptOptions{}); err != transport.ErrClosed {
			t.Error("Accept:", err)
		}
		if err := srv.Reject(core.RejectOptions{}); err != transport.ErrClosed {
			t.Error("Reject:", err)
		}
	})
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.text(nil, "kept"))
		time.Sleep(time.Second) // the attendant reads ahead
		c.CloseNow()
		c.Discard()
		if _, _, err := c.Receive(t.Context(), nil); err != transport.ErrClosed {
			t.Error("Receive:", err)
		}
		for name, call := range everyCall(t.Context(), c) {
			if err := call(); err != nil && !errors.Is(err, transport.ErrClosed) {
				t.Error(name, err)
			}
		}
		time.Sleep(time.Minute)
	})
}

// The connection may be released while the attendant or a timer reads.
func TestReleaseWhileReadingAhead(t *testing.T) {
	for name, at := range map[string]time.Duration{"Attendant": 15 * time.Second, "Timer": 15200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, b := pipe.New(0)
				p := &peer{t: t, s: b, role: core.Client}
				s := &trapdoor{Stream: a, opens: time.Now().Add(at), bytes: p.text(nil, "x")}
				c := open(t, real.New(), core.Server, core.Config{PingInterval: 15200 * time.Millisecond}, s)
				s.c.Store(c)
				time.Sleep(time.Minute)
				if err := c.Err(); err != transport.ErrClosed || transport.HoldsMemory(c) != "" {
					t.Error(err, transport.HoldsMemory(c))
				}
			})
		})
	}
}

// A trapdoor closes the connection while the stream is being read, from an
// instant on.
type trapdoor struct {
	transport.Stream
	opens time.Time
	bytes []byte
	c     atomic.Pointer[transport.Conn]
}

func (s *trapdoor) TryRead(p []byte) (int, error) {
	if time.Now().Before(s.opens) {
		return 0, transport.ErrWouldBlock
	}
	s.c.Load().CloseNow()
	return copy(p, s.bytes), nil
}

// everyCall are the calls of a Conn that say how it ended.
func everyCall(ctx context.Context, c *transport.Conn) map[string]func() error {
	return map[string]func() error{
		"Receive": func() error { _, _, err := c.Receive(ctx, nil); return err },
		"Send":    func() error { return c.Send(ctx, frame.Text, make([]byte, 20<<10)) },
		"SendBig": func() error { return c.Send(ctx, frame.Binary, make([]byte, 1<<20)) },
		"Ping":    func() error { _, err := c.Ping(ctx); return err },
		"Reader": func() error {
			_, r, err := c.Reader(ctx)
			if err == nil {
				_, err = io.ReadAll(r)
			}
			return err
		},
		"Writer": func() error {
			w, err := c.Writer(ctx, frame.Text)
			for err == nil {
				_, err = w.Write(make([]byte, 1<<10))
			}
			w.Close()
			return err
		},
		"Close": func() error { return c.Close(frame.NormalClosure, "") },
		"Err":   func() error { <-c.Done(); return c.Err() },
	}
}

// errTrap is how a frail machine fails.
var errTrap = errors.New("the sandbox is gone")

// A frail machine fails when it is told to.
type frail struct {
	mortal
	failed atomic.Bool
	told   bool
	tell   func()
}

func (m *frail) OnFailure(f func()) { m.tell = f }

// fail fails; the driver hears of it in a moment.
func (m *frail) fail() {
	m.failed.Store(true)
	go m.tell()
}

func (m *frail) event(otherwise func() core.Event) core.Event {
	switch {
	case !m.failed.Load():
		return otherwise()
	case m.told:
		return core.Event{}
	}
	m.told = true
	return core.Event{Kind: core.EventFailed, Code: frame.Abnormal}
}

func (m *frail) Recv(now clock.Time, in, scratch []byte) (n int, ev core.Event) {
	n = len(in)
	ev = m.event(func() core.Event {
		var ev core.Event
		n, ev = m.Machine.Recv(now, in, scratch)
		return ev
	})
	return n, ev
}

func (m *frail) RecvEOF(now clock.Time) core.Event {
	return m.event(func() core.Event { return m.Machine.RecvEOF(now) })
}

func (m *frail) Lost(now clock.Time) core.Event {
	return m.event(func() core.Event { return m.Machine.Lost(now) })
}

func (m *frail) Tick(now clock.Time) core.Event {
	return m.event(func() core.Event { return m.Machine.Tick(now) })
}

func (m *frail) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	if m.failed.Load() {
		return dst, core.ErrNotOpen
	}
	return m.Machine.AppendMessage(dst, op, p)
}

func (m *frail) AppendClose(now clock.Time, dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	if m.failed.Load() {
		return dst, core.ErrNotOpen
	}
	return m.Machine.AppendClose(now, dst, code, reason)
}

func (m *frail) Pending() int {
	if m.failed.Load() {
		return 0
	}
	return m.Machine.Pending()
}

func (m *frail) Open() bool { return !m.failed.Load() && m.Machine.Open() }

func (m *frail) Err() error {
	if m.failed.Load() {
		return errTrap
	}
	return m.Machine.Err()
}

func (m *frail) Transport() core.Transport {
	if m.failed.Load() {
		return core.TransportAbort
	}
	return m.Machine.Transport()
}

// brittle returns a Conn with a frail machine, open or in the handshake, and its
// peer.
func brittle(t testing.TB, role core.Role, open bool, size int) (*transport.Conn, *frail, *peer) {
	t.Helper()
	set, clk := settings(t, core.Config{}), real.New()
	m := &frail{}
	var err error
	switch {
	case open:
		m.Machine, err = core.NewOpen(set, clk.Now(), role)
	case role == core.Server:
		m.Machine = core.NewServer(set, clk.Now())
	default:
		m.Machine, err = core.NewClient(set, clk.Now(), core.RequestOptions{Host: "example.com"})
	}
	if err != nil {
		t.Fatal(err)
	}
	a, b := pipe.New(size)
	c := transport.NewConn(m, a, transport.NewAttendant(clk))
	t.Cleanup(func() {
		c.CloseNow()
		if n := m.released.Load(); n != 1 {
			t.Errorf("the machine was released %d times", n)
		}
	})
	return c, m, &peer{t: t, s: b, role: 1 - role}
}

// atOnce checks that no time passes in f.
func atOnce(t testing.TB, f func()) {
	t.Helper()
	if d := took(f); d > 0 {
		t.Errorf("it took %v", d)
	}
}

// A machine that fails ends whatever waits, at once and with its error, and
// the connection is reset.
func TestMachineFailsWhileCallsWait(t *testing.T) {
	for _, role := range roles {
		for name := range everyCall(t.Context(), nil) {
			t.Run(role.String()+"/"+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					const small = 1 << 10 // so that senders wait
					c, m, p := brittle(t, role, true, small)
					result := make(chan error, 1)
					if name == "Send" {
						for range 3 { // fill the queue
							c.Send(t.Context(), frame.Binary, make([]byte, 31<<10))
						}
					}
					go func() { result <- everyCall(t.Context(), c)[name]() }()
					synctest.Wait()
					select {
					case err := <-result:
						t.Fatal("nothing waits:", err)
					default:
					}
					atOnce(t, func() {
						m.fail()
						if err := <-result; err != errTrap {
							t.Errorf("%s: %v", name, err)
						}
						<-c.Done()
					})
					if c.Err() != errTrap {
						t.Error("Err:", c.Err())
					}
					if _, err := p.s.TryWrite([]byte("x")); err != pipe.ErrReset {
						t.Error("the peer writes:", err)
					}
				})
			})
		}
	}
}

// An application that is busy learns of it too, and a message that had come is
// still its.
func TestMachineFailsWhileNobodyWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, m, p := brittle(t, core.Server, true, 0)
		p.write(p.text(nil, "before"))
		time.Sleep(time.Second) // the attendant reads ahead
		atOnce(t, func() {
			m.fail()
			<-c.Done()
		})
		receiveText(t, c, "before")
		for name, call := range everyCall(t.Context(), c) {
			if err := call(); err != errTrap {
				t.Error(name, err)
			}
		}
	})
}

// A call that comes before the failure has been told of ends the connection with
// the same error.
func TestMachineFailsUnnoticed(t *testing.T) {
	calls := everyCall(t.Context(), nil)
	delete(calls, "Err")
	calls["CloseNow"] = nil
	for name := range calls {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, m, p := brittle(t, core.Server, true, 0)
				m.failed.Store(true)
				p.write(p.text(nil, "x")) // or Receive would wait to be told
				p.s.CloseWrite()
				calls := everyCall(t.Context(), c)
				calls["CloseNow"] = func() error { c.CloseNow(); return c.Err() }
				if err := calls[name](); err != errTrap {
					t.Errorf("%s: %v", name, err)
				}
				m.tell()
				m.tell()
				if c.Err() != errTrap {
					t.Error("Err:", c.Err())
				}
			})
		})
	}
}

func TestMachineFailsInTheHandshake(t *testing.T) {
	t.Run("AwaitRequest", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			c, m, p := brittle(t, core.Server, false, 0)
			p.write([]byte(request[:40]))
			time.AfterFunc(time.Second, m.fail)
			if _, err := c.AwaitRequest(t.Context()); err != errTrap {
				t.Error(err)
			}
		})
	})
	for _, step := range []string{"Accept", "Reject"} {
		t.Run(step, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, m, p := brittle(t, core.Server, false, 0)
				p.write([]byte(request))
				r, err := c.AwaitRequest(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				m.fail()
				synctest.Wait()
				if r.Target != "/chat" {
					t.Errorf("the request is for %q now", r.Target)
				}
				if step == "Accept" {
					err = c.Accept(core.AcceptOptions{})
				} else {
					err = c.Reject(core.RejectOptions{})
				}
				if err != errTrap {
					t.Error(err)
				}
			})
		})
	}
	t.Run("AwaitOpen", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			c, m, _ := brittle(t, core.Client, false, 0)
			time.AfterFunc(time.Second, m.fail)
			if o, err := c.AwaitOpen(t.Context()); err != errTrap || o.Response != nil {
				t.Error(o, err)
			}
			if c.Err() != errTrap {
				t.Error("Err:", c.Err())
			}
		})
	})
}

// A machine that has failed before it is driven says so at once.
func TestMachineHasFailedBefore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := &stillborn{}
		m.Machine, _ = core.NewOpen(settings(t, core.Config{}), 0, core.Server)
		m.failed.Store(true)
		a, _ := pipe.New(0)
		c := transport.NewConn(m, a, transport.NewAttendant(real.New()))
		atOnce(t, func() { <-c.Done() })
		if c.Err() != errTrap || m.released.Load() != 1 {
			t.Error(c.Err(), m.released.Load())
		}
	})
}

type stillborn struct{ frail }

func (m *stillborn) OnFailure(f func()) { go f() }

// Whatever is going on when machines fail, every connection ends, and those
// of other machines live on.
func TestMachinesFailUnderLoad(t *testing.T) {
	var all sync.WaitGroup
	for i := range 40 {
		a, b := sockets(t)
		set, clk := settings(t, core.Config{}), real.New()
		m := &frail{}
		m.Machine, _ = core.NewOpen(set, clk.Now(), core.Server)
		srv := transport.NewConn(m, a, transport.NewAttendant(clk))
		cli := open(t, clk, core.Client, core.Config{}, b)
		all.Go(func() {
			if err := echo(srv); !errors.Is(err, errTrap) {
				t.Error("the server ended with", err)
			}
		})
		all.Go(func() {
			for j := 0; ; j++ {
				if i == j {
					go m.fail()
				}
				if err := cli.Send(t.Context(), frame.Binary, make([]byte, 100*j)); err != nil {
					return
				}
				if _, _, err := cli.Receive(t.Context(), nil); err != nil {
					return
				}
			}
		})
		all.Go(func() {
			<-srv.Done()
			if _, _, err := srv.Receive(t.Context(), nil); err != errTrap {
				t.Error("later:", err)
			}
			if n := m.released.Load(); n != 1 {
				t.Errorf("released %d times", n)
			}
		})
	}
	all.Wait()
}
