package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A Writer's fragments as they are on the wire
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.4).
func TestWriterOnTheWire(t *testing.T) {
	for _, test := range []struct {
		name   string
		writes []string
		want   string
	}{
		{"Nothing", nil, "\x81\x00"},
		{"EmptyWrites", []string{"", ""}, "\x81\x00"},
		{"One", []string{"Hello"}, "\x01\x05Hello\x80\x00"},
		{"Two", []string{"Hel", "lo"}, "\x01\x03Hel\x00\x02lo\x80\x00"},
		{"InsideACharacter", []string{"\xe2\x82", "\xac"}, "\x01\x02\xe2\x82\x00\x01\xac\x80\x00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := pipe.New(0)
			c := open(t, real.New(), core.Server, core.Config{}, a)
			p := &peer{t: t, s: b, role: core.Client}
			w, err := c.Writer(t.Context(), frame.Text)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range test.writes {
				if n, err := io.WriteString(w, s); n != len(s) || err != nil {
					t.Error(n, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			if got := string(p.there()); got != test.want {
				t.Errorf("wrote %x, want %x", got, test.want)
			}
		})
	}
}

// A client's fragments are masked, each by itself; more than 32 KiB go in
// several (https://www.rfc-editor.org/rfc/rfc6455#section-5.3).
func TestWriterLargeAndMasked(t *testing.T) {
	for _, role := range roles {
		a, b := pipe.New(200_000)
		c := open(t, real.New(), role, core.Config{}, a)
		p := &peer{t: t, s: b, role: 1 - role}
		w, _ := c.Writer(t.Context(), frame.Binary)
		large := strings.Repeat("x", 100_000)
		if n, err := io.WriteString(w, large); n != len(large) || err != nil {
			t.Error(n, err)
		}
		w.Close()
		frames := p.frames(p.there())
		var got strings.Builder
		for _, f := range frames {
			got.WriteString(f.payload)
		}
		if got.String() != large || len(frames) != 5 || frames[0].op != frame.Binary || frames[1].op != frame.Continuation {
			t.Errorf("%v: %d bytes in %d frames", role, got.Len(), len(frames))
		}
	}
}

// While a Writer has a message open, pings and pongs pass between its fragments
// and other messages wait.
func TestWriterLetsControlFramesPass(t *testing.T) {
	for _, size := range []int{4, 40_000} {
		bubble(t, func(t *testing.T) {
			c, p := against(t, core.Server, core.Config{Pings: core.PingAnswer})
			go c.Receive(t.Context(), nil)
			w, _ := c.Writer(t.Context(), frame.Text)
			io.WriteString(w, "one")
			other := strings.Repeat("o", size)
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					if err := c.Send(t.Context(), frame.Text, []byte(other)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Go(func() {
				second, err := c.Writer(t.Context(), frame.Binary)
				if err != nil {
					t.Error(err)
				}
				if err := second.Close(); err != nil {
					t.Error(err)
				}
			})
			p.write(p.frame(nil, frame.Ping, true, []byte("?")))
			synctest.Wait()
			go c.Ping(t.Context())
			synctest.Wait()
			io.WriteString(w, "two")
			w.Close()
			synctest.Wait()
			got := p.frames(append(p.there(), rest(p)...))
			all.Wait()
			want := []received{{frame.Text, "one"}, {frame.Pong, "?"}, {frame.Ping, "\x00\x00\x00\x00\x00\x00\x00\x01"},
				{frame.Continuation, "two"}, {frame.Continuation, ""}}
			if len(got) != 8 || !equal(got[:5], want) {
				t.Errorf("%d frames: %.200q", len(got), fmt.Sprint(got))
			}
		})
	}
}

// rest reads until nothing more comes.
func rest(p *peer) (all []byte) {
	for {
		synctest.Wait()
		got := p.there()
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
	}
}

// A hundred goroutines send whole messages while another streams: nothing mixes.
func TestWriterAmongSenders(t *testing.T) {
	srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
	ctx := t.Context()
	const senders, each = 100, 20
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			for n := range each {
				body := fmt.Appendf(nil, "%d/%d|%s", i, n, strings.Repeat("x", i*i*4))
				if i%10 != 0 {
					if err := cli.Send(ctx, frame.Binary, body); err != nil {
						t.Error(err)
					}
					continue
				}
				w, err := cli.Writer(ctx, frame.Binary)
				if err != nil {
					t.Error(err)
					return
				}
				for len(body) > 0 {
					k := min(1000, len(body))
					w.Write(body[:k])
					body = body[k:]
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := make([]int, senders)
	for range senders * each {
		_, p, err := srv.Receive(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		var i, n int
		head, x, _ := bytes.Cut(p, []byte("|"))
		fmt.Sscanf(string(head), "%d/%d", &i, &n)
		if n != next[i] || len(x) != i*i*4 || len(bytes.Trim(x, "x")) > 0 {
			t.Fatalf("sender %d: message %d of %d bytes, want %d", i, n, len(x), next[i])
		}
		next[i]++
	}
	all.Wait()
}

// A context that ends in the middle of a streamed message harms nothing: another
// one goes on with what was not sent.
func TestWriterGoesOnWithAnotherContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w, _ := c.Writer(ctx, frame.Text)
		body := strings.Repeat("0123456789", 50_000)
		n, err := io.WriteString(w, body)
		if err != context.DeadlineExceeded || n == 0 || n == len(body) {
			t.Fatal(n, err)
		}
		if m, err := io.WriteString(w, body[n:]); m != 0 || err != context.DeadlineExceeded {
			t.Error("not sticky:", m, err)
		}
		w = w.WithContext(t.Context())
		go func() {
			if m, err := io.WriteString(w, body[n:]); m != len(body)-n || err != nil {
				t.Error(m, err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}()
		var got strings.Builder
		for _, f := range p.frames(rest(p)) {
			got.WriteString(f.payload)
		}
		if got.String() != body {
			t.Errorf("%d bytes of %d", got.Len(), len(body))
		}
	})
}

// A message that was begun and cannot be completed must not be taken for a whole
// one: Close ends the connection with 1011. One that was not begun leaves no trace.
func TestWriterGivesUp(t *testing.T) {
	ended := func() context.Context {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx
	}()
	for _, test := range []struct {
		name  string
		begun bool
		fail  func(w transport.Writer) error
		want  error
	}{
		{"Context", true, func(w transport.Writer) error { _, err := io.WriteString(w.WithContext(ended), "x"); return err }, context.Canceled},
		{"Context", false, func(w transport.Writer) error { _, err := io.WriteString(w.WithContext(ended), "x"); return err }, context.Canceled},
		{"Text", true, func(w transport.Writer) error { _, err := io.WriteString(w, "\xff"); return err }, core.ErrInvalidText},
		{"Text", false, func(w transport.Writer) error { _, err := io.WriteString(w, "\xff"); return err }, core.ErrInvalidText},
		{"Character", true, func(w transport.Writer) error { _, err := io.WriteString(w, "\xe2\x82"); return err }, core.ErrInvalidText},
	} {
		bubble(t, func(t *testing.T) {
			c, p := against(t, core.Server, core.Config{})
			w, _ := c.Writer(t.Context(), frame.Text)
			if test.begun {
				io.WriteString(w, "begun ")
			}
			if err := test.fail(w); err != test.want && test.name != "Character" {
				t.Error(test.name, "failed with", err)
			}
			if err := w.Close(); err != test.want {
				t.Error(test.name, "closed with", err)
			}
			err := c.Send(t.Context(), frame.Text, []byte("next"))
			frames := p.frames(rest(p))
			last := frames[len(frames)-1]
			switch {
			case !test.begun && (err != nil || len(frames) != 1 || last != received{frame.Text, "next"}):
				t.Error(test.name, "left a trace:", err, frames)
			case test.begun && (err == nil || last != received{frame.Close, "\x03\xf3a message was not completed"}):
				t.Error(test.name, err, frames)
			}
		})
	}
}

// The end of a message that was begun is sent at once, whatever the context says.
func TestWriterCloseDoesNotWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(10)
		c := open(t, real.New(), core.Server, core.Config{}, a)
		p := &peer{t: t, s: b, role: core.Client}
		ctx, cancel := context.WithCancel(t.Context())
		w, _ := c.Writer(ctx, frame.Binary)
		w.Write(make([]byte, 30_000))
		w.Write(make([]byte, 30_000))
		cancel()
		if d := took(func() {
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}); d != 0 {
			t.Error("waited", d)
		}
		if frames := p.frames(rest(p)); len(frames) != 3 {
			t.Errorf("%d frames", len(frames))
		}
	})
}

func TestWriterAfterItsMessage(t *testing.T) {
	srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
	one, _ := srv.Writer(t.Context(), frame.Text)
	io.WriteString(one, "one")
	one.Close()
	two, _ := srv.Writer(t.Context(), frame.Text)
	if n, err := io.WriteString(one, "more"); n != 0 || err != transport.ErrWriterClosed {
		t.Error(n, err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	io.WriteString(two, "two")
	two.Close()
	receiveText(t, cli, "one")
	receiveText(t, cli, "two")
	if n, err := (transport.Writer{}).Write(nil); n != 0 || err != transport.ErrWriterClosed {
		t.Error("the zero Writer:", n, err)
	}
	if err := (transport.Writer{}).WithContext(t.Context()).Close(); err != nil {
		t.Error(err)
	}
}

// Who waits behind a Writer is told so, and is not kept when the connection ends.
func TestWriterHasTheTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := against(t, core.Server, core.Config{})
		w, _ := c.Writer(t.Context(), frame.Text)
		for _, n := range []int{1, 100_000} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := c.Send(ctx, frame.Binary, make([]byte, n))
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Writer") {
				t.Error("no hint:", err)
			}
			cancel()
		}
		failed := make(chan error, 3)
		for _, n := range []int{1, 100_000} {
			go func() { failed <- c.Send(t.Context(), frame.Binary, make([]byte, n)) }()
		}
		go func() {
			_, err := c.Writer(t.Context(), frame.Text)
			failed <- err
		}()
		synctest.Wait()
		c.CloseNow()
		for range 3 {
			if err := <-failed; err != transport.ErrClosed {
				t.Error(err)
			}
		}
		if _, err := io.WriteString(w, "late"); err != transport.ErrClosed {
			t.Error(err)
		}
		if err := w.Close(); err != transport.ErrClosed {
			t.Error(err)
		}
	})
}

