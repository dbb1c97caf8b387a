package pipe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

func TestContract(t *testing.T) {
	for name, size := range map[string]int{"100Bytes": 100, "Default": 0} {
		t.Run(name, func(t *testing.T) {
			streamtest.Run(t, func(*testing.T) (a, b transport.Stream) { return pipe.New(size) })
		})
	}
}

// A slice lends itself.
type slice []byte

func (s slice) Borrow() []byte { return s }
func (s slice) Return()        {}

func TestHoldsSizeBytes(t *testing.T) {
	for _, test := range []struct{ size, want int }{
		{1, 1}, {4096, 4096}, {5000, 5000}, {0, pipe.DefaultSize}, {-1, pipe.DefaultSize},
	} {
		a, b := pipe.New(test.size)
		n, err := a.TryWrite(make([]byte, 1<<20))
		if n != test.want || err != transport.ErrWouldBlock {
			t.Errorf("New(%d): TryWrite = %d, %v; want %d, ErrWouldBlock", test.size, n, err, test.want)
		}
		if n, err := b.TryRead(make([]byte, 1<<20)); n != test.want || err != nil {
			t.Errorf("New(%d): TryRead = %d, %v; want %d", test.size, n, err, test.want)
		}
	}
}

func TestAbortLosesWhatIsUnread(t *testing.T) {
	a, b := pipe.New(0)
	a.TryWrite([]byte("lost"))
	a.Abort()
	if n, err := b.TryRead(make([]byte, 10)); n != 0 || err != pipe.ErrReset {
		t.Errorf("TryRead = %d, %v; want ErrReset", n, err)
	}
	if _, err := b.TryWrite([]byte("x")); err != pipe.ErrReset {
		t.Errorf("TryWrite = %v; want ErrReset", err)
	}
	if _, err := a.TryRead(make([]byte, 1)); err != net.ErrClosed {
		t.Errorf("TryRead on the end that aborted = %v; want net.ErrClosed", err)
	}
}

func TestAbortAfterCloseLosesWhatIsUnread(t *testing.T) {
	a, b := pipe.New(0)
	a.TryWrite([]byte("lost"))
	a.Close()
	a.Abort()
	if n, err := b.TryRead(make([]byte, 10)); n != 0 || err != pipe.ErrReset {
		t.Errorf("TryRead = %d, %v; want ErrReset", n, err)
	}
}

func TestWritingToAClosedEnd(t *testing.T) {
	a, b := pipe.New(0)
	b.Close()
	if _, err := a.TryWrite([]byte("x")); err != pipe.ErrReset {
		t.Errorf("TryWrite = %v; want ErrReset", err)
	}
	if err := a.AwaitWrite(); err != pipe.ErrReset {
		t.Errorf("AwaitWrite = %v; want ErrReset", err)
	}
	if err := a.CloseWrite(); err != pipe.ErrReset {
		t.Errorf("CloseWrite = %v; want ErrReset", err)
	}
}

func TestCloseWriteTwice(t *testing.T) {
	a, b := pipe.New(0)
	for range 2 {
		if err := a.CloseWrite(); err != nil {
			t.Errorf("CloseWrite = %v", err)
		}
	}
	if _, err := a.TryWrite([]byte("x")); err == nil {
		t.Error("TryWrite after CloseWrite worked")
	}
	if _, err := b.AwaitRead(make(slice, 1)); err != io.EOF {
		t.Errorf("AwaitRead = %v; want io.EOF", err)
	}
}

// Time moves in a bubble only when every goroutine in it is durably blocked.
func TestWaitsAreDurablyBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(10)
		a.TryWrite(make([]byte, 10))
		l := pipe.Listen(0)
		waits := []func() error{
			func() error { _, err := a.AwaitRead(make(slice, 1)); return err },
			a.AwaitWrite,
			func() error { _, err := l.Accept(t.Context()); return err },
		}
		ended := make(chan error, len(waits))
		for _, wait := range waits {
			go func() { ended <- wait() }()
		}
		time.Sleep(time.Hour)
		if len(ended) > 0 {
			t.Fatalf("a wait ended: %v", <-ended)
		}
		a.Abort()
		b.Abort()
		l.Close()
		for range waits {
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("a wait ended with %v; want net.ErrClosed", err)
			}
		}
	})
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	a, b := pipe.New(0)
	message, buf := make([]byte, 10_000), make([]byte, 20_000)
	var l transport.Lender = slice(buf)
	if n := testing.AllocsPerRun(1000, func() {
		a.TryWrite(message)
		b.AwaitRead(l)
		b.TryWrite(message)
		a.TryRead(buf)
	}); n > 0 && !raceDetector {
		t.Errorf("%v allocations a round trip", n)
	}
}

