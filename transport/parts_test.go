package transport_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

var pool compress.Pool

// compressedPair returns two ends that compress, over a pipe that holds so many bytes.
func compressedPair(t *testing.T, level, size int) (ends [2]*transport.Conn) {
	t.Helper()
	a, b := pipe.New(size)
	for role, s := range map[core.Role]transport.Stream{core.Server: a, core.Client: b} {
		m, err := core.NewOpen(settings(t, core.Config{Compression: &core.Compression{Lend: &pool, Level: level}}), 0, role)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Compress(deflate.Params{SendBits: 15, ReceiveBits: 15, SendTakeover: true, ReceiveTakeover: true}); err != nil {
			t.Fatal(err)
		}
		c := transport.NewConn(m, s, transport.NewAttendant(real.New()))
		t.Cleanup(func() { c.CloseNow() })
		ends[role] = c
	}
	return ends
}

// Large messages of many senders arrive whole, between those of a Writer.
func TestLargeCompressedMessages(t *testing.T) {
	for _, role := range roles {
		ends := compressedPair(t, 1, 0)
		want := map[string]bool{}
		var sending sync.WaitGroup
		for i, n := range []int{100, 32 << 10, 32<<10 + 1, 100_000, 1<<20 - 1} {
			text := strings.Repeat(string(rune('a'+i))+"-and so on", n/11+1)[:n]
			want[text], want[text+"!"] = true, true
			sending.Go(func() {
				if err := ends[role].Send(t.Context(), frame.Text, []byte(text)); err != nil {
					t.Error(err)
				}
				w, err := ends[role].Writer(t.Context(), frame.Text)
				if err != nil {
					t.Error(err)
					return
				}
				w.Write([]byte(text))
				w.Write([]byte("!"))
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		for range len(want) {
			_, p, err := ends[1-role].Receive(t.Context(), nil)
			if err != nil || !want[string(p)] {
				t.Fatalf("%d bytes that nobody sent, or twice, %v", len(p), err)
			}
			delete(want, string(p))
		}
		sending.Wait()
		if s := ends[role].Stats(); s.MessagesSent != 10 {
			t.Errorf("%d messages were sent", s.MessagesSent)
		}
	}
}

// While a large message is compressed the connection has time for others.
func TestOthersBetweenTheParts(t *testing.T) {
	ends := compressedPair(t, 9, 64<<10)
	go func() {
		for {
			if _, _, err := ends[core.Client].Receive(context.Background(), nil); err != nil {
				return
			}
		}
	}()
	p := make([]byte, 1<<18) // letters, which take long to compress
	fillNoise(p)
	for i := range p {
		p[i] = 'a' + p[i]&7
	}
	sent := make(chan error)
	go func() { sent <- ends[core.Server].Send(t.Context(), frame.Text, p) }()
	between := 0
	for done := false; !done; {
		select {
		case err := <-sent:
			if err != nil {
				t.Error(err)
			}
			done = true
		default:
			if n := ends[core.Server].Stats().PayloadSent; 0 < n && n < int64(len(p)) {
				between++
			}
		}
	}
	if between == 0 {
		t.Error("nobody got in between")
	}
}

// A message of which a part has been sent is completed though its sender has left.
func TestLargeMessageWhoseSenderLeaves(t *testing.T) {
	ends := compressedPair(t, 1, 1024)
	ctx, cancel := context.WithCancel(t.Context())
	p := make([]byte, 1<<20) // noise: the pipe and the queue are full soon
	fillNoise(p)
	want := bytes.Clone(p)
	sent := make(chan error)
	go func() { sent <- ends[core.Server].Send(ctx, frame.Binary, p) }()
	for ends[core.Server].Stats().PayloadSent == 0 {
	}
	cancel()
	if err := <-sent; err != context.Canceled {
		t.Fatal(err)
	}
	clear(p) // it is the caller's again
	if _, got, err := ends[core.Client].Receive(t.Context(), nil); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	go ends[core.Server].Send(t.Context(), frame.Text, []byte("next"))
	receiveText(t, ends[core.Client], "next")
}

// One whose sender leaves before is not begun; one whose connection ends is given up.
func TestLargeMessageThatCannotBeSent(t *testing.T) {
	ends := compressedPair(t, 1, 1024)
	p := make([]byte, 1<<20)
	fillNoise(p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ends[core.Server].Send(ctx, frame.Binary, p); err != context.Canceled || ends[core.Server].Stats().PayloadSent > 0 {
		t.Error(err)
	}
	if err := ends[core.Server].Send(t.Context(), frame.Text, append(bytes.Repeat([]byte("x"), 50_000), 0xff)); err != core.ErrInvalidText {
		t.Error(err)
	}
	sent := make(chan error)
	go func() { sent <- ends[core.Server].Send(t.Context(), frame.Binary, p) }()
	for ends[core.Server].Stats().PayloadSent == 0 {
	}
	ends[core.Server].CloseNow()
	if err := <-sent; err == nil {
		t.Error("all of it was sent")
	}
}

func fillNoise(p []byte) {
	x := uint32(1)
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
}

// What was lent comes back when a connection ends in the middle of a message.
func TestLentUntilTheEnd(t *testing.T) {
	lend := &counting{}
	a, b := pipe.New(0)
	m, err := core.NewOpen(settings(t, core.Config{Compression: &core.Compression{Lend: lend}}), 0, core.Server)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Compress(deflate.Params{SendBits: 12, ReceiveBits: 12, ReceiveTakeover: true}); err != nil {
		t.Fatal(err)
	}
	c := transport.NewConn(m, a, transport.NewAttendant(real.New()))
	if _, err := b.TryWrite([]byte("\x41\x80\x00\x00\x00\x00\x89\x80\x00\x00\x00\x00")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for c.Stats().PingsReceived == 0 {
		}
		cancel()
	}()
	if _, _, err := c.Receive(ctx, nil); err != context.Canceled || lend.inflaters != 1 {
		t.Fatalf("%v, %d are lent", err, lend.inflaters)
	}
	c.CloseNow()
	if lend.inflaters != 0 {
		t.Errorf("%d are lent", lend.inflaters)
	}
}

// counting counts what is lent.
type counting struct {
	compress.Pool
	inflaters int
}

func (l *counting) Inflater() *deflate.Inflater {
	l.inflaters++
	return l.Pool.Inflater()
}

func (l *counting) ReturnInflater(z *deflate.Inflater) {
	l.inflaters--
	l.Pool.ReturnInflater(z)
}