// A Writer that is left open keeps nobody waiting after the end.
func TestWriterAfterTheEnd(t *testing.T) {
	c, _ := pair(t, real.New(), core.Config{}, core.Config{})
	c.Writer(t.Context(), frame.Text)
	c.CloseNow()
	if _, err := c.Writer(t.Context(), frame.Text); err != transport.ErrClosed {
		t.Error(err)
	}
	if err := c.Send(t.Context(), frame.Text, nil); err != transport.ErrClosed {
		t.Error(err)
	}
}

// full returns a connection that takes no more output.
func full(t *testing.T) (*transport.Conn, *peer) {
	a, b := pipe.New(1000)
	c := open(t, real.New(), core.Server, core.Config{}, a)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for _, n := range []int{10_000, 1} {
		for err := error(nil); err == nil; {
			err = c.Send(ctx, frame.Binary, make([]byte, n))
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
	}
	return c, &peer{t: t, s: b, role: core.Client}
}

// A Write that waits for room when its message is closed sends nothing.
func TestWriterIsClosedWhileItWaits(t *testing.T) {
	for range 50 {
		bubble(t, closeWhileWriteWaits)
	}
}

func closeWhileWriteWaits(t *testing.T) {
	c, p := full(t)
	w, _ := c.Writer(t.Context(), frame.Text)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	closed, failed := make(chan error, 2), make(chan error, 1)
	for _, call := range []func(){
		func() { closed <- w.WithContext(ctx).Close() },
		func() {
			_, err := w.Write(make([]byte, 10_000))
			failed <- err
		},
		func() { closed <- w.WithContext(ctx).Close() },
	} {
		go call()
		synctest.Wait()
	}
	var last received
	for _, f := range p.frames(rest(p)) {
		last = f
	}
	err := <-failed
	for range 2 {
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
	switch {
	case err == transport.ErrWriterClosed && last == received{frame.Text, ""}:
	case err == nil && last == received{frame.Continuation, ""}:
	default:
		t.Errorf("%v, %v %.20q", err, last.op, last.payload)
	}
}

// Empty messages wait for room like others: they do not grow the queue.
func TestWriterOfAnEmptyMessageWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := full(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for {
			w, err := c.Writer(ctx, frame.Text)
			if err == context.DeadlineExceeded {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil && err != context.DeadlineExceeded {
				t.Fatal(err)
			}
			if queued := c.Stats().Queued; queued > 2*64<<10 {
				t.Fatal("queued", queued)
			}
		}
	})
}

// Nor do those grow it that waited for a Writer, one after the other.
func TestWriterPassesItsTurnToWhoNeedsRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(1000)
		c := open(t, real.New(), core.Server, core.Config{}, a)
		p := &peer{t: t, s: b, role: core.Client}
		c.Send(t.Context(), frame.Binary, make([]byte, 2000))
		w, _ := c.Writer(t.Context(), frame.Text)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := c.Send(t.Context(), frame.Binary, make([]byte, 10_000)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		w.Close()
		synctest.Wait()
		if queued := c.Stats().Queued; queued > 64<<10+2000 {
			t.Error("queued", queued)
		}
		if frames := p.frames(rest(p)); len(frames) != 22 {
			t.Error(len(frames), "frames")
		}
		all.Wait()
	})
}

