package http2_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
	"github.com/fb1e3c20/websockets/transport/internal/queue"
)

// A serverEnd is the server's end of the first stream of a connection: with
// blocking Read and Write, and with every flow control.
type serverEnd struct {
	conn net.Conn

	mu      sync.Mutex // for all that follows, writing frames included
	changed sync.Cond
	frames  *h2.Framer
	in      queue.Queue
	readErr error
	stream  int64 // window to send
	all     int64 // window to send, of the connection
	err     error // of writing
	finSent bool
}

// pair returns both ends of a new stream. The server has these settings.
func pair(t testing.TB, settings ...h2.Setting) (client *http2.Stream, server transport.Stream) {
	t.Helper()
	c, p := meet(t, settings...)
	client = accept(t, c, p)
	p.conn.SetDeadline(time.Time{})
	s := &serverEnd{conn: p.conn, frames: p.Framer, stream: http2.DefaultStreamWindow, all: 1 << 30}
	s.changed.L = &s.mu
	go s.readLoop()
	return client, transport.NewPump(s)
}

func (s *serverEnd) readLoop() {
	for s.readFrame() {
	}
	s.conn.Close()
}

func (s *serverEnd) readFrame() bool {
	f, err := s.frames.ReadFrame()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	switch f := f.(type) {
	case *h2.DataFrame:
		s.in.Write(f.Data())
		if f.StreamEnded() && s.readErr == nil {
			s.readErr = io.EOF
		}
	case *h2.WindowUpdateFrame:
		if f.StreamID == 0 {
			s.all += int64(f.Increment)
		} else {
			s.stream += int64(f.Increment)
		}
	case *h2.RSTStreamFrame:
		err = http2.ErrAborted
	}
	if err != nil {
		s.fail(err)
	}
	return err == nil || err == http2.ErrAborted
}

func (s *serverEnd) fail(err error) {
	if s.readErr == nil {
		s.readErr = err
	}
	if s.err == nil {
		s.err = err
	}
}

func (s *serverEnd) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.in.Len() == 0 && s.readErr == nil {
		s.changed.Wait()
	}
	n := s.in.Read(p)
	if n == 0 {
		return 0, s.readErr
	}
	if s.err == nil {
		s.frames.WriteWindowUpdate(0, uint32(n))
		s.frames.WriteWindowUpdate(1, uint32(n))
	}
	return n, nil
}

func (s *serverEnd) Write(p []byte) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		n := min(int64(len(p)), 16<<10, s.stream, s.all)
		switch {
		case s.err != nil:
			return written, s.err
		case n <= 0:
			s.changed.Wait()
		default:
			s.stream -= n
			s.all -= n
			if err := s.frames.WriteData(1, false, p[:n]); err != nil {
				return written, err
			}
			written += int(n)
			p = p[n:]
		}
	}
	return written, nil
}

func (s *serverEnd) CloseWrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finSent || s.err != nil {
		return s.err
	}
	s.finSent = true
	return s.frames.WriteData(1, true, nil)
}

func (s *serverEnd) Close() error {
	err := s.CloseWrite()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readErr == nil {
		s.frames.WriteRSTStream(1, h2.ErrCodeNo)
	}
	s.fail(net.ErrClosed)
	s.changed.Broadcast()
	return err
}

func (s *serverEnd) Abort() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.frames.WriteRSTStream(1, h2.ErrCodeCancel)
	}
	s.fail(net.ErrClosed)
	s.changed.Broadcast()
	return nil
}
