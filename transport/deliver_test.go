package transport_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A host answers requests, collects messages, and notes the end.
type host struct {
	c      *transport.Conn
	answer func(c *transport.Conn, r *core.Request) bool
	got    []string
	ended  []error
}

func (h *host) Answer(r *core.Request) bool { return h.answer(h.c, r) }

func (h *host) Message(_ frame.Opcode, p []byte) bool {
	h.got = append(h.got, string(p))
	return string(p) != "enough"
}

func (h *host) End(err error) { h.ended = append(h.ended, err) }

func accept(c *transport.Conn, r *core.Request) bool {
	return r.Target == "/chat" && c.Accept(core.AcceptOptions{}) == nil
}

// A handshake that is left to Deliver leads to messages, wherever the input is cut.
func TestDeliverFromTheHandshakeOn(t *testing.T) {
	for _, detach := range []bool{false, true} {
		for _, cut := range []int{0, 1, len(request) - 1, len(request), len(request) + 3, len(request) + 20} {
			bubble(t, func(t *testing.T) {
				c, p := server(t, core.Config{})
				wire := p.text(p.text([]byte(request), "first"), "second")
				p.write(wire[:cut])
				h := &host{c: c, answer: accept}
				c.Deliver(h, transport.DeliverOptions{Lend: true, Detach: detach})
				synctest.Wait()
				p.write(wire[cut:])
				synctest.Wait()
				if strings.Join(h.got, " ") != "first second" {
					t.Errorf("detach %v, cut at %d: %q", detach, cut, h.got)
				}
				if answer := string(p.there()); !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
					t.Errorf("the answer is %q", answer)
				}
				c.CloseNow()
				synctest.Wait()
				if len(h.ended) != 1 || h.ended[0] != transport.ErrClosed {
					t.Errorf("it ended %v", h.ended)
				}
			})
		}
	}
}

// A handshake that comes to nothing ends the delivery once, and what the machine has not
// answered can still be.
func TestDeliverWithoutAHandshake(t *testing.T) {
	reject := func(c *transport.Conn, r *core.Request) bool {
		go c.Reject(core.RejectOptions{Status: 403})
		return false
	}
	for name, test := range map[string]struct {
		send   string
		answer func(*transport.Conn, *core.Request) bool
		status string
		err    error
	}{
		"rejected":      {request, reject, "403", nil},
		"not answered":  {request, func(*transport.Conn, *core.Request) bool { return true }, "", core.ErrNotOpen},
		"not a request": {"nonsense\r\n\r\n", nil, "400", core.ErrBadRequest},
		"too late":      {"GET", nil, "408", core.ErrHandshakeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := server(t, core.Config{})
				h := &host{c: c, answer: test.answer}
				c.Deliver(h, transport.DeliverOptions{Detach: true})
				p.write([]byte(test.send))
				time.Sleep(20 * time.Second)
				synctest.Wait()
				answer := string(p.there())
				if !strings.Contains(answer, test.status) {
					t.Errorf("the answer is %q", answer)
				}
				if len(h.ended) != 1 || !errors.Is(h.ended[0], test.err) {
					t.Errorf("it ended %v, want %v", h.ended, test.err)
				}
			})
		})
	}
}

// Only an Answerer takes a server's handshake over.
func TestDeliverInTheHandshake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := server(t, core.Config{})
		h := &host{}
		c.Deliver(struct{ transport.Sink }{h}, transport.DeliverOptions{})
		c, _ = client(t, core.Config{}, core.RequestOptions{Host: "x"})
		c.Deliver(h, transport.DeliverOptions{})
		if len(h.ended) != 2 || h.ended[0] != core.ErrNotOpen || h.ended[1] != core.ErrNotOpen {
			t.Errorf("they ended %v", h.ended)
		}
	})
}

// An Answerer that panics or ends its goroutine leaves the turn to receive to others.
func TestDeliverToAnAnswererThatPanics(t *testing.T) {
	for name, answer := range map[string]func(*transport.Conn, *core.Request) bool{
		"panic": func(*transport.Conn, *core.Request) bool { panic("boom") },
		"exit":  func(*transport.Conn, *core.Request) bool { runtime.Goexit(); return true },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := server(t, core.Config{})
				p.write(p.text([]byte(request), "first"))
				go func() {
					defer func() { recover() }()
					c.Deliver(&host{c: c, answer: answer}, transport.DeliverOptions{Wait: true})
				}()
				synctest.Wait()
				if err := c.Accept(core.AcceptOptions{}); err != nil {
					t.Fatal(err)
				}
				receiveText(t, c, "first")
			})
		})
	}
}

