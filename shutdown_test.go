package websockets_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// Shutdown of a thousand connections that are all busy: each client sees 1001
// behind every message that the handler's Send took, once and in order; when
// Shutdown returns, no handler runs.
func TestShutdownUnderLoad(t *testing.T) {
	const n = 1000
	for _, test := range []struct {
		name   string
		server func(*load) *websockets.Server
		over   func(*testing.T, *websockets.Server) dialFunc
	}{
		{"Handle over net/http", (*load).handle, overHTTP},
		{"HandleEvents over Serve", (*load).handleEvents, overTCP},
		{"HandleConcurrent over pipes", (*load).handleConcurrent, overPipe},
		{"Handle over HTTP/2", (*load).handle, overWay("HTTP2")},
		{"HandleEvents over HTTP/3", (*load).handleEvents, overWay("HTTP3")},
		{"HandleConcurrent over QUIC", (*load).handleConcurrent, overWay("QUIC")},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &load{sent: make([]atomic.Int64, n)}
			server := test.server(l)
			dial := test.over(t, server)
			var all, open sync.WaitGroup
			open.Add(n)
			dialling := make(chan struct{}, 32)
			got := make([]int64, n)
			for i := range n {
				all.Go(func() {
					dialling <- struct{}{}
					c, err := dial(t.Context(), "/"+strconv.Itoa(i))
					<-dialling
					open.Done()
					if err != nil {
						t.Error(err)
						return
					}
					defer c.CloseNow()
					open.Wait()
					got[i] = converse(t, c)
				})
			}
			open.Wait()
			for l.total() < 10*n && !t.Failed() {
				time.Sleep(time.Millisecond)
			}

			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			start := time.Now()
			if err := server.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if running := l.running.Load(); running != 0 {
				t.Errorf("%d handlers run on", running)
			}
			took := time.Since(start)
			all.Wait()
			for i := range n {
				if sent := l.sent[i].Load(); got[i] != sent {
					t.Errorf("client %d received %d messages of the %d that were sent to it", i, got[i], sent)
				}
			}
			t.Logf("%d messages, Shutdown took %v", l.total(), took)
		})
	}
}

// window is how many messages each client has under way.
const window = 4

// converse sends numbers and receives them back, until the connection is closed
// with 1001, and returns how many came back.
func converse(t *testing.T, c *websockets.Conn) (received int64) {
	var p, buf []byte
	for next := int64(0); ; {
		for ; next < received+window; next++ {
			p = binary.BigEndian.AppendUint64(p[:0], uint64(next))
			if c.Send(context.Background(), websockets.Binary, p) != nil {
				break // Receive tells how the connection ended
			}
		}
		_, q, err := c.ReceiveInto(context.Background(), buf[:0])
		if err != nil {
			if websockets.CloseStatus(err) != websockets.GoingAway {
				t.Errorf("the client saw %v after %d messages", err, received)
			}
			return received
		}
		if buf = q; len(q) != 8 || binary.BigEndian.Uint64(q) != uint64(received) {
			t.Errorf("message %d is %x", received, q)
		}
		received++
		runtime.Gosched() // or two who answer each other keep a processor for themselves
	}
}

// A load is what the handlers of TestShutdownUnderLoad count.
type load struct {
	sent    []atomic.Int64 // by client
	running atomic.Int64
}

func (l *load) total() (sum int64) {
	for i := range l.sent {
		sum += l.sent[i].Load()
	}
	return sum
}

// answer echoes m and counts it if Send has taken it.
func (l *load) answer(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	i, err := strconv.Atoi(c.Request().URL.Path[1:])
	if err != nil {
		return err
	}
	if err := c.Send(ctx, m.Type, m.Data); err != nil {
		return err
	}
	l.sent[i].Add(1)
	return nil
}

func (l *load) handle() *websockets.Server {
	return websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		l.running.Add(1)
		defer l.running.Add(-1)
		for {
			typ, p, err := c.Receive(ctx)
			if err != nil {
				return err
			}
			if err := l.answer(ctx, c, websockets.Message{Type: typ, Data: p}); err != nil {
				return err
			}
		}
	}, patient())
}

func (l *load) handleConcurrent() *websockets.Server {
	o := patient()
	o.Ordered = true
	return websockets.HandleConcurrent(func(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
		l.running.Add(1)
		defer l.running.Add(-1)
		return l.answer(ctx, c, m)
	}, o)
}

func (l *load) handleEvents() *websockets.Server { return websockets.HandleEvents(l, patient()) }

func (l *load) OnOpen(context.Context, *websockets.Conn) error {
	l.running.Add(1)
	return nil
}

func (l *load) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return l.answer(ctx, c, m)
}

func (l *load) OnClose(*websockets.Conn, error) { l.running.Add(-1) }

// patient returns options for a machine that is busy with other things.
func patient() *websockets.Options {
	o := strict()
	o.CloseTimeout = time.Minute
	o.HandshakeTimeout = time.Minute
	o.ConnectionTimeout = 2 * time.Minute
	return o
}

type dialFunc func(ctx context.Context, path string) (*websockets.Conn, error)

// clients share their timers.
var clients = &websockets.Dialer{Options: patient()}

// overWay has one Dialer dial over one of the ways.
func overWay(name string) func(*testing.T, *websockets.Server) dialFunc {
	return func(t *testing.T, server *websockets.Server) dialFunc {
		w := ways[slices.IndexFunc(ways, func(w way) bool { return w.name == name })]
		url := w.serve(t, server)
		o := patient()
		o.TLSConfig = w.client().TLSConfig
		w.set(o)
		d := &websockets.Dialer{Options: o}
		return func(ctx context.Context, path string) (*websockets.Conn, error) {
			return d.Dial(ctx, url+path)
		}
	}
}

func overHTTP(t *testing.T, server *websockets.Server) dialFunc {
	s := httptest.NewServer(server)
	t.Cleanup(s.Close)
	return func(ctx context.Context, path string) (*websockets.Conn, error) {
		return clients.Dial(ctx, "ws"+strings.TrimPrefix(s.URL, "http")+path)
	}
}

func overTCP(t *testing.T, server *websockets.Server) dialFunc {
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	startServe(t, server, l)
	return func(ctx context.Context, path string) (*websockets.Conn, error) {
		return clients.Dial(ctx, "ws://"+l.Addr().String()+path)
	}
}

func overPipe(t *testing.T, server *websockets.Server) dialFunc {
	l := pipe.Listen(0)
	startServe(t, server, l)
	return func(ctx context.Context, path string) (*websockets.Conn, error) {
		stream, err := l.Dial(ctx)
		if err != nil {
			return nil, err
		}
		return clients.DialStream(ctx, stream, "ws://test"+path)
	}
}

// A connection that comes when the patience of Shutdown is over is cut, without
// a closing handshake.
func TestShutdownCutsWhatComesLate(t *testing.T) {
	server := websockets.Handle(echo, strict())
	over, cancel := context.WithCancel(context.Background())
	cancel()
	ended := make(chan time.Duration, 1)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		server.ServeHTTP(hijacker{w, func() { server.Shutdown(over) }}, r)
		ended <- time.Since(start)
	}))
	r, resp := rawDial(t, url, validRequest)
	if resp.StatusCode != 101 {
		t.Fatal(resp.Status)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Errorf("read %q", rest)
	}
	if d := <-ended; d > 3*time.Second {
		t.Errorf("it took %v", d)
	}
}

// hijacker calls before when the connection is taken over.
type hijacker struct {
	http.ResponseWriter
	before func()
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.before()
	return http.NewResponseController(h.ResponseWriter).Hijack()
}
