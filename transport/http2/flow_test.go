package http2_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
)

// random returns so many bytes that depend on n alone.
func random(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(p)
	return p
}

// transfer writes all of sent to s and reads as much from it, at the same time.
func transfer(t testing.TB, s transport.Stream, sent []byte) {
	t.Helper()
	written := make(chan error, 1)
	go func() { written <- writeAll(s, sent) }()
	got, err := read(s, len(sent))
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("read %d bytes of %d, %v; or others than those sent", len(got), len(sent), err)
		s.Abort()
	}
	if err := <-written; err != nil {
		t.Errorf("writing: %v", err)
	}
}

func TestEchoesUnderSmallWindows(t *testing.T) {
	for _, window := range []uint32{1000, 65535, 1 << 20} {
		for _, size := range []int{1, 64 << 10, 1 << 20, 4 << 20} {
			if window == 1000 && size > 1<<20 {
				continue
			}
			t.Run(fmt.Sprintf("%d bytes, a window of %d", size, window), func(t *testing.T) {
				client, server := pair(t, h2.Setting{ID: h2.SettingInitialWindowSize, Val: window})
				go func() {
					p := make(lender, 10_000)
					for {
						n, err := server.AwaitRead(p)
						if err != nil || writeAll(server, p[:n]) != nil {
							break
						}
					}
					server.Close()
				}()
				transfer(t, client, random(size))
				client.Close()
			})
		}
	}
}

// A socket that nobody reads does not hold up the others of its connection.
func TestASlowReaderAmongMany(t *testing.T) {
	const streams, size = 100, 300 << 10
	c := dial(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/flood" {
			flood(w, r)
			return
		}
		echo(w, r)
	}))
	unread := open(t, c, "/flood")
	defer unread.Abort()
	var all sync.WaitGroup
	for range streams - 1 {
		reserve(t, c)
		all.Go(func() {
			s := open(t, c, "/echo")
			transfer(t, s, random(size))
			s.Close()
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	await(t, "99 echoes", done)
	if in, _ := unread.Held(); in != http2.DefaultStreamWindow {
		t.Errorf("the stream that nobody reads holds %d bytes; want its window, %d", in, http2.DefaultStreamWindow)
	}
	if got, err := read(unread, 1<<20); err != nil || len(bytes.Trim(got, "x")) > 0 {
		t.Errorf("then it can be read: %d bytes, %v", len(got), err)
	}
}

// flood is a handler that writes until its client is gone.
func flood(w http.ResponseWriter, r *http.Request) {
	s, err := http2.FromRequest(w, r)
	if err != nil {
		panic(err)
	}
	for p := bytes.Repeat([]byte("x"), 10_000); writeAll(s, p) == nil; {
	}
	s.Abort()
	<-s.Released()
}

// A stream whose window is used up waits, and the others do not.
func TestAStreamWithoutAWindow(t *testing.T) {
	c, p := meet(t, h2.Setting{ID: h2.SettingInitialWindowSize, Val: 10})
	reserve(t, c)
	first, second := accept(t, c, p), accept(t, c, p)
	p.expectData(first, "0123456789abc", "0123456789", false)
	p.expectData(second, "xyz", "xyz", false)
	p.check(p.WriteWindowUpdate(1, 2))
	p.expectData(first, "", "ab", false)
	first.CloseWrite()
	p.check(p.WriteWindowUpdate(1, 5))
	p.expectData(first, "", "c", true)
	// An end needs no window.
	p.check(p.WriteSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Val: 0}))
	p.expect(h2.FrameSettings)
	second.CloseWrite()
	p.expectData(second, "", "", true)
}

// expectData writes to s and reads the DATA frame that must come.
func (p *peer) expectData(s *http2.Stream, write, want string, end bool) {
	p.t.Helper()
	if write != "" {
		if n, err := s.TryWrite([]byte(write)); n != len(write) || err != nil {
			p.t.Fatalf("TryWrite = %d, %v", n, err)
		}
	}
	f := p.expect(h2.FrameData).(*h2.DataFrame)
	if f.StreamID != s.ID() || string(f.Data()) != want || f.StreamEnded() != end {
		p.t.Fatalf("the client sent %v: %q; want %q on stream %d, ended %t", f, f.Data(), want, s.ID(), end)
	}
}

// The server may make windows smaller than what has been sent
// (https://www.rfc-editor.org/rfc/rfc9113#section-6.9.2).
func TestNegativeWindows(t *testing.T) {
	c, p := meet(t, h2.Setting{ID: h2.SettingInitialWindowSize, Val: 10})
	reserve(t, c)
	s := accept(t, c, p)
	p.expectData(s, "01234567", "01234567", false)
	p.check(p.WriteSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Val: 3})) // leaves -5
	p.expect(h2.FrameSettings)
	if n, err := s.TryWrite([]byte("89")); n != 2 || err != nil {
		t.Errorf("TryWrite = %d, %v", n, err)
	}
	p.check(p.WriteWindowUpdate(1, 5)) // 0
	if others := p.ping(); others != nil {
		t.Errorf("the client sent %v without a window", others)
	}
	p.check(p.WriteWindowUpdate(1, 1))
	p.expectData(s, "", "8", false)
	p.check(p.WriteSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Val: 4})) // one more
	p.expect(h2.FrameSettings)
	p.expectData(s, "", "9", false)
	p.expectData(accept(t, c, p), "abcde", "abcd", false)
}

