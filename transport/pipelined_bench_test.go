package transport_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// An always stream has the same input at every read and takes all output, so that what is
// measured is the driver.
type always struct {
	input   []byte
	reads   int // left, before it is closed
	written int
}

func (s *always) TryRead(p []byte) (int, error) {
	if s.reads--; s.reads < 0 {
		return 0, errClosed
	}
	return copy(p, s.input), nil
}

func (s *always) AwaitRead(l transport.Lender) (int, error) {
	n, err := s.TryRead(l.Borrow())
	if err != nil {
		l.Return()
	}
	return n, err
}

func (s *always) TryWrite(p []byte) (int, error)    { s.written += len(p); return len(p), nil }
func (s *always) WhenReadable(transport.Waker) bool { return false }
func (s *always) Readable() bool                    { return true }
func (s *always) KickRead()                         {}
func (s *always) AwaitWrite() error                 { return nil }
func (s *always) KickWrite()                        {}
func (s *always) CloseWrite() error                 { return nil }
func (s *always) Close() error                      { return nil }
func (s *always) Abort() error                      { return nil }

var errClosed = fmt.Errorf("closed")

// pipelined returns a server on a stream that has 64 messages at every read, n in all.
func pipelined(b *testing.B, n, size int) *transport.Conn {
	const atOnce = 64
	s := &always{reads: n/atOnce + 1}
	client, err := core.NewOpen(settings(b, core.Config{}), 0, core.Client)
	if err != nil {
		b.Fatal(err)
	}
	for range atOnce {
		s.input, _ = client.AppendMessage(s.input, frame.Binary, make([]byte, size))
	}
	server, err := core.NewOpen(settings(b, core.Config{}), 0, core.Server)
	if err != nil {
		b.Fatal(err)
	}
	return transport.NewConn(server, s, transport.NewAttendant(real.New()))
}

type benchSink struct {
	c    *transport.Conn
	done chan struct{}
}

func (s benchSink) Message(op frame.Opcode, p []byte) bool {
	return s.c.Send(context.Background(), op, p) == nil
}

func (s benchSink) End(error) { close(s.done) }

// What a message costs besides its share of a read and a write: 64 are in flight.
func BenchmarkPipelined(b *testing.B) {
	for _, size := range []int{16, 48} {
		b.Run(fmt.Sprintf("Receive/%d", size), func(b *testing.B) {
			c := pipelined(b, b.N, size)
			var buf []byte
			b.ReportAllocs()
			for {
				op, p, err := c.Receive(context.Background(), buf[:0])
				if err != nil {
					break
				}
				c.Send(context.Background(), op, p)
				buf = p
			}
		})
		b.Run(fmt.Sprintf("Deliver/%d", size), func(b *testing.B) {
			s := benchSink{pipelined(b, b.N, size), make(chan struct{})}
			b.ReportAllocs()
			s.c.Deliver(s, transport.DeliverOptions{Lend: true})
			<-s.done
		})
	}
}
