package websockets_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/internal/leak"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// inBubble runs f in a bubble, with a client of the server; the form must have
// returned when Shutdown has.
func inBubble(t *testing.T, server *websockets.Server, f func(c *websockets.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipe.New(0)
		served := make(chan struct{})
		go func() {
			defer close(served)
			server.ServeStream(context.Background(), ours)
		}()
		c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), theirs, "ws://test/")
		if err != nil {
			t.Fatal(err)
		}
		f(c)
		c.Close(websockets.NormalClosure, "")
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait() // time stands still
		select {
		case <-served:
		default:
			t.Error("Shutdown has returned before the form")
		}
	})
}

// sendAll sends each text as a message.
func sendAll(c *websockets.Conn, texts ...string) {
	for _, s := range texts {
		c.Send(context.Background(), websockets.Text, []byte(s))
	}
}

// want receives the texts, in this order.
func want(t *testing.T, c *websockets.Conn, texts ...string) {
	t.Helper()
	for _, s := range texts {
		_, p, err := c.Receive(context.Background())
		if string(p) != s || err != nil {
			t.Errorf("received %q, %v; want %q", p, err, s)
		}
	}
}

// wantClose receives how the connection was closed and no message before.
func wantClose(t *testing.T, c *websockets.Conn, code websockets.CloseCode) {
	t.Helper()
	_, p, err := c.Receive(context.Background())
	if websockets.CloseStatus(err) != code {
		t.Errorf("received %q, %v; want a close with %v", p, err, code)
	}
}

// nap works on a message for as many seconds as it says and sends it back.
func nap(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	seconds, err := strconv.Atoi(string(m.Data))
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	return c.Send(ctx, m.Type, m.Data)
}

func TestConcurrentIsUnordered(t *testing.T) {
	inBubble(t, websockets.HandleConcurrent(nap, strict()), func(c *websockets.Conn) {
		start := time.Now()
		sendAll(c, "3", "1", "2")
		want(t, c, "1", "2", "3")
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("it took %v, as if one after the other", d)
		}
	})
}

func TestConcurrentInOrder(t *testing.T) {
	o := strict()
	o.Ordered = true
	inBubble(t, websockets.HandleConcurrent(nap, o), func(c *websockets.Conn) {
		start := time.Now()
		sendAll(c, "3", "1", "0", "2", "0")
		want(t, c, "3", "1", "0", "2", "0")
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("it took %v, as if one after the other", d)
		}
	})
}

// Whatever the workers do, the answers to each message stand together, in the
// order of the messages.
func TestConcurrentInOrderByChance(t *testing.T) {
	o := strict()
	o.Ordered, o.Workers = true, 5
	c, err := overPipe(t, websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		for i := range rand.IntN(4) {
			if rand.IntN(2) == 0 {
				runtime.Gosched()
			}
			if err := c.Send(ctx, m.Type, fmt.Appendf(nil, "%s.%d", m.Data, i)); err != nil {
				return err
			}
		}
		return nil
	}, o))(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for i := range 500 {
			sendAll(c, strconv.Itoa(i))
		}
		c.Close(websockets.NormalClosure, "")
	}()
	last := -1.0
	for {
		_, p, err := c.Receive(t.Context())
		if err != nil {
			break
		}
		got, _ := strconv.ParseFloat(string(p), 64)
		if got <= last {
			t.Fatalf("%s after %v", p, last)
		}
		last = got
	}
	if last < 400 {
		t.Errorf("the last answer was %v", last)
	}
}