// A large message that waits to be written lets a Writer pass that has begun
// meanwhile, and follows it.
func TestWriterBeginsBeforeALargeMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(10)
		c := open(t, real.New(), core.Server, core.Config{}, a)
		p := &peer{t: t, s: b, role: core.Client}
		c.Send(t.Context(), frame.Text, []byte("more than the pipe takes"))
		go func() {
			if err := c.Send(t.Context(), frame.Binary, make([]byte, 100_000)); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		w, _ := c.Writer(t.Context(), frame.Text)
		io.WriteString(w, "begun, ")
		time.AfterFunc(time.Second, func() {
			io.WriteString(w, "ended")
			w.Close()
		})
		wire := rest(p)
		time.Sleep(2 * time.Second)
		frames := p.frames(append(wire, rest(p)...))
		if len(frames) != 5 || frames[2].payload != "ended" || len(frames[4].payload) != 100_000 {
			t.Error(len(frames), "frames")
		}
	})
}

// What failed for another reason than its context does not go on with another.
func TestWriterWithContextAfterFailures(t *testing.T) {
	c, _ := pair(t, real.New(), core.Config{}, core.Config{})
	w, _ := c.Writer(t.Context(), frame.Text)
	io.WriteString(w, "\xff")
	if _, err := io.WriteString(w.WithContext(t.Context()), "x"); err != core.ErrInvalidText {
		t.Error(err)
	}
	w.Close()
}

