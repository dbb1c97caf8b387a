package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func wantClose(t *testing.T, c *websockets.Conn, code websockets.CloseCode, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, p, err := c.Receive(ctx)
	e, ok := err.(*websockets.Error)
	if !ok || websockets.CloseStatus(err) != code || e.Reason != reason {
		t.Errorf("got %.100q, %v, want a close with %v %q", p, err, code, reason)
	}
}

// both runs a test once in each direction.
func both(t *testing.T, test func(t *testing.T, from, to *websockets.Conn)) {
	t.Run("client to server", func(t *testing.T) {
		client, server := ends(t)
		test(t, client, server)
	})
	t.Run("server to client", func(t *testing.T) {
		client, server := ends(t)
		test(t, server, client)
	})
}

func TestCloseCodes(t *testing.T) {
	for _, test := range []struct {
		code   websockets.CloseCode
		reason string
	}{
		{websockets.NormalClosure, ""},
		{websockets.NormalClosure, "bye"},
		{websockets.GoingAway, "the page is left"},
		{websockets.ProtocolError, "no"},
		{websockets.NoStatus, ""},
		{websockets.InvalidData, ""},
		{websockets.PolicyViolation, "not here"},
		{websockets.InternalError, ""},
		{websockets.TryAgainLater, "later"},
		{websockets.BadGateway, ""},
		{3000, ""},
		{4001, "wörld"},
		{4999, string(bytes.Repeat([]byte("x"), 123))},
	} {
		t.Run(test.code.String(), func(t *testing.T) {
			both(t, func(t *testing.T, from, to *websockets.Conn) {
				if err := to.Send(t.Context(), websockets.Text, []byte("on the way")); err != nil {
					t.Fatal(err)
				}
				go from.Close(test.code, test.reason)
				wantClose(t, to, test.code, test.reason)
			})
		})
	}
}

// Who closes still hears what the other end says until it answers, and the
// answer is the other end's own.
func TestLastWords(t *testing.T) {
	both(t, func(t *testing.T, from, to *websockets.Conn) {
		closed := make(chan error, 1)
		go func() { closed <- from.Close(websockets.NormalClosure, "") }()
		if err := to.Send(t.Context(), websockets.Text, []byte("last words")); err != nil && !errors.Is(err, websockets.ErrClosed) {
			t.Error(err)
		}
		wantClose(t, to, websockets.NormalClosure, "")
		to.CloseNow()
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
	t.Run("behind an echo", func(t *testing.T) {
		client, server := ends(t)
		go func() {
			for m, err := range server.Messages(context.Background()) {
				if err != nil || server.Send(context.Background(), m.Type, m.Data) != nil {
					return
				}
			}
			server.CloseNow()
		}()
		const many = 100
		for range many {
			if err := client.Send(t.Context(), websockets.Binary, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		closed := make(chan error, 1)
		go func() { closed <- client.Close(websockets.NormalClosure, "") }()
		got := 0
		for _, err := range client.Messages(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got++
		}
		if err := <-closed; got != many || err != nil {
			t.Errorf("%d of %d came back, %v", got, many, err)
		}
	})
}

// Two ends that answer a close frame in their own time, with a code of their
// own; and one that does not answer at all: then the proxy does, with the code
// that it was sent or with that of a loss, as both are due at the same time.
func TestAnswers(t *testing.T) {
	holding := websockets.Strict()
	holding.HoldClose, holding.CloseTimeout = true, time.Minute
	for name, test := range map[string]struct {
		answer websockets.CloseCode // 0: none
		codes  []websockets.CloseCode
		after  time.Duration
	}{
		"another code": {4001, []websockets.CloseCode{4001}, time.Second},
		"none":         {0, []websockets.CloseCode{4000, websockets.BadGateway, websockets.InternalError}, 5 * time.Second},
	} {
		for _, serverCloses := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, serverCloses %v", name, serverCloses), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, ours := joined(t, holding, unlimited())
					theirs, server := joined(t, unlimited(), holding)
					go newProxy(&url.URL{}).join(ours, theirs)
					from, to := client, server
					if serverCloses {
						from, to = server, client
					}
					begin := time.Now()
					go from.Close(4000, "first")
					wantClose(t, to, 4000, "first")
					time.Sleep(time.Second)
					if err := to.Send(t.Context(), websockets.Text, []byte("last words")); err != nil {
						t.Error(err)
					}
					if test.answer != 0 {
						go to.Close(test.answer, "second")
					}
					if _, p, err := from.Receive(t.Context()); err != nil || string(p) != "last words" {
						t.Errorf("got %q, %v", p, err)
					}
					_, _, err := from.Receive(t.Context())
					if code := websockets.CloseStatus(err); !slices.Contains(test.codes, code) || time.Since(begin) != test.after {
						t.Errorf("after %v: %v, want %v after %v", time.Since(begin), err, test.codes, test.after)
					}
					to.CloseNow()
				})
			})
		}
	}
}

// A connection that is lost is told of with a code that can be on the wire.
func TestLosses(t *testing.T) {
	t.Run("the server", func(t *testing.T) {
		client, server := ends(t)
		server.CloseNow()
		wantClose(t, client, websockets.BadGateway, "the server behind the proxy was lost")
	})
	t.Run("the client", func(t *testing.T) {
		client, server := ends(t)
		client.CloseNow()
		wantClose(t, server, websockets.InternalError, "the client was lost")
	})
}