// At most Workers calls run at once, and what the peer sends meanwhile is not
// taken in without bound: the tenth defect of the library that this one
// descends from.
func TestConcurrentHoldsThePeerBack(t *testing.T) {
	for _, workers := range []int{0, 1, 3} {
		o := strict()
		o.Workers = workers
		var running, most atomic.Int64
		gate := make(chan struct{})
		server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-gate
			return nil
		}, o)
		if workers == 0 {
			workers = 8
		}
		c, err := overPipe(t, server)(t.Context(), "/")
		if err != nil {
			t.Fatal(err)
		}
		const size = 4 << 10
		taken := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			err := c.Send(ctx, websockets.Binary, make([]byte, size))
			cancel()
			if err != nil {
				break
			}
			taken += size
			if taken > 4<<20 {
				t.Fatal("the server takes everything in")
			}
		}
		if got := running.Load(); got != int64(workers) {
			t.Errorf("%d of %d workers are busy", got, workers)
		}
		close(gate)
		c.Close(websockets.NormalClosure, "")
		if most.Load() > int64(workers) {
			t.Errorf("%d calls at once, with %d workers", most.Load(), workers)
		}
	}
}

// The first error ends the others and is what the connection is closed for,
// once they have all returned.
func TestConcurrentFirstErrorEndsTheOthers(t *testing.T) {
	boom := errors.New("boom")
	for _, ordered := range []bool{false, true} {
		var ended atomic.Int64
		reported := make(chan error, 9)
		o := strict()
		o.Ordered = ordered
		o.OnError = func(_ *http.Request, err error) { reported <- err }
		server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
			if string(m.Data) == "fail" {
				time.Sleep(time.Second)
				return boom
			}
			<-ctx.Done()
			time.Sleep(time.Second)
			ended.Add(1)
			if err := c.Send(ctx, m.Type, m.Data); err == nil && ordered {
				t.Error("Send after the end of ctx")
			}
			return ctx.Err()
		}, o)
		inBubble(t, server, func(c *websockets.Conn) {
			start := time.Now()
			if ordered { // a failure waits for its turn
				sendAll(c, "fail", "wait", "wait", "wait")
			} else {
				sendAll(c, "wait", "fail", "wait", "wait")
			}
			for {
				_, _, err := c.Receive(context.Background())
				if err == nil {
					continue
				}
				if websockets.CloseStatus(err) != websockets.InternalError {
					t.Errorf("the client saw %v", err)
				}
				break
			}
			if d := time.Since(start); d != 2*time.Second || ended.Load() != 3 {
				t.Errorf("closed after %v, when %d others had returned", d, ended.Load())
			}
		})
		if len(reported) != 1 || !errors.Is(<-reported, boom) {
			t.Error("what was reported is not the first error, once")
		}
	}
}

// What a worker fails of because the connection has ended does not hide the
// error of another.
func TestConcurrentReportsItsOwnErrors(t *testing.T) {
	boom := errors.New("boom")
	reported := make(chan error, 9)
	o := strict()
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		<-c.Done()
		if string(m.Data) == "send" {
			return c.Send(ctx, websockets.Text, nil)
		}
		time.Sleep(time.Second)
		if ctx.Err() == nil {
			t.Error("ctx has not ended")
		}
		return boom
	}, o)
	inBubble(t, server, func(c *websockets.Conn) {
		sendAll(c, "send", "fail")
		c.Close(websockets.NormalClosure, "")
	})
	if len(reported) != 1 || !errors.Is(<-reported, boom) {
		t.Error("not reported")
	}
}

// The peer's close frame is answered when the work is done: nobody who asks and
// closes then loses an answer.
func TestConcurrentAnswersBeforeTheClose(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		o := strict()
		o.Ordered = ordered
		inBubble(t, websockets.HandleConcurrent(nap, o), func(c *websockets.Conn) {
			start := time.Now()
			sendAll(c, "1", "2", "3")
			closed := make(chan error, 1)
			go func() { closed <- c.Close(4000, "that was all") }()
			want(t, c, "1", "2", "3")
			if err := <-closed; err != nil || time.Since(start) > 4*time.Second {
				t.Errorf("Close: %v, after %v", err, time.Since(start))
			}
		})
	}
}

