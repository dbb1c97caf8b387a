package transport_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

func TestPumpContract(t *testing.T) {
	streamtest.Run(t, func(*testing.T) (a, b transport.Stream) {
		c, d := net.Pipe()
		return transport.NewPump(c), transport.NewPump(d)
	})
}

// A carrier is a ReadWriteCloser that tells what is done to it.
type carrier struct {
	io.ReadWriteCloser
	did chan string
}

func (c carrier) CloseWrite() error { c.did <- "CloseWrite"; return nil }
func (c carrier) Close() error      { c.did <- "Close"; return c.ReadWriteCloser.Close() }

func pumped() (s transport.Stream, did chan string, peer net.Conn) {
	near, peer := net.Pipe()
	c := carrier{near, make(chan string, 10)}
	return transport.NewPump(c), c.did, peer
}

func expect(t *testing.T, did chan string, want string) {
	t.Helper()
	synctest.Wait()
	got := ""
	select {
	case got = <-did:
	default:
	}
	if got != want {
		t.Fatalf("the carrier was told %q, want %q", got, want)
	}
}

func mustWrite(t *testing.T, s transport.Stream, p []byte) {
	t.Helper()
	if n, err := s.TryWrite(p); err != nil {
		t.Fatalf("TryWrite = %d, %v", n, err)
	}
}

func TestPumpEndsOutputAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, did, peer := pumped()
		mustWrite(t, s, []byte("abc"))
		if err := s.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		expect(t, did, "") // nobody has read yet
		io.ReadFull(peer, make([]byte, 3))
		expect(t, did, "CloseWrite")
		expect(t, did, "Close")
		expect(t, did, "")
	})
}

func TestPumpCloseLingersFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, did, _ := pumped()
		mustWrite(t, s, []byte("never read"))
		s.Close()
		time.Sleep(5*time.Second - 1)
		expect(t, did, "")
		time.Sleep(time.Nanosecond)
		expect(t, did, "Close")
	})
}

func TestPumpAbortDoesNotWaitForOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, did, _ := pumped()
		mustWrite(t, s, []byte("never read"))
		s.Close()
		s.Abort()
		expect(t, did, "Close")
	})
}

func TestPumpWithoutCloseWrite(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	s := transport.NewPump(near)
	defer s.Abort()
	if err := s.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite = %v, want errors.ErrUnsupported", err)
	}
	mustWrite(t, s, []byte("still open"))
}

func TestPumpReportsTheCarriersErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, peer := pumped()
		peer.Close()
		s.TryWrite([]byte("x"))
		synctest.Wait()
		if _, err := s.TryWrite([]byte("x")); err != io.ErrClosedPipe {
			t.Errorf("TryWrite = %v, want the error of the carrier's Write", err)
		}
		if err := s.AwaitWrite(); err != io.ErrClosedPipe {
			t.Errorf("AwaitWrite = %v, want the error of the carrier's Write", err)
		}
		if _, err := s.TryRead(make([]byte, 1)); err != io.EOF {
			t.Errorf("TryRead = %v, want io.EOF", err)
		}
		s.Close()
	})
}

func TestPumpAcceptsABoundedAmount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, peer := pumped()
		n, err := s.TryWrite(make([]byte, 1<<20))
		if n != 64<<10 || err != transport.ErrWouldBlock {
			t.Errorf("TryWrite = %d, %v; want 65536, ErrWouldBlock", n, err)
		}
		io.ReadFull(peer, make([]byte, 16<<10))
		synctest.Wait()
		if n, _ := s.TryWrite(make([]byte, 1<<20)); n != 16<<10 {
			t.Errorf("TryWrite after the peer read 16 KiB = %d, want 16384", n)
		}
		s.Abort()
	})
}
