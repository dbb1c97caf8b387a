package transport_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

var roles = []core.Role{core.Server, core.Client}

// pair returns the two open ends of a connection in memory.
func pair(t testing.TB, clk clock.Clock, server, client core.Config) (srv, cli *transport.Conn) {
	t.Helper()
	a, b := pipe.New(0)
	return open(t, clk, core.Server, server, a), open(t, clk, core.Client, client, b)
}

func open(t testing.TB, clk clock.Clock, role core.Role, cfg core.Config, s transport.Stream, options ...transport.Option) *transport.Conn {
	t.Helper()
	return openBy(t, transport.NewAttendant(clk), role, cfg, s, options...)
}

// openBy is open with an Attendant that others may have, too.
func openBy(t testing.TB, att *transport.Attendant, role core.Role, cfg core.Config, s transport.Stream, options ...transport.Option) *transport.Conn {
	t.Helper()
	m, err := core.NewOpen(settings(t, cfg), att.Clock().Now(), role)
	if err != nil {
		t.Fatal(err)
	}
	c := transport.NewConn(guarded(t, m), s, att, options...)
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func settings(t testing.TB, cfg core.Config) *core.Settings {
	t.Helper()
	if cfg.Entropy == nil {
		cfg.Entropy = rand.Uint32
	}
	set, err := core.NewSettings(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// sockets returns the two ends of a TCP connection.
func sockets(t testing.TB) (server, client *tcp.Stream) {
	t.Helper()
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = tcp.Dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Abort(); client.Abort() })
	return server, client
}

// A peer speaks bytes to the Conn under test and breaks what rules it likes.
type peer struct {
	t    testing.TB
	s    transport.Stream
	role core.Role // of the peer
	mu   sync.Mutex
}

// against returns an open Conn of the role and its peer, inside a bubble.
func against(t testing.TB, role core.Role, cfg core.Config) (*transport.Conn, *peer) {
	t.Helper()
	a, b := pipe.New(0)
	return open(t, real.New(), role, cfg, a), &peer{t: t, s: b, role: 1 - role}
}

func (p *peer) frame(dst []byte, op frame.Opcode, fin bool, payload []byte) []byte {
	h := frame.Header{Fin: fin, Opcode: op, Length: int64(len(payload))}
	if p.role == core.Client {
		h.Masked, h.Mask = true, frame.Mask{1, 2, 3, 4}
	}
	return frame.AppendFrame(dst, h, payload)
}

func (p *peer) text(dst []byte, s string) []byte { return p.frame(dst, frame.Text, true, []byte(s)) }

// violation is a frame with a reserved bit.
func (p *peer) violation() []byte {
	b := p.text(nil, "x")
	b[0] |= 0x40
	return b
}

func (p *peer) closing(code frame.CloseCode) []byte {
	payload, _ := frame.AppendClosePayload(nil, code, "")
	return p.frame(nil, frame.Close, true, payload)
}

// write waits until the stream has taken all of b.
func (p *peer) write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		n, err := p.s.TryWrite(b)
		b = b[n:]
		if err == transport.ErrWouldBlock {
			err = p.s.AwaitWrite()
		}
		if err != nil && err != transport.ErrKicked {
			return err
		}
	}
	return nil
}

// there returns what can be read without waiting.
func (p *peer) there() (got []byte) {
	b := make([]byte, 64<<10)
	for {
		n, err := p.s.TryRead(b)
		got = append(got, b[:n]...)
		if err != nil {
			return got
		}
	}
}

// frames parses all of b, unmasked.
func (p *peer) frames(b []byte) (list []received) {
	p.t.Helper()
	for len(b) > 0 {
		h, n, err := frame.ParseHeader(b)
		if n == 0 || err != nil || int64(len(b)-n) < h.Length {
			p.t.Fatalf("not a frame: %x, %v", b[:min(len(b), 20)], err)
		}
		payload := b[n : n+int(h.Length)]
		if h.Masked {
			h.Mask.XOR(payload, 0)
		}
		list = append(list, received{h.Opcode, string(payload)})
		b = b[n+int(h.Length):]
	}
	return list
}

type received struct {
	op      frame.Opcode
	payload string
}

func closeFrame(code frame.CloseCode) received {
	return received{frame.Close, string([]byte{byte(code >> 8), byte(code)})}
}

// A counted stream counts writes and the bytes that were taken.
type counted struct {
	transport.Stream
	writes, bytes atomic.Int64
}

func (s *counted) TryWrite(p []byte) (int, error) {
	n, err := s.Stream.TryWrite(p)
	s.writes.Add(1)
	s.bytes.Add(int64(n))
	return n, err
}

// bubble runs a test on the bubble's time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// took returns how long f takes.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// echo answers each message with itself until the connection ends.
func echo(c *transport.Conn) error {
	ctx := context.Background()
	var buf []byte
	for {
		op, p, err := c.Receive(ctx, buf[:0])
		if err != nil {
			return err
		}
		buf = p
		if err := c.Send(ctx, op, p); err != nil {
			return err
		}
	}
}

func receiveText(t testing.TB, c *transport.Conn, want string) {
	t.Helper()
	op, p, err := c.Receive(context.Background(), nil)
	if err != nil || op != frame.Text || string(p) != want {
		t.Errorf("received %v %.40q, %v; want %.40q", op, p, err, want)
	}
}

// await waits for input and returns it.
func (p *peer) await() []byte {
	l := &lender{make([]byte, 64<<10)}
	n, err := p.s.AwaitRead(l)
	if err != nil {
		p.t.Error("waiting for input:", err)
	}
	return l.b[:n]
}

type lender struct{ b []byte }

func (l *lender) Borrow() []byte { return l.b }
func (l *lender) Return()        {}

const request = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// server returns a server in the handshake and the client's stream.
func server(t testing.TB, cfg core.Config, options ...transport.Option) (*transport.Conn, *peer) {
	t.Helper()
	a, b := pipe.New(0)
	clk := real.New()
	c := transport.NewConn(guarded(t, core.NewServer(settings(t, cfg), clk.Now())), a, transport.NewAttendant(clk), options...)
	t.Cleanup(func() { c.CloseNow() })
	return c, &peer{t: t, s: b, role: core.Client}
}