// Work that takes longer than the close timeout is told that the connection has
// ended, and the Handler waits for it: so whoever waits for ctx alone is not
// there for ever.
func TestConcurrentEndsItsWorkWithTheConnection(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(c *websockets.Conn)
		want time.Duration // until ctx ends
	}{
		"Close":         {func(c *websockets.Conn) { c.Close(4000, "") }, 5 * time.Second},
		"CloseNow":      {func(c *websockets.Conn) { c.CloseNow() }, 0},
		"all are busy":  {func(c *websockets.Conn) { sendAll(c, "2", "3", "4"); synctest.Wait(); c.CloseNow() }, 0},
		"busy at Close": {func(c *websockets.Conn) { sendAll(c, "2", "3", "4"); c.Close(4000, "") }, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var finished atomic.Int64
			o := strict()
			o.Workers = 2
			o.OnError = func(_ *http.Request, err error) { t.Errorf("reported %v", err) }
			var start time.Time
			server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
				<-ctx.Done()
				if d := time.Since(start); d < test.want || d > test.want+time.Second {
					t.Errorf("ctx ended after %v", d)
				}
				time.Sleep(time.Minute)
				finished.Add(1)
				return ctx.Err()
			}, o)
			inBubble(t, server, func(c *websockets.Conn) {
				sendAll(c, "0", "1")
				start = time.Now()
				synctest.Wait()
				test.end(c)
			})
			if finished.Load() < 2 {
				t.Errorf("%d have finished", finished.Load())
			}
		})
	}
}

// Shutdown does not wait for who waits for it.
func TestConcurrentShutdown(t *testing.T) {
	server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		<-ctx.Done()
		return ctx.Err()
	}, strict())
	inBubble(t, server, func(c *websockets.Conn) {
		sendAll(c, "x")
		start := time.Now()
		go c.Receive(context.Background())
		if err := server.Shutdown(context.Background()); err != nil || time.Since(start) > time.Second {
			t.Errorf("%v, after %v", err, time.Since(start))
		}
	})
}

// What the Handler is not called for is closed as always.
func TestConcurrentAcceptHoldsNothing(t *testing.T) {
	server := websockets.HandleConcurrent(nap, strict())
	ours, theirs := pipe.New(0)
	accepted := make(chan *websockets.Conn, 1)
	go func() {
		c, err := server.AcceptStream(context.Background(), ours)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), theirs, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	c := <-accepted
	defer c.CloseNow()
	go c.Receive(t.Context())
	start := time.Now()
	if err := client.Close(4000, ""); err != nil || time.Since(start) > 3*time.Second {
		t.Errorf("%v, after %v", err, time.Since(start))
	}
}

// The wait for the turn to send ends with its context and with the connection.
func TestConcurrentWaitsForItsTurn(t *testing.T) {
	o := strict()
	o.Ordered = true
	waited := make(chan error, 1)
	server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		send := func(ctx context.Context) error { return c.Send(ctx, m.Type, m.Data) }
		switch string(m.Data) {
		case "first":
			time.Sleep(time.Minute)
			return send(ctx)
		case "impatient":
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			start := time.Now()
			if err := send(short); err != context.DeadlineExceeded || time.Since(start) != time.Second {
				t.Errorf("Send with a context that ends: %v, after %v", err, time.Since(start))
			}
			return send(ctx)
		case "elsewhere":
			return send(context.Background()) // has no turn
		case "last":
			err := send(ctx)
			waited <- err
			return err
		}
		return nil
	}, o)
	inBubble(t, server, func(c *websockets.Conn) {
		sendAll(c, "first", "impatient", "silent", "elsewhere")
		want(t, c, "elsewhere", "first", "impatient")
		sendAll(c, "first", "last")
		time.Sleep(time.Second)
		start := time.Now()
		c.CloseNow()
		for len(waited) == 0 && time.Since(start) < time.Minute {
			time.Sleep(time.Second)
		}
		if err := <-waited; !errors.Is(err, websockets.ErrLost) || time.Since(start) > 10*time.Second {
			t.Errorf("Send on a connection that has ended: %v, after %v", err, time.Since(start))
		}
	})
}