func TestAnIdleConnectionHoldsNoBuffer(t *testing.T) {
	const connections = 200
	ends := make([]*pipe.Stream, 0, 2*connections)
	before := heap()
	for range connections {
		a, b := pipe.New(0)
		a.TryWrite(make([]byte, pipe.DefaultSize))
		b.TryRead(make([]byte, pipe.DefaultSize))
		ends = append(ends, a, b)
	}
	if each := (heap() - before) / connections; each > 1024 {
		t.Errorf("an idle connection holds %d bytes", each)
	}
	runtime.KeepAlive(ends)
}

// heap returns how much is in use; two collections empty a sync.Pool.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestListener(t *testing.T) {
	l := pipe.Listen(7)
	client, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := client.TryWrite([]byte("more than 7")); n != 7 {
		t.Errorf("TryWrite = %d; want the listener's size", n)
	}
	if n, err := server.AwaitRead(make(slice, 20)); n != 7 {
		t.Errorf("AwaitRead = %d, %v", n, err)
	}
}

func TestListenerAcceptStream(t *testing.T) {
	l := pipe.Listen(0)
	client, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	client.Abort()
	if _, err := s.TryRead(make([]byte, 1)); err != pipe.ErrReset {
		t.Errorf("TryRead = %v; want what the other end did", err)
	}
	l.Close()
	if s, err := l.AcceptStream(); s != nil || err != net.ErrClosed {
		t.Errorf("after Close: %v, %v; want nil and net.ErrClosed", s, err)
	}
}

func TestListenerHonoursTheContext(t *testing.T) {
	l := pipe.Listen(0)
	synctest.Test(t, func(t *testing.T) {
		l := pipe.Listen(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Accept(ctx); err != context.DeadlineExceeded {
			t.Errorf("Accept = %v", err)
		}
	})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 { // a select picks at random
		if _, err := l.Dial(cancelled); err != context.Canceled {
			t.Errorf("Dial = %v", err)
		}
	}
}

func TestListenerBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipe.Listen(0)
		for range 128 {
			if _, err := l.Dial(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		dialled := make(chan error, 1)
		go func() { _, err := l.Dial(t.Context()); dialled <- err }()
		synctest.Wait()
		if len(dialled) > 0 {
			t.Fatalf("Dial did not wait behind 128 others: %v", <-dialled)
		}
		l.Accept(t.Context())
		if err := <-dialled; err != nil {
			t.Error(err)
		}
	})
}

func TestListenerClose(t *testing.T) {
	l := pipe.Listen(0)
	kept, _ := l.Dial(t.Context())
	l.Accept(t.Context())
	unaccepted, _ := l.Dial(t.Context())
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.Accept(t.Context()); err != net.ErrClosed {
		t.Errorf("Accept = %v; want net.ErrClosed", err)
	}
	if _, err := l.Dial(t.Context()); err != net.ErrClosed {
		t.Errorf("Dial = %v; want net.ErrClosed", err)
	}
	if _, err := unaccepted.TryRead(make([]byte, 1)); err != pipe.ErrReset {
		t.Errorf("a connection that nobody accepted: TryRead = %v; want ErrReset", err)
	}
	if _, err := kept.TryRead(make([]byte, 1)); err != transport.ErrWouldBlock {
		t.Errorf("an accepted connection: TryRead = %v; want ErrWouldBlock", err)
	}
}

// FuzzQueue compares a pipe with a bytes.Buffer. Each input byte is a write of
// that many hundred bytes, or a read if it is odd.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{200, 101, 40, 255, 255, 2, 1, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		a, b := pipe.New(0)
		var model bytes.Buffer
		next := byte(0)
		for _, step := range script {
			p := make([]byte, 100*int(step)+1)
			if step%2 == 0 {
				for i := range p {
					p[i] = next
					next++
				}
				n, _ := a.TryWrite(p)
				next -= byte(len(p) - n)
				model.Write(p[:n])
				continue
			}
			n, err := b.TryRead(p)
			want := model.Next(len(p))
			if !bytes.Equal(p[:n], want) || (n == 0) != (err == transport.ErrWouldBlock) {
				t.Fatalf("TryRead of %d bytes = %d, %v; want %d", len(p), n, err, len(want))
			}
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	x, y := pipe.New(0)
	p := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		x.TryWrite(p)
		y.TryRead(p)
		y.TryWrite(p)
		x.TryRead(p)
	}
}