// The window of the connection is shared, and streams that wait for it can be given
// up.
func TestTheWindowOfTheConnection(t *testing.T) {
	c, p := meet(t, h2.Setting{ID: h2.SettingInitialWindowSize, Val: 1 << 20})
	reserve(t, c)
	reserve(t, c)
	first, second, third := accept(t, c, p), accept(t, c, p), accept(t, c, p)
	if n, _ := first.TryWrite(make([]byte, 65535)); n != 65535 {
		t.Fatalf("TryWrite = %d", n)
	}
	for sent := 0; sent < 65535; {
		sent += len(p.expect(h2.FrameData).(*h2.DataFrame).Data())
	}
	for _, s := range []*http2.Stream{first, second, third} {
		s.TryWrite([]byte(strings.Repeat("x", int(s.ID()))))
	}
	third.CloseWrite() // it still has output
	if others := p.ping(); others != nil {
		t.Errorf("the client sent %v without a window", others)
	}
	second.Abort()
	p.expectReset(second.ID(), h2.ErrCodeCancel)
	if n := c.Waiting(); n != 2 {
		t.Errorf("%d streams wait; want 2", n)
	}
	p.check(p.WriteWindowUpdate(0, 3))
	p.expectData(first, "", "x", false)
	p.expectData(third, "", "xx", false)
	p.check(p.WriteWindowUpdate(0, 100))
	p.expectData(third, "", "xxx", true)
}

// Streams take turns, 16 KiB each time.
func TestStreamsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := meetUnbuffered(t)
		reserve(t, c)
		reserve(t, c)
		first, second, third := accept(t, c, p), accept(t, c, p), accept(t, c, p)
		first.TryWrite(make([]byte, 1)) // keeps the connection busy
		synctest.Wait()
		for _, s := range []*http2.Stream{first, second, third} {
			s.TryWrite(make([]byte, 20_000))
		}
		var turns []uint32
		for range 7 {
			turns = append(turns, p.expect(h2.FrameData).Header().StreamID)
		}
		if got := fmt.Sprint(turns); got != "[1 1 3 5 1 3 5]" {
			t.Errorf("the turns were %v", got)
		}
	})
}

// The window of a stream is given back as it is read, half of it at a time, and
// that of the connection as bytes arrive.
func TestWindowsAreGivenBack(t *testing.T) {
	c, p := meet(t)
	s := accept(t, c, p)
	const half = http2.DefaultStreamWindow / 2
	for range 2 * half / 16384 {
		p.check(p.WriteData(1, false, make([]byte, 16384)))
	}
	p.ping()
	if got, err := read(s, half-1); len(got) != half-1 || err != nil {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	if others := p.ping(); others != nil {
		t.Errorf("the client sent %v", others)
	}
	if _, err := s.TryRead(make([]byte, 100)); err != nil {
		t.Error(err)
	}
	if f := p.expect(h2.FrameWindowUpdate).(*h2.WindowUpdateFrame); f.StreamID != 1 || f.Increment != half+99 {
		t.Errorf("the client sent %v", f)
	}
	// So are padding and what nobody will read.
	for range 3 {
		p.check(p.WriteDataPadded(1, false, nil, make([]byte, 255)))
	}
	p.ping()
	s.Close()
	if f := p.expect(h2.FrameWindowUpdate).(*h2.WindowUpdateFrame); f.StreamID != 1 || f.Increment != half-99+3*256 {
		t.Errorf("the client sent %v", f)
	}
	p.expect(h2.FrameData)
	for range half / 16384 {
		p.check(p.WriteData(1, false, make([]byte, 16384)))
	}
	if f := p.expect(h2.FrameWindowUpdate).(*h2.WindowUpdateFrame); f.StreamID != 1 || f.Increment != half {
		t.Errorf("the client sent %v", f)
	}
	if in, _ := s.Held(); in != 0 {
		t.Errorf("a closed stream holds %d bytes", in)
	}
}

// What a stream accepts is bounded.
func TestOutputIsBounded(t *testing.T) {
	c, p := meet(t, h2.Setting{ID: h2.SettingInitialWindowSize, Val: 0})
	s := accept(t, c, p)
	if n, err := s.TryWrite(make([]byte, 100_000)); n != 64<<10 || err != transport.ErrWouldBlock {
		t.Errorf("TryWrite = %d, %v", n, err)
	}
	if n, err := s.TryWrite(make([]byte, 1)); n != 0 || err != transport.ErrWouldBlock {
		t.Errorf("TryWrite = %d, %v", n, err)
	}
	s.Close()
	p.check(p.WriteWindowUpdate(0, 100_000))
	p.check(p.WriteWindowUpdate(1, 100_000))
	sent, ended := 0, false
	for !ended {
		f := p.expect(h2.FrameData).(*h2.DataFrame)
		sent, ended = sent+len(f.Data()), f.StreamEnded()
	}
	if sent != 64<<10 {
		t.Errorf("%d bytes went out after Close", sent)
	}
	if _, err := s.TryRead(make([]byte, 1)); err == io.EOF || err == nil {
		t.Errorf("TryRead after Close: %v", err)
	}
}

// The window of the connection is given back when bytes arrive.
func TestTheWindowOfTheConnectionIsGivenBack(t *testing.T) {
	c, p := meet(t)
	s := accept(t, c, p)
	c.SetReceiveWindow(1<<29 + 10)
	p.check(p.WriteData(1, false, make([]byte, 10)))
	if others := p.ping(); others != nil {
		t.Errorf("the client sent %v", others)
	}
	p.check(p.WriteData(1, false, make([]byte, 1)))
	if f := p.expect(h2.FrameWindowUpdate).(*h2.WindowUpdateFrame); f.StreamID != 0 || f.Increment != 1<<29+1 {
		t.Errorf("the client sent %v", f)
	}
	c.SetReceiveWindow(5)
	p.check(p.WriteData(1, false, make([]byte, 6)))
	p.expectGoodbye(h2.ErrCodeFlowControl)
	if got, err := readAll(s); len(got) != 11 || err == nil || !strings.Contains(err.Error(), "window of the connection") {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}