// After an error nothing leaves of the messages that come later, and everything
// of the earlier ones.
func TestConcurrentInOrderEndsWithTheError(t *testing.T) {
	boom := errors.New("boom")
	reported := make(chan error, 9)
	o := strict()
	o.Ordered = true
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		if string(m.Data) == "fail" {
			return boom
		}
		return nap(ctx, c, m)
	}, o)
	inBubble(t, server, func(c *websockets.Conn) {
		start := time.Now()
		sendAll(c, "2", "1", "fail", "0", "1", "0")
		want(t, c, "2", "1")
		wantClose(t, c, websockets.InternalError)
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
	if len(reported) != 1 || !errors.Is(<-reported, boom) {
		t.Error("not reported, once")
	}
}

// A failure that waits for its turn does not wait longer than the connection.
func TestConcurrentInOrderFailsAtTheEnd(t *testing.T) {
	boom := errors.New("boom")
	reported := make(chan error, 9)
	o := strict()
	o.Ordered = true
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		if string(m.Data) == "fail" {
			return boom
		}
		<-ctx.Done()
		return ctx.Err()
	}, o)
	inBubble(t, server, func(c *websockets.Conn) {
		sendAll(c, "wait", "fail")
		start := time.Now()
		synctest.Wait()
		c.CloseNow()
		server.Shutdown(context.Background())
		if d := time.Since(start); d > time.Second {
			t.Errorf("it took %v", d)
		}
	})
	if len(reported) != 1 || !errors.Is(<-reported, boom) {
		t.Error("not reported, once")
	}
}

// Who sends after the work on its message has returned waits for nobody.
func TestConcurrentInOrderLateSender(t *testing.T) {
	o := strict()
	o.Ordered = true
	server := websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		if string(m.Data) != "leaves" {
			return nap(ctx, c, m)
		}
		go c.Send(ctx, websockets.Text, []byte("late"))
		time.Sleep(time.Second)
		return nil
	}, o)
	inBubble(t, server, func(c *websockets.Conn) {
		start := time.Now()
		sendAll(c, "3", "leaves")
		want(t, c, "late")
		if d := time.Since(start); d != time.Second {
			t.Errorf("it was sent after %v", d)
		}
		want(t, c, "3")
	})
}

// A connection that waits has no goroutine but the one that receives.
func TestConcurrentLeavesNoGoroutineBehind(t *testing.T) {
	c, err := overPipe(t, websockets.HandleConcurrent(mine{}.OnMessage, strict()))(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(websockets.NormalClosure, "")
	for range 20 {
		sendAll(c, "x")
	}
	for range 20 {
		want(t, c, "x")
	}
	for range 100 {
		if strings.Count(leak.Stacks(), "(*crew).work(") == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error(leak.Stacks())
}

func TestWorkersAreValidated(t *testing.T) {
	for workers, valid := range map[int]bool{-1: false, 0: true, 1: true, 1 << 16: true, 1<<16 + 1: false} {
		o := strict()
		o.Workers = workers
		if err := o.Validate(); (err == nil) != valid || err != nil && !strings.Contains(err.Error(), "Workers") {
			t.Errorf("%d: %v", workers, err)
		}
	}
}

func BenchmarkHandleConcurrent(b *testing.B) {
	for _, ordered := range []bool{false, true} {
		b.Run(fmt.Sprintf("ordered=%v", ordered), func(b *testing.B) {
			o := strict()
			o.Ordered = ordered
			var all sync.WaitGroup
			server := websockets.HandleConcurrent(func(context.Context, *websockets.Conn, websockets.Message) error {
				all.Done()
				return nil
			}, o)
			ours, theirs := pipe.New(0)
			go server.ServeStream(context.Background(), ours)
			c, err := (&websockets.Dialer{Options: strict()}).DialStream(b.Context(), theirs, "ws://test/")
			if err != nil {
				b.Fatal(err)
			}
			defer c.CloseNow()
			p := make([]byte, 16)
			b.ReportAllocs()
			for b.Loop() {
				all.Add(1)
				if err := c.Send(b.Context(), websockets.Binary, p); err != nil {
					b.Fatal(err)
				}
			}
			all.Wait()
		})
	}
}
