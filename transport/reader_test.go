package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// fragments is a message in as many frames as there are parts, a ping before
// each of them.
func (p *peer) fragments(op frame.Opcode, parts ...string) (wire []byte) {
	for i, part := range parts {
		wire = p.frame(wire, frame.Ping, true, []byte("ping"))
		wire = p.frame(wire, op, i == len(parts)-1, []byte(part))
		op = frame.Continuation
	}
	return wire
}

// readAll reads the next message in pieces of at most size bytes.
func readAll(t testing.TB, c *transport.Conn, size int) (frame.Opcode, string) {
	t.Helper()
	op, r, err := c.Reader(context.Background())
	if err != nil {
		t.Error("Reader:", err)
		return 0, ""
	}
	var got []byte
	p := make([]byte, size)
	for {
		n, err := r.Read(p)
		got = append(got, p[:n]...)
		if err == io.EOF {
			return op, string(got)
		}
		if err != nil {
			t.Error("Read:", err)
			return op, string(got)
		}
	}
}

// However a message comes and is read, the same is read of it, control frames
// between its fragments are answered, and the next one is whole
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.4).
func TestReaderReadsAsItComes(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	messages := map[string][]string{
		"Empty":     {""},
		"Short":     {"a"},
		"Peeked":    {"0123456789"},
		"Fragments": {"", "frag", "", "mented", ""},
		"Long":      {long},
		"LongParts": {long[:70_000], long[70_000:]},
	}
	for name, parts := range messages {
		for _, role := range roles {
			for _, cut := range []int{1, 7, 1 << 20} {
				for _, size := range []int{1, 5, 4096} {
					if len(parts[0]) > 1000 && (cut < 1000 || size == 5) {
						continue
					}
					bubble(t, func(t *testing.T) {
						c, p := against(t, role, core.Config{Pings: core.PingAnswer, MaxControlRate: -1})
						wire := p.text(p.fragments(frame.Binary, parts...), "next")
						go func() {
							for len(wire) > 0 {
								n := min(cut, len(wire))
								p.write(wire[:n])
								wire = wire[n:]
							}
						}()
						op, got := readAll(t, c, size)
						if want := strings.Join(parts, ""); op != frame.Binary || got != want {
							t.Errorf("%s, %v, %d, %d: %v, %d bytes of %d", name, role, cut, size, op, len(got), len(want))
						}
						receiveText(t, c, "next")
					})
				}
			}
		}
	}
}

// What was read ahead of a busy application is read like any other.
func TestReaderReadsWhatWasReadAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		wire := p.fragments(frame.Text, "first ", "message")
		p.write(p.text(wire, "second"))
		time.Sleep(time.Second)
		op, r, err := c.Reader(t.Context())
		if err != nil || op != frame.Text {
			t.Fatal(op, err)
		}
		if err := iotest.TestReader(r, []byte("first message")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		receiveText(t, c, "second")
	})
}

