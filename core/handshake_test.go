package core

import (
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

const sampleGET = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

const sample101 = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

func newTestClient(t testing.TB, cfg Config, o RequestOptions) *end {
	t.Helper()
	if o.Host == "" {
		o.Host = "server.example.com"
	}
	c, err := NewClient(settings(t, cfg), 0, o)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(t, c)
}

func newTestServer(t testing.TB, cfg Config) *end { return wrap(t, NewServer(settings(t, cfg), 0)) }

// answerTo returns the response that accepts the client's request.
func answerTo(t testing.TB, c *end) string {
	t.Helper()
	out, err := AppendAccept(nil, &Request{Fields: []Field{{"Sec-WebSocket-Key", c.hs.key}}}, AcceptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func (e *end) accept(o AcceptOptions) {
	e.t.Helper()
	if err := e.Accept(e.at, o); err != nil {
		e.t.Fatal(err)
	}
	e.drain()
}

func TestServerHandshake(t *testing.T) {
	for _, size := range []int{1, 7, 10000} {
		e := newTestServer(t, Config{})
		e.wantTimer(TimerHandshake, 10*time.Second)
		e.recvPiecesRaw(sampleGET+"\r\n", size)
		e.wantEvents("request")
		e.wantOutput("")
		if r := e.Request(); r == nil || r.Path() != "/chat" {
			t.Fatalf("request %+v", r)
		}
		if e.hs.head.buf != nil {
			t.Error("the head is kept beside the request")
		}
		e.wantTimer(TimerHandshake, 10*time.Second)
		e.at = 3e9
		e.accept(AcceptOptions{})
		e.wantOutput(sample101)
		e.wantEvents()
		e.wantTransport(TransportOpen)
		e.wantTimer(TimerPing, 18*time.Second)
		if e.Request() != nil || !e.Open() || e.hs != nil {
			t.Error("the handshake was not released")
		}
	}
}

func (e *end) recvPiecesRaw(in string, size int) {
	e.t.Helper()
	for in != "" {
		n := min(size, len(in))
		e.recvRaw(in[:n])
		in = in[n:]
	}
}

func TestClientHandshake(t *testing.T) {
	for _, size := range []int{1, 7, 10000} {
		e := newTestClient(t, Config{}, RequestOptions{Target: "/chat"})
		e.drain()
		if !strings.HasPrefix(e.output, "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n") {
			t.Fatalf("request %q", e.output)
		}
		e.wantTimer(TimerHandshake, 10*time.Second)
		e.at = 2e9
		e.recvPiecesRaw(answerTo(t, e), size)
		e.wantEvents("open")
		e.wantTimer(TimerPing, 17*time.Second)
		e.wantTransport(TransportOpen)
		if !e.Open() {
			t.Error("not open")
		}
		e.recv("")
		if e.hs != nil {
			t.Error("the handshake was not released")
		}
	}
}

// Frames may follow a request and a response at once, in the same segment.
func TestFramesArriveWithTheHandshake(t *testing.T) {
	for _, size := range []int{1, 3, 10000} {
		e := newTestServer(t, answering)
		in := sampleGET + "\r\n" + masked("\x81\x02hi\x89\x01p")
		for e.Request() == nil {
			n, _ := e.recvOnce(in[:min(size, len(in))])
			in = in[n:]
		}
		for range 3 { // until the answer, the rest stays with the caller
			if n, more := e.recvOnce(in); n != 0 || more {
				t.Fatalf("Recv took %d bytes of what follows the request", n)
			}
		}
		e.accept(AcceptOptions{})
		e.recvPiecesRaw(in, size)
		e.wantEvents("request", "text hi", "ping p")
		e.wantOutput(sample101 + "\x8a\x01p")

		c := newTestClient(t, answering, RequestOptions{})
		c.drain()
		c.output = ""
		c.recvPiecesRaw(answerTo(t, c)+"\x81\x02hi\x89\x01p", size)
		c.wantEvents("open", "text hi", "ping p")
		c.wantOutput("\x8a\x01p")
	}
}

// A server may send at once; its response goes first.
func TestMessageRightAfterAccept(t *testing.T) {
	for _, a := range appendCalls {
		e := newTestServer(t, Config{})
		e.recvRaw(sampleGET + "\r\n")
		if err := e.Accept(0, AcceptOptions{}); err != nil {
			t.Fatal(err)
		}
		if e.Request() != nil || !e.Open() {
			t.Error("Accept left the request open")
		}
		out, err := a.call(e.Conn)
		if err != nil || !strings.HasPrefix(string(out), sample101) || len(out) == len(sample101) {
			t.Errorf("%s: %q, %v", a.name, out, err)
		}
		if e.Pending() != 0 || e.unsent < int64(len(out)) {
			t.Errorf("%s: %d bytes pending, %d unsent", a.name, e.Pending(), e.unsent)
		}
	}
}

// An interim response precedes the answer
// (https://www.rfc-editor.org/rfc/rfc9110#section-15.2).
func TestClientSkipsInterimResponses(t *testing.T) {
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	for _, size := range []int{1, 5, 10000} {
		e := newTestClient(t, Config{}, RequestOptions{})
		e.drain()
		e.recvPiecesRaw("HTTP/1.1 100 Continue\r\n\r\n"+early+answerTo(t, e)+"\x82\x01a", size)
		e.wantEvents("open", "binary a")

		e = newTestClient(t, Config{}, RequestOptions{})
		e.drain()
		e.recvPiecesRaw(strings.Repeat(early, 900), size+4)
		e.wantEvents(silently(ErrHeadTooBig))
	}
}

func TestSubprotocol(t *testing.T) {
	c := newTestClient(t, Config{}, RequestOptions{Subprotocols: []string{"a", "b"}})
	s := newTestServer(t, Config{})
	c.drain()
	s.recvRaw(c.output)
	before := dumpOf(s.Conn)
	for want, o := range map[Error]AcceptOptions{
		ErrSubprotocolNotOffered: {Subprotocol: "c"},
		ErrHandshakeOption:       {Header: []Field{{"Upgrade", "x"}}},
	} {
		if err := s.Accept(0, o); err != error(want) || dumpOf(s.Conn) != before {
			t.Errorf("Accept(%+v): %v, and the state changed: %v", o, err, dumpOf(s.Conn) != before)
		}
	}
	if err := s.Reject(0, RejectOptions{Status: 200}); err != error(ErrHandshakeOption) || dumpOf(s.Conn) != before {
		t.Errorf("Reject with 200: %v", err)
	}
	s.accept(AcceptOptions{Subprotocol: "b"})
	n, more := c.recvOnce(s.output)
	if n != len(s.output) || !more || c.Subprotocol() != "b" || c.Response().Status != 101 {
		t.Errorf("subprotocol %q, response %+v", c.Subprotocol(), c.Response())
	}
	c.recv("")
	if c.Subprotocol() != "" || c.Response() != nil {
		t.Error("the handshake was not released")
	}
}

// A refused client is answered and its frames are never read: the first known
// defect of the seed.
func TestReject(t *testing.T) {
	e := newTestServer(t, Config{})
	in := sampleGET + "Origin: http://evil.example\r\n\r\n"
	e.recvRaw(in)
	if err := e.Reject(0, RejectOptions{}); err != nil {
		t.Fatal(err)
	}
	e.drain()
	if !strings.HasPrefix(e.output, "HTTP/1.1 403 Forbidden\r\n") {
		t.Errorf("response %q", e.output)
	}
	e.output = ""
	e.wantErr(ErrRejected)
	e.wantTransport(TransportHalfClose)
	e.wantTimer(TimerClose, 5*time.Second)
	e.recv("\x81\x02hi\x89\x00")
	e.wantEvents("request")
	e.wantOutput("")
	e.eof()
	e.wantTransport(TransportClose)
	e.wantEvents()
}

func TestAnswersWithoutARequest(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    *end
	}{
		{"before the request", newTestServer(t, Config{})},
		{"a client", newTestClient(t, Config{}, RequestOptions{})},
		{"an open server", opened(t, Server)},
		{"an open client", opened(t, Client)},
		{"after Accept", func() *end {
			e := newTestServer(t, Config{})
			e.recvRaw(sampleGET + "\r\n")
			if err := e.Accept(0, AcceptOptions{}); err != nil {
				t.Fatal(err)
			}
			return e
		}()},
		{"after Reject", func() *end {
			e := newTestServer(t, Config{})
			e.recvRaw(sampleGET + "\r\n")
			if err := e.Reject(0, RejectOptions{}); err != nil {
				t.Fatal(err)
			}
			return e
		}()},
		{"after a bad request", func() *end {
			e := newTestServer(t, Config{})
			e.recvRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			return e
		}()},
		{"after the timeout", func() *end {
			e := newTestServer(t, Config{})
			e.recvRaw(sampleGET + "\r\n")
			e.Tick(10e9)
			return e
		}()},
		{"after end of file", func() *end {
			e := newTestServer(t, Config{})
			e.recvRaw(sampleGET + "\r\n")
			e.eof()
			return e
		}()},
	} {
		before := dumpOf(tt.e.Conn)
		if err := tt.e.Accept(0, AcceptOptions{}); err != error(ErrNoRequest) {
			t.Errorf("%s: Accept: %v", tt.name, err)
		}
		if err := tt.e.Reject(0, RejectOptions{}); err != error(ErrNoRequest) {
			t.Errorf("%s: Reject: %v", tt.name, err)
		}
		if dumpOf(tt.e.Conn) != before {
			t.Errorf("%s: the state changed", tt.name)
		}
	}
}

// The HTTP status of each refusal, and that nothing is read after it.
func TestServerRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		err      Error
		status   string
	}{
		{"no HTTP", "hello\r\n\r\n", ErrBadRequest, "400 Bad Request"},
		{"POST", strings.Replace(sampleGET, "GET", "POST", 1) + "\r\n", ErrMethod, "405 Method Not Allowed"},
		{"no upgrade", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", ErrUpgradeHeader, "426 Upgrade Required"},
		{"version 8", strings.Replace(sampleGET, "13", "8", 1) + "\r\n", ErrVersion, "426 Upgrade Required"},
		{"a body", sampleGET + "Content-Length: 5\r\n\r\nhello", ErrRequestBody, "400 Bad Request"},
		{"a long head", sampleGET + "X: " + strings.Repeat("x", 40000), ErrHeadTooBig, "431 Request Header Fields Too Large"},
		{"many lines", sampleGET + strings.Repeat("X: x\r\n", 200), ErrHeadTooBig, "431 Request Header Fields Too Large"},
	} {
		for _, size := range []int{11, 100000} {
			e := newTestServer(t, Config{})
			e.recvPiecesRaw(tt.in, size)
			e.recv("\x89\x00")
			e.wantEvents(silently(tt.err))
			if !strings.HasPrefix(e.output, "HTTP/1.1 "+tt.status+"\r\n") {
				t.Errorf("%s: answer %q", tt.name, e.output)
			}
			if tt.err == ErrVersion && !strings.Contains(e.output, "\r\nSec-WebSocket-Version: 13\r\n") {
				t.Errorf("%s: answer %q", tt.name, e.output)
			}
			e.wantErr(tt.err)
			e.wantTransport(TransportHalfClose)
			e.wantTimer(TimerClose, 5*time.Second)
			e.at = 5e9
			e.tick()
			e.wantTransport(TransportClose)
			e.wantEvents()
		}
	}
}

func TestClientRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		err      Error
	}{
		{"no HTTP", "hello\r\n\r\n", ErrBadResponse},
		{"403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", ErrStatus},
		{"another key", sample101, ErrAcceptKey},
		{"no upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", ErrResponseUpgrade},
		{"a long head", "HTTP/1.1 101 Switching Protocols\r\nX: " + strings.Repeat("x", 40000), ErrHeadTooBig},
	} {
		e := newTestClient(t, Config{}, RequestOptions{})
		e.drain()
		e.output = ""
		e.recvRaw(tt.in)
		e.recv("\x89\x00\x81\x01a")
		e.wantEvents(silently(tt.err))
		e.wantOutput("")
		e.wantErr(tt.err)
		e.wantTransport(TransportClose)
		if tt.err == ErrStatus && e.Response().Status != 403 {
			t.Errorf("response %+v", e.Response())
		}
	}
}