// Over a stream of a poller no goroutine waits for the end of the input, and End is called
// when it has come: the carrier has been released then.
func TestDeliverToTheEndOfTheInput(t *testing.T) {
	for name, finish := range map[string]func(t *testing.T, p *peer){
		"at once":   func(t *testing.T, p *peer) { p.s.CloseWrite() },
		"talks on":  func(t *testing.T, p *peer) { p.write(p.text(p.text(nil, "late"), "later")); p.s.CloseWrite() },
		"by a cut":  func(t *testing.T, p *peer) { p.s.Abort() },
		"too late":  func(t *testing.T, p *peer) { time.Sleep(6 * time.Second) },
		"violation": func(t *testing.T, p *peer) { p.write([]byte("\xff\xff\xff\xff")); p.s.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := against(t, core.Server, core.Config{})
				h := &host{c: c}
				c.Deliver(h, transport.DeliverOptions{Lend: true})
				p.write(p.text(nil, "one"))
				p.write(p.closing(frame.NormalClosure))
				synctest.Wait()
				if n := runtime.NumGoroutine(); strings.Contains(stacks(), "transport.(*Conn)") {
					t.Errorf("one of %d goroutines waits:\n%s", n, stacks())
				}
				if len(h.ended) > 0 || c.Err() == nil {
					t.Errorf("it ended %v before the input, %v", h.ended, c.Err())
				}
				finish(t, p)
				synctest.Wait()
				e, ok := errors.AsType[*transport.CloseError](errors.Join(h.ended...))
				if len(h.ended) != 1 || !ok || e.Code != frame.NormalClosure {
					t.Errorf("it ended %v", h.ended)
				}
				if took(func() { c.Close(frame.NormalClosure, "") }) > 0 {
					t.Error("the carrier was not released")
				}
				if len(h.got) != 1 {
					t.Errorf("the messages are %q", h.got)
				}
			})
		})
	}
}

// A Close that waits meanwhile is told when that is over.
func TestDeliverWhileClosing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		h := &host{c: c}
		c.Deliver(h, transport.DeliverOptions{})
		closed := make(chan error, 1)
		go func() { closed <- c.Close(frame.NormalClosure, "") }()
		synctest.Wait()
		p.write(p.closing(frame.NormalClosure))
		synctest.Wait()
		if len(closed) > 0 || len(h.ended) > 0 {
			t.Error("it is over before the end of the input")
		}
		p.s.CloseWrite()
		synctest.Wait()
		if len(closed) != 1 || len(h.ended) != 1 {
			t.Fatalf("Close has returned %d times, End was called %d times", len(closed), len(h.ended))
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// Who receives what a Sink gets is told so, and not left waiting for ever.
func TestReceiveWhatIsDelivered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		waits, cancel := context.WithCancel(t.Context())
		go func() {
			_, _, _ = c.Receive(waits, nil) // it has the turn before Deliver
		}()
		synctest.Wait()
		h := &host{c: c}
		go c.Deliver(h, transport.DeliverOptions{})
		synctest.Wait()
		late := make(chan error, 1)
		go func() {
			_, _, err := c.Receive(t.Context(), nil) // and this one after it
			late <- err
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if _, _, err := c.Receive(t.Context(), nil); err != transport.ErrDelivering {
			t.Errorf("Receive: %v", err)
		}
		if _, _, err := c.Reader(t.Context()); err != transport.ErrDelivering {
			t.Errorf("Reader: %v", err)
		}
		second := &host{}
		c.Deliver(second, transport.DeliverOptions{})
		if len(second.ended) != 1 || second.ended[0] != transport.ErrDelivering {
			t.Errorf("Deliver: %v", second.ended)
		}
		p.write(p.text(nil, "one"))
		synctest.Wait()
		p.s.Abort()
		synctest.Wait()
		if err := <-late; !errors.Is(err, core.ErrLost) {
			t.Errorf("who waited already: %v", err)
		}
		if _, _, err := c.Receive(t.Context(), nil); !errors.Is(err, core.ErrLost) {
			t.Errorf("after the end: %v", err)
		}
		if len(h.got) != 1 || len(h.ended) != 1 {
			t.Errorf("the Sink got %q and was told %v", h.got, h.ended)
		}
	})
}

// stacks returns what the goroutines of the bubble are at.
func stacks() string {
	buf := make([]byte, 1<<20)
	all := string(buf[:runtime.Stack(buf, true)])
	var own []string
	for _, g := range strings.Split(all, "\n\n") {
		if strings.Contains(strings.SplitN(g, "\n", 2)[0], "bubble") {
			own = append(own, g)
		}
	}
	return strings.Join(own, "\n\n")
}