// A Reader that is busy does not keep the connection from answering pings, and
// reads on after what was read ahead meanwhile.
func TestReaderMayTakeItsTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{Pings: core.PingAnswer})
		p.write(p.frame(nil, frame.Text, false, []byte("begun, ")))
		_, r, err := c.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.write(p.frame(p.frame(nil, frame.Ping, true, nil), frame.Continuation, true, []byte("ended")))
		time.Sleep(time.Second)
		if got := p.frames(p.there()); len(got) != 1 || got[0].op != frame.Pong {
			t.Errorf("answered %v", got)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != "begun, ended" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A Reader never reads of another message than its own.
func TestReaderAfterItsMessage(t *testing.T) {
	srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
	ctx := t.Context()
	for _, s := range []string{"one", "two", "three"} {
		cli.Send(ctx, frame.Text, []byte(s))
	}
	p := make([]byte, 10)
	_, one, _ := srv.Reader(ctx)
	if n, err := one.Read(p); n != 3 || err != io.EOF {
		t.Fatal(n, err)
	}
	for range 2 {
		if n, err := one.Read(p); n != 0 || err != io.EOF {
			t.Error("at the end:", n, err)
		}
	}
	_, two, _ := srv.Reader(ctx)
	if n, err := one.Read(p); n != 0 || err != transport.ErrReaderClosed {
		t.Error("after the next:", n, err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	two.Read(p[:1])
	two.Close()
	two.Close()
	if n, err := two.Read(p); n != 0 || err != transport.ErrReaderClosed {
		t.Error("after Close:", n, err)
	}
	receiveText(t, srv, "three")
	if n, err := (transport.Reader{}).Read(p); n != 0 || err != transport.ErrReaderClosed {
		t.Error("the zero Reader:", n, err)
	}
	if err := (transport.Reader{}).Close(); err != nil {
		t.Error(err)
	}
}

// Close throws away what is left of a message, wherever that is, and nothing of
// the next one.
func TestReaderCloseSkipsTheRest(t *testing.T) {
	for name, between := range map[string]func(p *peer, wire []byte){
		"There":     func(p *peer, wire []byte) { p.write(wire) },
		"ReadAhead": func(p *peer, wire []byte) { p.write(wire); time.Sleep(time.Second) },
		"PartAhead": func(p *peer, wire []byte) {
			p.write(wire[:len(wire)-9])
			time.Sleep(time.Second)
			p.write(wire[len(wire)-9:])
		},
		"InTheQueue": func(p *peer, wire []byte) { go p.write(wire) },
	} {
		for _, rest := range []int{0, 1, 100, 200_000} {
			for _, read := range []int{0, 1, 20} {
				if rest > 60_000 && name != "InTheQueue" {
					continue
				}
				bubble(t, func(t *testing.T) {
					c, p := against(t, core.Server, core.Config{})
					body := "the beginning of it " + strings.Repeat("x", rest)
					wire := p.fragments(frame.Text, body[:15], body[15:])
					between(p, p.text(wire, "next"))
					_, r, err := c.Reader(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					io.ReadFull(r, make([]byte, read))
					if err := r.Close(); err != nil {
						t.Error(err)
					}
					receiveText(t, c, "next")
				})
			}
		}
	}
}

// The rest that nobody wants is not kept for the application either.
func TestReaderCloseKeepsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.frame(nil, frame.Text, false, []byte("begun")))
		_, r, _ := c.Reader(t.Context())
		r.Close()
		for range 10 {
			p.write(p.frame(nil, frame.Continuation, false, make([]byte, 50_000)))
			time.Sleep(time.Second)
		}
		if held := transport.HoldsMemory(c); held != "" {
			t.Error("holds", held)
		}
	})
}

func TestReaderIsClosedWhileItWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.frame(nil, frame.Text, false, []byte("begun")))
		_, r, _ := c.Reader(t.Context())
		io.ReadFull(r, make([]byte, 5))
		failed := make(chan error, 1)
		go func() {
			_, err := r.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		r.Close()
		if err := <-failed; err != transport.ErrReaderClosed {
			t.Error(err)
		}
		p.write(p.text(p.frame(nil, frame.Continuation, true, []byte("ended")), "next"))
		receiveText(t, c, "next")
	})
}

// The end of a context costs neither a byte nor the connection, and a Receive
// may end what a Reader began to wait for, and the other way round.
func TestReaderContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		short := func() context.Context {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			time.AfterFunc(2*time.Second, cancel)
			return ctx
		}
		if _, _, err := c.Reader(short()); err != context.DeadlineExceeded {
			t.Error("nothing has come:", err)
		}
		p.write(p.frame(nil, frame.Text, false, []byte("be")))
		if _, _, err := c.Receive(short(), nil); err != context.DeadlineExceeded {
			t.Error("a part has come:", err)
		}
		op, r, err := c.Reader(short())
		if err != nil || op != frame.Text {
			t.Fatal(op, err)
		}
		buf := make([]byte, 10)
		if n, err := r.Read(buf); n != 2 || err != nil {
			t.Error(n, err)
		}
		if n, err := r.Read(buf); n != 0 || err != context.DeadlineExceeded {
			t.Error(n, err)
		}
		p.write(p.frame(nil, frame.Continuation, true, []byte("gun")))
		if n, err := r.Read(buf); n != 0 || err != context.DeadlineExceeded {
			t.Error("its context has ended:", n, err)
		}
		if rest, err := io.ReadAll(r.WithContext(t.Context())); err != nil || string(rest) != "gun" {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

// A Reader whose context has ended reads nothing, even what is there.
func TestReaderContextHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.text(nil, "there"))
		ctx, cancel := context.WithCancel(t.Context())
		_, r, _ := c.Reader(ctx)
		cancel()
		if n, err := r.Read(make([]byte, 10)); n != 0 || err != context.Canceled {
			t.Error(n, err)
		}
		if got, err := io.ReadAll(r.WithContext(t.Context())); string(got) != "there" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := r.Read(make([]byte, 10)); err != io.EOF {
			t.Error("at the end:", err)
		}
	})
}