func TestHandshakeTimeout(t *testing.T) {
	for _, in := range []string{"", "GET / HT", sampleGET, sampleGET + "\r\n"} {
		e := newTestServer(t, Config{})
		e.recvRaw(in)
		e.events = nil
		e.at = 10e9 - 1
		e.tick()
		e.wantEvents()
		e.wantTimer(TimerHandshake, 10*time.Second)
		e.after(1).tick()
		e.wantEvents(silently(ErrHandshakeTimeout))
		if !strings.HasPrefix(e.output, "HTTP/1.1 408 Request Timeout\r\n") {
			t.Errorf("answer %q", e.output)
		}
		e.wantTransport(TransportHalfClose)
		e.wantTimer(TimerClose, 15*time.Second)
		e.at = 15e9
		e.tick()
		e.wantTransport(TransportClose)
		e.wantTimer(TimerNone, 0)
	}

	e := newTestClient(t, Config{HandshakeTimeout: time.Second}, RequestOptions{})
	e.drain()
	e.at = 1e9
	e.tick()
	e.wantEvents(silently(ErrHandshakeTimeout))
	e.wantTransport(TransportClose)

	e = newTestServer(t, Config{HandshakeTimeout: -1})
	e.wantTimer(TimerNone, 0)
	e = newTestClient(t, Config{HandshakeTimeout: -1}, RequestOptions{})
	e.wantTimer(TimerNone, 0)
}