// A Write that ended with its context left a hole: closing the Writer with another
// context does not make that a message.
func TestWriterClosesNoPart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		w, _ := c.Writer(t.Context(), frame.Text)
		io.WriteString(w, "begun")
		io.WriteString(w.WithContext(ended), " ended")
		if err := w.WithContext(t.Context()).Close(); err != context.Canceled {
			t.Error(err)
		}
		frames := p.frames(rest(p))
		if last := frames[len(frames)-1]; last.op != frame.Close {
			t.Error(frames)
		}
	})
}

// Cancel gives up what is open, and nothing else.
func TestWriterCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		for _, begun := range []bool{false, true} {
			w, err := c.Writer(t.Context(), frame.Text)
			if err != nil {
				t.Fatal(err)
			}
			if begun {
				io.WriteString(w, "begun")
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			w.Cancel()
		}
		unused, _ := c.Writer(t.Context(), frame.Text)
		unused.Cancel()
		unused.Cancel()
		if err := unused.Close(); err != nil {
			t.Error(err)
		}
		w, err := c.Writer(t.Context(), frame.Text)
		if err != nil {
			t.Fatal(err)
		}
		unused.Cancel()
		io.WriteString(w, "given up")
		w.Cancel()
		if _, err := io.WriteString(w, "late"); err != transport.ErrWriterClosed {
			t.Error(err)
		}
		(transport.Writer{}).Cancel()
		want := []received{{frame.Text, ""}, {frame.Text, "begun"}, {frame.Continuation, ""},
			{frame.Text, "given up"}, {frame.Close, "\x03\xf3a message was not completed"}}
		if got := p.frames(rest(p)); !equal(got, want) {
			t.Error(got)
		}
	})
}