// Who waits for a message behind one that a Reader has is told so, and is not
// kept when the connection ends.
func TestReaderHasTheTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.text(p.text(nil, "first"), "second"))
		_, r, _ := c.Reader(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := c.Receive(ctx, nil)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Reader") {
			t.Error("no hint:", err)
		}
		failed := make(chan error, 3)
		for range 2 {
			go func() {
				_, _, err := c.Receive(t.Context(), nil)
				failed <- err
			}()
		}
		go func() {
			_, _, err := c.Reader(t.Context())
			failed <- err
		}()
		synctest.Wait()
		c.CloseNow()
		for range 3 {
			if err := <-failed; err != transport.ErrClosed {
				t.Error(err)
			}
		}
		if _, _, err := c.Receive(t.Context(), nil); err != transport.ErrClosed {
			t.Error("later:", err)
		}
		r.Close()
	})
}

// A Reader that is opened on what is left of a connection that has ended keeps
// nobody waiting either.
func TestReaderHasTheTurnAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{PingInterval: -1, CloseTimeout: time.Second})
		p.write(p.text(p.text(p.text(nil, "one"), "two"), "three"))
		time.Sleep(time.Second)
		c.CloseNow()
		received := make(chan error, 2)
		go func() {
			_, _, err := c.Receive(t.Context(), nil)
			received <- err
		}()
		if _, _, err := c.Reader(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _, err := c.Receive(t.Context(), nil)
			received <- err
		}()
		for range 2 {
			if err := <-received; err != nil && err != transport.ErrClosed {
				t.Error(err)
			}
		}
	})
}

// What a Receive took is not begun any more.
func TestReaderAfterReceive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.text(nil, "first"))
		receiveText(t, c, "first")
		time.AfterFunc(time.Second, func() { p.write(p.frame(nil, frame.Binary, true, []byte("second"))) })
		if op, got := readAll(t, c, 100); op != frame.Binary || got != "second" {
			t.Errorf("%v %q", op, got)
		}
	})
}

// A Reader that was closed waits for nothing.
func TestReaderThatIsClosedReturnsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.frame(nil, frame.Text, false, []byte("begun")))
		_, r, _ := c.Reader(t.Context())
		r.Close()
		go c.Receive(t.Context(), nil)
		synctest.Wait()
		if d := took(func() {
			if _, err := r.Read(make([]byte, 1)); err != transport.ErrReaderClosed {
				t.Error(err)
			}
		}); d != 0 {
			t.Error("waited", d)
		}
	})
}

func TestReaderAndWriterBeforeTheHandshake(t *testing.T) {
	c, _ := server(t, core.Config{})
	if _, _, err := c.Reader(t.Context()); err != core.ErrNotOpen {
		t.Error(err)
	}
	if _, err := c.Writer(t.Context(), frame.Text); err != core.ErrNotOpen {
		t.Error(err)
	}
}

// While Close waits for the peer, a Reader still reads what comes, at once.
func TestReaderWhileClosing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.frame(nil, frame.Text, false, []byte("be")))
		_, r, err := c.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- c.Close(frame.NormalClosure, "") }()
		synctest.Wait()
		p.write(p.frame(nil, frame.Continuation, true, []byte("gun")))
		p.write(p.text(nil, "next"))
		if d := took(func() {
			if got, err := io.ReadAll(r); err != nil || string(got) != "begun" {
				t.Errorf("%q, %v", got, err)
			}
			if op, got := readAll(t, c, 10); op != frame.Text || got != "next" {
				t.Errorf("%v %q", op, got)
			}
		}); d != 0 {
			t.Error("waited", d)
		}
		p.write(p.closing(frame.NormalClosure))
		p.s.CloseWrite()
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// A message that was read to its last byte ends with io.EOF, whatever others do
// before the Read that says so.
func TestReaderEndsWhileOthersReceive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		first := strings.Repeat("first", 20)
		p.write(p.text(p.text(nil, first), "second"))
		_, r, _ := c.Reader(t.Context())
		other := make(chan transport.Reader, 1)
		go func() {
			_, r, err := c.Reader(t.Context())
			if err != nil {
				t.Error(err)
			}
			other <- r
		}()
		synctest.Wait()
		got, err := io.ReadAll(slowReader{r})
		if string(got) != first || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		got, err = io.ReadAll(<-other)
		if string(got) != "second" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A slowReader lets others run after each Read.
type slowReader struct{ transport.Reader }

