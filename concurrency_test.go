package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// connected returns the two ends of a connection over TCP.
func connected(t *testing.T, o *websockets.Options) (server, client *websockets.Conn) {
	t.Helper()
	accepted := make(chan *websockets.Conn)
	done := make(chan struct{})
	h := websockets.Handle(func(_ context.Context, c *websockets.Conn) error {
		accepted <- c
		<-done
		return nil
	}, o)
	url := serve(t, h)
	client = dial(t, url, o)
	server = <-accepted
	t.Cleanup(func() {
		close(done)
		server.CloseNow()
		client.CloseNow()
		h.Shutdown(context.Background())
	})
	return server, client
}

// A hundred goroutines send on one end, in every way, while the other end does
// the same: each message arrives once and whole, those of one goroutine in order.
func TestHundredSendersOnOneConn(t *testing.T) {
	server, client := connected(t, strict())
	var all sync.WaitGroup
	for _, ends := range [][2]*websockets.Conn{{client, server}, {server, client}} {
		all.Go(func() { sendFromHundred(t, ends[0]) })
		all.Go(func() { receiveFromHundred(t, ends[1]) })
	}
	all.Wait()
}

const senders, messagesEach = 100, 30

func sendFromHundred(t *testing.T, c *websockets.Conn) {
	var all sync.WaitGroup
	defer all.Wait()
	for i := range senders {
		all.Go(func() {
			for n := range messagesEach {
				body := fmt.Sprintf(`"%d/%d/%s"`, i, n, strings.Repeat("x", i*n))
				if err := sendSomehow(t.Context(), c, i, body); err != nil {
					t.Errorf("sender %d: %v", i, err)
					return
				}
			}
		})
	}
}

// sendSomehow sends the JSON text body as sender i does.
func sendSomehow(ctx context.Context, c *websockets.Conn, i int, body string) error {
	switch i % 5 {
	case 0:
		w, err := c.Writer(ctx, websockets.Text)
		if err != nil {
			return err
		}
		io.WriteString(w, body[:3])
		io.WriteString(w, body[3:])
		return w.Close()
	case 1:
		return c.SendJSON(ctx, strings.Trim(body, `"`))
	case 2:
		m, err := websockets.NewPrepared(websockets.Text, []byte(body))
		if err != nil {
			return err
		}
		return c.SendPrepared(ctx, m)
	case 3:
		if _, err := c.Ping(ctx); err != nil {
			return err
		}
	}
	return c.Send(ctx, websockets.Text, []byte(body))
}

func receiveFromHundred(t *testing.T, c *websockets.Conn) {
	next := make([]int, senders)
	for range senders * messagesEach {
		var body string
		if err := c.ReceiveJSON(t.Context(), &body); err != nil {
			t.Error(err)
			return
		}
		var i, n int
		fmt.Sscanf(body, "%d/%d/", &i, &n)
		if want := fmt.Sprintf("%d/%d/%s", i, next[i], strings.Repeat("x", i*n)); body != want {
			t.Errorf("received %.30q, want %.30q", body, want)
			return
		}
		next[i]++
	}
}

// Cancelling one Receive of many costs no message, whichever one is cancelled,
// and whatever has come of a message.
func TestCancelOneReceiveOfMany(t *testing.T) {
	server, client := connected(t, strict())
	const receivers = 10
	var mu sync.Mutex
	got := make(map[string]int)
	for round := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range receivers {
			ctx := ctx
			if i != round%receivers {
				ctx = t.Context()
			}
			all.Go(func() {
				_, p, err := server.Receive(ctx)
				if err != nil && (err != context.Canceled || ctx == t.Context()) {
					t.Error(err)
				}
				if err == nil {
					mu.Lock()
					got[string(p)]++
					mu.Unlock()
				}
			})
		}
		w, err := client.Writer(t.Context(), websockets.Text)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, fmt.Sprint(round))
		cancel()
		io.WriteString(w, "/0")
		w.Close()
		for n := range receivers - 2 {
			client.Send(t.Context(), websockets.Text, fmt.Appendf(nil, "%d/%d", round, n+1))
		}
		// One more is there for whoever was not cancelled in time.
		client.Send(t.Context(), websockets.Text, []byte("spare"))
		all.Wait()
		mu.Lock()
		spare := got["spare"]
		delete(got, "spare")
		mu.Unlock()
		if spare == 0 {
			if _, p, err := server.Receive(t.Context()); err != nil || string(p) != "spare" {
				t.Errorf("%q, %v", p, err)
			}
		}
	}
	for round := range 20 {
		for n := range receivers - 1 {
			if k := fmt.Sprintf("%d/%d", round, n); got[k] != 1 {
				t.Errorf("message %s came %d times", k, got[k])
			}
		}
	}
}