// A Writer that gets its turn when the connection has ended is told, and keeps
// nobody waiting.
func TestWriterGetsItsTurnAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := full(t)
		first, _ := c.Writer(t.Context(), frame.Text)
		failed := make(chan error, 3)
		for _, call := range []func() error{
			func() error { return c.Send(t.Context(), frame.Binary, make([]byte, 40<<10)) },
			func() error { _, err := c.Writer(t.Context(), frame.Binary); return err },
			func() error { return c.Send(t.Context(), frame.Binary, make([]byte, 40<<10)) },
		} {
			go func() { failed <- call() }()
			synctest.Wait()
		}
		first.Cancel() // the first Send waits to write, with the turn
		synctest.Wait()
		c.CloseNow()
		if d := took(func() {
			for range 3 {
				if err := <-failed; err != transport.ErrClosed {
					t.Error(err)
				}
			}
		}); d > time.Second {
			t.Error("waited", d)
		}
	})
}

// Close of the connection is legal between fragments
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.4).
func TestWriterMeetsClose(t *testing.T) {
	srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
	go func() {
		echo(cli)
		cli.Close(frame.NormalClosure, "")
	}()
	w, _ := srv.Writer(t.Context(), frame.Text)
	io.WriteString(w, "begun")
	if err := srv.Close(frame.GoingAway, ""); err != nil {
		t.Error(err)
	}
	if n, err := io.WriteString(w, "late"); n != 0 || err == nil {
		t.Error(n, err)
	}
	if err := w.Close(); err == nil {
		t.Error("a part was taken for a message")
	}
}

// What is for many is sent as it is, by both roles and in all sizes, where nothing is
// compressed.
func TestSendShared(t *testing.T) {
	for _, role := range roles {
		ends := [2]*transport.Conn{}
		ends[core.Server], ends[core.Client] = pair(t, real.New(), core.Config{}, core.Config{})
		for _, n := range []int{0, 1, 125, 126, 5000, 40_000, 300_000} {
			want := strings.Repeat("v", n)
			go func() {
				if err := ends[role].SendShared(t.Context(), transport.Shared{Op: frame.Text, Payload: []byte(want), Compressed: []byte("not used")}); err != nil {
					t.Error(err)
				}
			}()
			receiveText(t, ends[1-role], want)
		}
	}
}

func TestStats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		go p.answerPings(1, 20*time.Millisecond)
		if _, err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		ping := int64(2 + 8)
		c.Send(t.Context(), frame.Text, []byte("Hello"))
		w, _ := c.Writer(t.Context(), frame.Text)
		io.WriteString(w, "Hel")
		io.WriteString(w, "lo")
		w.Close()
		wire := p.text(p.frame(nil, frame.Ping, true, nil), "12345")
		p.write(p.fragments(frame.Text, "1", "2"))
		p.write(wire)
		_, r, _ := c.Reader(t.Context())
		io.ReadAll(r)
		receiveText(t, c, "12345")
		go c.Send(t.Context(), frame.Binary, make([]byte, 100_000))
		synctest.Wait()
		s := c.Stats()
		if s.Queued != 18+10+100_000-64<<10 {
			t.Error("queued:", s.Queued)
		}
		if s.RoundTrip < 20*time.Millisecond || s.RoundTrip > 30*time.Millisecond {
			t.Error("round trip", s.RoundTrip)
		}
		p.there()
		for len(rest(p)) > 0 {
		}
		s = c.Stats()
		s.RoundTrip = 0
		want := transport.Stats{
			MessagesReceived: 2, PayloadReceived: 7, MessagesSent: 3, PayloadSent: 100_010,
			BytesReceived: 6 + 8 + 10 + 7 + 10 + 7 + 6 + 11, BytesSent: ping + 7 + 5 + 4 + 2 + 10 + 100_000,
			PingsReceived: 3, PongsReceived: 1,
		}
		if s != want {
			t.Errorf("%+v\nwant %+v", s, want)
		}
	})
}