// Messages that come together come in order, whole, and the bounds of a batch show nowhere.
func TestDeliverManyTogether(t *testing.T) {
	for _, lend := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			c, p := against(t, core.Server, core.Config{})
			h := &host{c: c}
			c.Deliver(h, transport.DeliverOptions{Lend: lend})
			var wire []byte
			var want []string
			for i := range 500 {
				s := strings.Repeat(string(rune('a'+i%26)), i%7)
				want = append(want, s)
				if i%50 == 49 { // in two pieces, with a ping between
					wire = p.frame(wire, frame.Text, false, []byte(s))
					wire = p.frame(wire, frame.Ping, true, nil)
					wire = p.frame(wire, frame.Continuation, true, nil)
					continue
				}
				wire = p.text(wire, s)
			}
			wire = p.text(p.text(wire, "enough"), "too much")
			p.write(wire)
			synctest.Wait()
			if got := strings.Join(h.got, ","); got != strings.Join(append(want, "enough"), ",") {
				t.Errorf("%d messages, %q", len(h.got), got)
			}
			if len(h.ended) != 1 || h.ended[0] != nil {
				t.Errorf("it ended %v", h.ended)
			}
		})
	}
}

// A goroutine that waits for messages of a socket is replaced when there have been none for
// long, which depends on how often they came before.
func TestSleepersPatience(t *testing.T) {
	for every, stays := range map[time.Duration]time.Duration{10 * time.Millisecond: 500 * time.Millisecond, time.Second: 4 * time.Second} {
		bubble(t, func(t *testing.T) {
			a, b := pipe.New(0)
			s := &sleeper{Stream: a}
			c := open(t, real.New(), core.Server, core.Config{}, s)
			p := &peer{t: t, s: b, role: core.Client}
			c.Deliver(&host{c: c}, transport.DeliverOptions{Lend: true})
			for range 4 {
				p.write(p.text(nil, "one"))
				time.Sleep(every)
				synctest.Wait()
			}
			before := s.slept.Load()
			time.Sleep(stays - every)
			synctest.Wait()
			if s.slept.Load() != before {
				t.Errorf("every %v: it was replaced within %v", every, stays)
			}
			time.Sleep(6*time.Second - stays)
			synctest.Wait()
			if s.slept.Load() != before+1 {
				t.Errorf("every %v: it sleeps %d times more in 6 s, want once", every, s.slept.Load()-before)
			}
			p.write(p.text(nil, "again"))
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if s.slept.Load() != before+2 {
				t.Errorf("every %v: it sleeps %d times more after another message, want once", every, s.slept.Load()-before-1)
			}
		})
	}
}

// A sleeper is one end of a pipe as a Sleeper.
type sleeper struct {
	transport.Stream
	slept atomic.Int32
}

func (s *sleeper) Sleep() error {
	s.slept.Add(1)
	woken := make(waker)
	if s.Stream.(transport.Polled).WhenReadable(woken) {
		<-woken
	}
	return nil
}

type waker chan struct{}

func (w waker) Wake() { close(w) }

// keeper is a Sink that holds its first message until it is told to let go.
type keeper struct{ got, let chan struct{} }

func (l keeper) Message(frame.Opcode, []byte) bool {
	select {
	case <-l.let:
	default:
		close(l.got)
		<-l.let
	}
	return true
}

func (keeper) End(error) {}

// While a Sink has a message that was lent, Close reads into other memory.
func TestCloseReadsBesideALoan(t *testing.T) {
	for range 50 {
		a, b := pipe.New(0)
		c := open(t, real.New(), core.Server, core.Config{}, a)
		p := &peer{t: t, s: b, role: core.Client}
		l := keeper{make(chan struct{}), make(chan struct{})}
		over := make(chan struct{})
		p.write(p.text(nil, "lent"))
		go func() {
			c.Deliver(l, transport.DeliverOptions{Lend: true, Wait: true})
			close(over)
		}()
		<-l.got
		go c.Close(1000, "")
		go func() {
			for range 20 {
				p.write(p.text(nil, "more"))
				runtime.Gosched()
			}
			p.write(p.closing(1000))
			p.s.CloseWrite()
		}()
		runtime.Gosched()
		close(l.let)
		<-over
	}
}

// A holder is a Sink that holds its first message, and looks whether it changes.
type holder struct {
	t   *testing.T
	let chan struct{}
	n   int
}

func (h *holder) Message(_ frame.Opcode, p []byte) bool {
	if h.n++; h.n == 1 {
		was := string(p)
		<-h.let
		if string(p) != was {
			h.t.Errorf("a lent message has changed: %q", p)
		}
	}
	return true
}

func (h *holder) End(error) {}

// While a Sink has a message that was lent, the attendant reads into other memory.
func TestReadAheadLeavesALoan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		c := open(t, real.New(), core.Server, core.Config{}, a)
		p := &peer{t: t, s: b, role: core.Client}
		h := &holder{t: t, let: make(chan struct{})}
		p.write(p.text(nil, "lent"))
		go c.Deliver(h, transport.DeliverOptions{Lend: true, Wait: true})
		synctest.Wait()
		for range 4 {
			p.write(p.text(nil, "overwritten, more than once, by what follows"))
			time.Sleep(time.Second)
		}
		close(h.let)
		synctest.Wait()
		if h.n != 5 {
			t.Errorf("%d messages have come, want 5", h.n)
		}
	})
}