// A context that expires in the middle of a streamed send: the rest goes out with
// another one, or the message is given up, and then the peer, which has a part of
// it, hears 1011 and never takes that for a message.
func TestContextExpiresWithinAStreamedSend(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 2_000_000)
	begin := func(t *testing.T) (w websockets.Writer, server, client *websockets.Conn, sent int) {
		o := strict()
		o.MaxMessageSize, o.MaxFrameSize = -1, -1
		server, client = connected(t, o)
		w, err := client.Writer(t.Context(), websockets.Text)
		if err != nil {
			t.Fatal(err)
		}
		for patience := 50 * time.Millisecond; sent == 0; patience *= 2 {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			w = w.WithContext(ctx)
			if sent, err = w.Write(body); err != context.DeadlineExceeded { // more than all buffers on the way take
				t.Fatal(sent, err)
			}
		}
		return w, server, client, sent
	}
	t.Run("GoesOn", func(t *testing.T) {
		w, server, client, sent := begin(t)
		go func() {
			w := w.WithContext(context.Background())
			if _, err := w.Write(body[sent:]); err != nil {
				t.Error(err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			client.Send(context.Background(), websockets.Text, []byte("next"))
		}()
		for _, want := range [][]byte{body, []byte("next")} {
			if _, p, err := server.Receive(t.Context()); err != nil || !bytes.Equal(p, want) {
				t.Error(len(p), err)
			}
		}
	})
	t.Run("GivenUp", func(t *testing.T) {
		w, server, client, _ := begin(t)
		if err := w.Close(); err != context.DeadlineExceeded {
			t.Error(err)
		}
		if _, _, err := server.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
			t.Error("the peer:", err)
		}
		if err := client.Send(t.Context(), websockets.Text, nil); !errors.Is(err, websockets.ErrClosed) {
			t.Error("sending on:", err)
		}
	})
	t.Run("WholeMessageUnharmed", func(t *testing.T) {
		o := strict()
		o.MaxMessageSize, o.MaxFrameSize = -1, -1
		server, client := connected(t, o)
		for patience := 50 * time.Millisecond; client.Stats().MessagesSent == 0; patience *= 2 {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := client.Send(ctx, websockets.Binary, body); err != context.DeadlineExceeded {
				t.Fatal(err)
			}
		}
		go client.Send(context.Background(), websockets.Text, []byte("next"))
		for _, want := range [][]byte{body, []byte("next")} {
			if _, p, err := server.Receive(t.Context()); err != nil || !bytes.Equal(p, want) {
				t.Fatal(len(p), err)
			}
		}
	})
}

// Close from three goroutines while two receive: all return, in time, with how
// the connection ended.
func TestCloseFromThreeWhileTwoReceive(t *testing.T) {
	for _, side := range []string{"server", "client"} {
		t.Run(side, func(t *testing.T) {
			a, b := connected(t, strict())
			if side == "client" {
				a, b = b, a
			}
			heard := make(chan error, 1)
			go func() {
				_, _, err := b.Receive(context.Background())
				heard <- err
			}()
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					_, _, err := a.Receive(t.Context())
					if e, ok := errors.AsType[*websockets.Error](err); !ok || e.Kind != websockets.ErrClosed || e.Code != 4000 || e.Remote {
						t.Error("a receiver:", err)
					}
				})
			}
			start := time.Now()
			for range 3 {
				all.Go(func() {
					if err := a.Close(4000, "enough"); err != nil {
						t.Error("a closer:", err)
					}
				})
			}
			all.Wait()
			if d := time.Since(start); d > 3*time.Second {
				t.Error("took", d)
			}
			e, ok := errors.AsType[*websockets.Error](<-heard)
			if !ok || e.Code != 4000 || e.Reason != "enough" || !e.Remote {
				t.Error("the peer:", e)
			}
		})
	}
}