// A client whose request cannot be written has nothing to wait for.
func TestClientGivesUpABlockedRequest(t *testing.T) {
	for _, blocked := range []bool{true, false} {
		e := newTestClient(t, Config{}, RequestOptions{})
		e.blocked, e.stuck = blocked, true
		e.drain()
		e.at = 10e9
		e.tick()
		e.wantEvents(silently(ErrHandshakeTimeout))
		e.wantTransport(TransportAbort)
		if out := e.AppendOutput(nil); len(out) != 0 {
			t.Errorf("output after the abort: %q", out)
		}
	}
}

func TestHandshakeLost(t *testing.T) {
	for _, end := range []func(e *end){(*end).eof, (*end).lost} {
		for _, in := range []string{"", "GET / HT", sampleGET + "\r\n"} {
			e := newTestServer(t, Config{})
			e.recvRaw(in)
			e.events = nil
			end(e)
			e.wantEvents(silently(ErrHandshakeLost))
			e.wantOutput("")
		}
		e := newTestClient(t, Config{}, RequestOptions{})
		e.drain()
		e.output = ""
		e.recvRaw("HTTP/1.1 101 Swi")
		end(e)
		e.wantEvents(silently(ErrHandshakeLost))
		e.wantOutput("")
	}
}

// A failure right after the handshake is one of an open connection, even
// before the handshake was released.
func TestClientFailsRightAfterOpen(t *testing.T) {
	e := newTestClient(t, Config{}, RequestOptions{})
	e.drain()
	if _, more := e.recvOnce(answerTo(t, e)); !more {
		t.Fatal("not open")
	}
	e.output, e.events = "", nil
	e.at = 58e9
	e.tick()
	e.wantEvents(failed(ErrConnectionTimeout))
	e.wantOutput(closeFrame(ErrConnectionTimeout))
	e.wantTransport(TransportHalfClose)
}