// The close frame stands in the middle of a message.
func TestCloseInTheMiddle(t *testing.T) {
	both(t, func(t *testing.T, from, to *websockets.Conn) {
		w, err := from.Writer(t.Context(), websockets.Text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("to be contin")); err != nil {
			t.Fatal(err)
		}
		_, r, err := to.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go from.Close(4002, "interrupted")
		p, err := io.ReadAll(r)
		if websockets.CloseStatus(err) != 4002 || string(p) != "to be contin" {
			t.Errorf("got %q, %v, want a close with 4002", p, err)
		}
	})
}

func TestMessages(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	both(t, func(t *testing.T, from, to *websockets.Conn) {
		messages := []websockets.Message{
			{Type: websockets.Text, Data: []byte("wörld")},
			{Type: websockets.Binary, Data: []byte{0, 255}},
			{Type: websockets.Text, Data: []byte{}},
			{Type: websockets.Binary, Data: large},
			{Type: websockets.Text, Data: large[:100]},
		}
		go func() {
			for _, m := range messages {
				from.Send(t.Context(), m.Type, m.Data)
			}
			from.Close(websockets.NormalClosure, "that was all")
		}()
		for _, m := range messages {
			typ, p, err := to.Receive(t.Context())
			if err != nil || typ != m.Type || !bytes.Equal(p, m.Data) {
				t.Fatalf("got %v of %d bytes, %v, want %v of %d", typ, len(p), err, m.Type, len(m.Data))
			}
		}
		wantClose(t, to, websockets.NormalClosure, "that was all")
	})
}

// Each fragment passes before the next one comes.
func TestFragmentsPassAtOnce(t *testing.T) {
	both(t, func(t *testing.T, from, to *websockets.Conn) {
		w, err := from.Writer(t.Context(), websockets.Text)
		if err != nil {
			t.Fatal(err)
		}
		fragments := []string{"one", "a cut \xc3", "\xb6", string(bytes.Repeat([]byte("large"), 50_000)), "last"}
		var r websockets.Reader
		for i, fragment := range fragments {
			if _, err := w.Write([]byte(fragment)); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				if _, r, err = to.Reader(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]byte, len(fragment))
			if n, err := io.ReadFull(r, got); err != nil || string(got) != fragment {
				t.Fatalf("got %.100q, %v, want %.100q", got[:n], err, fragment)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
			t.Errorf("got %q, %v, want the end", rest, err)
		}
	})
}

// One who does not read makes the sender at the other end wait; the proxy keeps
// next to nothing.
func TestSlowReader(t *testing.T) {
	both(t, func(t *testing.T, from, to *websockets.Conn) {
		message := make([]byte, 1<<18)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		sent := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			err := from.Send(ctx, websockets.Binary, message)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if sent++; sent > 400 {
				t.Fatal("100 MiB were taken that nobody reads")
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 3<<20 {
			t.Errorf("%d bytes are kept for %d that nobody reads", grown, sent*len(message))
		}
		for range sent {
			if _, p, err := to.Receive(t.Context()); err != nil || !bytes.Equal(p, message) {
				t.Fatalf("got %d bytes, %v", len(p), err)
			}
		}
	})
}

// What a closed end would not read any more is thrown away at once.
func TestNobodyWaitsForWhatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ours := joined(t, websockets.Strict(), unlimited())
		theirs, server := joined(t, unlimited(), websockets.Strict())
		ended := make(chan struct{})
		go func() {
			newProxy(&url.URL{}).join(ours, theirs)
			close(ended)
		}()
		go client.Send(t.Context(), websockets.Binary, make([]byte, 1<<20))
		synctest.Wait()
		begin := time.Now()
		server.CloseNow()
		wantClose(t, client, websockets.BadGateway, "the server behind the proxy was lost")
		<-ended
		if took := time.Since(begin); took > 600*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// joined returns the two ends of a connection in memory.
func joined(t *testing.T, dialling, accepting *websockets.Options) (client, server *websockets.Conn) {
	t.Helper()
	a, b := pipe.New(0)
	accepted := make(chan *websockets.Conn)
	go func() {
		c, _ := (&websockets.Server{Options: accepting}).AcceptStream(t.Context(), b)
		accepted <- c
	}()
	client, err := (&websockets.Dialer{Options: dialling}).DialStream(t.Context(), a, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() {
		client.CloseNow()
		server.CloseNow()
	})
	return client, server
}

// The two ends talk at the same time, all they can.
func TestBothWaysAtOnce(t *testing.T) {
	client, server := ends(t)
	go func() {
		for {
			typ, p, err := server.Receive(t.Context())
			if err != nil || server.Send(t.Context(), typ, p) != nil {
				return
			}
		}
	}()
	const many = 500
	go func() {
		for i := range many {
			client.Send(t.Context(), websockets.Binary, bytes.Repeat([]byte{byte(i)}, i*40))
		}
	}()
	for i := range many {
		_, p, err := client.Receive(t.Context())
		if err != nil || !bytes.Equal(p, bytes.Repeat([]byte{byte(i)}, i*40)) {
			t.Fatalf("message %d: got %d bytes, %v", i, len(p), err)
		}
	}
}