func (r slowReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	synctest.Wait()
	return n, err
}

// Close ends a Read that is writing a pong in that moment.
func TestReaderIsClosedWhileItWrites(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		s := &interrupted{Stream: a}
		c := open(t, real.New(), core.Server, core.Config{Pings: core.PingAnswer}, s)
		p := &peer{t: t, s: b, role: core.Client}
		p.write(p.frame(nil, frame.Text, false, []byte("a")))
		_, r, err := c.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(r, make([]byte, 1))
		failed := make(chan error, 1)
		go func() {
			_, err := r.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		s.atWrite = func() { r.Close() }
		p.write(p.frame(nil, frame.Ping, true, nil))
		if d := took(func() {
			if err := <-failed; err != transport.ErrReaderClosed {
				t.Error(err)
			}
		}); d > 0 {
			t.Error("waited", d)
		}
	})
}

// An interrupted stream calls a function in the middle of a write.
type interrupted struct {
	transport.Stream
	atWrite func()
}

func (s *interrupted) TryWrite(p []byte) (int, error) {
	if f := s.atWrite; f != nil {
		s.atWrite = nil
		f()
	}
	return s.Stream.TryWrite(p)
}

// What one read of the stream produced leaves together, however little is asked
// for at a time.
func TestReaderWritesPongsTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		s := &counted{Stream: a}
		c := open(t, real.New(), core.Server, core.Config{Pings: core.PingAnswer}, s)
		p := &peer{t: t, s: b, role: core.Client}
		wire := p.frame(nil, frame.Text, false, []byte("a"))
		for range 100 {
			wire = p.frame(wire, frame.Ping, true, make([]byte, 100))
		}
		p.write(p.frame(wire, frame.Continuation, true, []byte("b")))
		_, r, _ := c.Reader(t.Context())
		if got, err := io.ReadAll(iotest.OneByteReader(r)); string(got) != "ab" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		time.Sleep(time.Second)
		if n := s.writes.Load(); n > 4 {
			t.Errorf("%d writes for what came in one read", n)
		}
	})
}

// When the connection ends in the middle of a message its Reader is told.
func TestReaderMeetsTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Client, core.Config{})
		p.write(p.frame(nil, frame.Text, false, []byte("begun")))
		_, r, _ := c.Reader(t.Context())
		p.write(p.closing(frame.GoingAway))
		got, err := io.ReadAll(r)
		if e, ok := errors.AsType[*transport.CloseError](err); string(got) != "begun" || !ok || e.Code != frame.GoingAway || !e.Incomplete {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := r.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Error("again:", err)
		}
	})
}

// A text that is not UTF-8 is read up to where that shows
// (https://www.rfc-editor.org/rfc/rfc6455#section-8.1).
func TestReaderMeetsInvalidText(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.fragments(frame.Text, "good \xe2\x82", "bad"))
		_, r, _ := c.Reader(t.Context())
		got, err := io.ReadAll(r)
		if string(got) != "good \xe2\x82" || err != core.ErrInvalidUTF8 {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A message is read without being held in memory: the peer is held back.
func TestReaderHoldsThePeerBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pair(t, real.New(), core.Config{MaxMessageSize: -1, MaxFrameSize: -1}, core.Config{})
		const size = 8 << 20
		go func() {
			w, err := b.Writer(context.Background(), frame.Binary)
			if err != nil {
				t.Error(err)
			}
			chunk := bytes.Repeat([]byte("x"), 100_000)
			for sent := 0; sent < size; sent += len(chunk) {
				w.Write(chunk)
			}
			w.Close()
		}()
		_, r, err := a.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if sent := b.Stats().BytesSent; sent > 1<<20 {
			t.Errorf("%d bytes left the sender while nobody read", sent)
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n < size {
			t.Error(n, err)
		}
	})
}

func TestStreamingAllocatesNothing(t *testing.T) {
	srv, cli := pair(t, real.New(), core.Config{}, core.Config{})
	ctx := t.Context()
	msg, buf := make([]byte, 1000), make([]byte, 4096)
	allocs := testing.AllocsPerRun(300, func() {
		w, err := cli.Writer(ctx, frame.Binary)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(msg)
		w.Write(msg)
		w.Close()
		_, r, err := srv.Reader(ctx)
		for err == nil {
			_, err = r.Read(buf)
		}
		if err != io.EOF {
			t.Fatal(err)
		}
	})
	if allocs != 0 && !raceEnabled {
		t.Errorf("%v allocations a message", allocs)
	}
}