func TestNewClientRefuses(t *testing.T) {
	s, err := NewSettings(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(s, 0, RequestOptions{Host: "a"}); err == nil {
		t.Error("a client without entropy")
	}
	if _, err := NewOpen(s, 0, Client); err == nil {
		t.Error("an open client without entropy")
	}
	if _, err := NewOpen(s, 0, Server); err != nil {
		t.Error(err)
	}
	if _, err := NewClient(settings(t, Config{}), 0, RequestOptions{Host: "a b"}); err != error(ErrHandshakeOption) {
		t.Errorf("a bad host: %v", err)
	}
}

// Both ends, joined in memory.
func TestClientMeetsServer(t *testing.T) {
	c, s := newTestClient(t, Config{}, RequestOptions{}), newTestServer(t, answering)
	c.drain()
	s.recvRaw(c.output)
	s.accept(AcceptOptions{})
	c.recvRaw(s.output)
	c.output, s.output = "", ""
	c.take(c.AppendMessage(nil, frame.Text, []byte("hi")))
	c.take(c.AppendPing(nil, []byte("p")))
	c.close(1000, "bye")
	s.recvRaw(c.output)
	c.recvRaw(s.output)
	s.wantEvents("request", "text hi", "ping p", "close 1000 bye")
	c.wantEvents("open", "pong p", "close 1000 ")
	s.wantTransport(TransportHalfClose)
	c.wantTransport(TransportOpen)
	c.eof()
	c.wantTransport(TransportClose)
	s.eof()
	s.wantTransport(TransportClose)
	c.wantErr(0)
	s.wantErr(0)
}
